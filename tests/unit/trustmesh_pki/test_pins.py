from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from trustmesh_pki import offline
from trustmesh_pki.memory import MemoryLedger
from trustmesh_pki.pins import keep_pinned, pin
from trustmesh_pki.testing import TRUST_DOMAIN, TestTrust
from trustmesh_pki.trust import pem_of


async def test_the_pinned_roots_follow_the_bundle(tmp_path: Path) -> None:
    trust = await TestTrust.start()
    file = tmp_path / "roots.pem"
    assert not await pin(file, trust.authorities)
    assert not file.exists()
    file.write_text(pem_of(trust.root.certificate))
    assert not await pin(file, trust.authorities)
    successor = offline.create_root(TRUST_DOMAIN, now=trust.clock())
    await trust.authorities.create_root(TRUST_DOMAIN, pem_of(successor.certificate))
    keeping = asyncio.create_task(keep_pinned(file, trust.authorities))
    while pem_of(successor.certificate) not in file.read_text():
        await asyncio.sleep(0)
    keeping.cancel()
    assert pem_of(trust.root.certificate) in file.read_text()


async def test_an_empty_bundle_is_not_pinned(tmp_path: Path) -> None:
    trust = await TestTrust.start()
    file = tmp_path / "roots.pem"
    file.write_text("kept")
    assert not await pin(file, replace(trust.authorities, ledger=MemoryLedger()))
    assert file.read_text() == "kept"
