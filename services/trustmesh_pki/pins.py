"""The roots that first contact is pinned to, `trust/roots.pem`, kept as new as the bundle where pki lives in the same home.

Elsewhere the file is the operator's to distribute, from GetTrustBundle or by hand.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from trustmesh_chassis.identity.generation import write_durably
from trustmesh_pki.operations import Authorities

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0


async def pin(file: Path, authorities: Authorities) -> bool:
    """Write the bundle to the file if it is there and says something else; returns whether it was written."""
    if not file.exists():
        return False
    async with authorities.ledger.look() as ledger:
        pem = (await ledger.bundle(authorities.trust_domain)).pem.encode()
    if not pem or file.read_bytes() == pem:
        return False
    write_durably(file, pem, 0o644)
    log.info("pinned the trust bundle in %s", file)
    return True


async def keep_pinned(file: Path, authorities: Authorities) -> None:
    """Pin the bundle as it changes, for ever."""
    while True:
        await pin(file, authorities)
        await asyncio.sleep(POLL_SECONDS)
