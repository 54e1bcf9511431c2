"""Seeds: files by which the holder of pki's home gives it roots, intermediates and join tokens, before its first start or later.

They are how a mesh begins, when nobody holds an access token yet. pki takes every `seeds/*.json` in, in one transaction each, and
deletes it; a file that was taken in twice changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from trustmesh_chassis.errors import CallError
from trustmesh_chassis.identity.generation import write_durably
from trustmesh_pki import certificates
from trustmesh_pki.certificates import AltNames
from trustmesh_pki.intermediates import install
from trustmesh_pki.operations import Authorities
from trustmesh_pki.trust import Intermediate, JoinToken, pem_of, root_of

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Seed:
    """What one seed file holds. Intermediates carry their certificate; it is installed as if an operator had."""

    roots: tuple[x509.Certificate, ...] = ()
    intermediates: tuple[Intermediate, ...] = ()
    join_tokens: tuple[JoinToken, ...] = ()

    def write(self, file: Path) -> None:
        """Write the seed, mode 0600, whole or not at all."""
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = {
            "roots": [pem_of(root) for root in self.roots],
            "intermediates": [_intermediate_document(each) for each in self.intermediates],
            "join_tokens": [_token_document(token) for token in self.join_tokens],
        }
        write_durably(file, json.dumps(document, indent=1).encode(), 0o600)


def read_seed(text: str) -> Seed:
    """Raises ValueError or KeyError for a text that is no seed."""
    document = json.loads(text)
    return Seed(
        roots=tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in document["roots"]),
        intermediates=tuple(map(_read_intermediate, document["intermediates"])),
        join_tokens=tuple(map(_read_token, document["join_tokens"])),
    )


async def take_in(seed: Seed, authorities: Authorities) -> None:
    """Add what the ledger does not have yet. Raises RootRefused, IntermediateRefused."""
    trust_domain, now = authorities.trust_domain, authorities.clock()
    async with authorities.ledger.change() as ledger:
        known = {root.id for root in (await ledger.bundle(trust_domain)).roots}
        for certificate in seed.roots:
            certificates.check_root(certificate, trust_domain, now)
            root = root_of(trust_domain, certificate, now, now + authorities.root_propagation if known else now)
            if root.id not in known:
                await ledger.add_root(root)
        bundle = await ledger.bundle(trust_domain)
        present = {each.id for each in await ledger.intermediates()}
        for each in seed.intermediates:
            if each.id not in present and each.certificate is not None:
                await ledger.add_intermediate(install(each, each.certificate, bundle, now))
        for token in seed.join_tokens:
            if await ledger.join_token(id=token.id) is None:
                await ledger.add_join_token(token)


async def take_in_all(directory: Path, authorities: Authorities) -> None:
    """Take in every seed file of a directory, oldest name first; one that is refused is renamed and reported."""
    for file in sorted(directory.glob("*.json")):
        try:
            await take_in(read_seed(file.read_text()), authorities)
            log.info("took in the seed %s", file.name)
            file.unlink()
        except (ValueError, KeyError, CallError) as error:
            file.rename(file.with_suffix(".refused"))
            log.error("the seed %s is refused: %s", file, error)


async def watch_seeds(directory: Path, authorities: Authorities) -> None:
    """Take in seeds as they come, for ever."""
    while True:
        await take_in_all(directory, authorities)
        await asyncio.sleep(POLL_SECONDS)


def _intermediate_document(each: Intermediate) -> dict[str, Any]:
    assert each.certificate is not None
    return {
        "id": each.id,
        "csr": pem_of(each.csr),
        "sealed_key": b64encode(each.sealed_key).decode(),
        "certificate": pem_of(each.certificate),
        "create_time": each.create_time.isoformat(),
    }


def _read_intermediate(document: dict[str, Any]) -> Intermediate:
    created = datetime.fromisoformat(document["create_time"])
    return Intermediate(
        id=document["id"],
        csr=x509.load_pem_x509_csr(document["csr"].encode()),
        sealed_key=b64decode(document["sealed_key"]),
        create_time=created,
        update_time=created,
        certificate=x509.load_pem_x509_certificate(document["certificate"].encode()),
    )


def _token_document(token: JoinToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "digest": token.digest.hex(),
        "service": token.service,
        "dns_names": sorted(token.names.dns),
        "ip_addresses": sorted(token.names.ip),
        "create_time": token.create_time.isoformat(),
        "expire_time": token.expire_time.isoformat(),
    }


def _read_token(document: dict[str, Any]) -> JoinToken:
    return JoinToken(
        id=document["id"],
        digest=bytes.fromhex(document["digest"]),
        service=document["service"],
        names=AltNames(frozenset(document["dns_names"]), frozenset(document["ip_addresses"])),
        create_time=datetime.fromisoformat(document["create_time"]),
        expire_time=datetime.fromisoformat(document["expire_time"]),
    )
