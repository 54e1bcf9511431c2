from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from trustmesh_chassis.identity import IssuerUnavailable, SpiffeId
from trustmesh_chassis.identity.generation import verified
from trustmesh_chassis.identity.request import local_names, new_key, request_for
from trustmesh_pki.memory import MemoryLedger
from trustmesh_pki.operations import Authorities
from trustmesh_pki.own import OpenAuthorities, OwnIssuer
from trustmesh_pki.testing import TRUST_DOMAIN, TestTrust

PKI = SpiffeId(TRUST_DOMAIN, "pki")


def opening(authorities: Authorities) -> OpenAuthorities:
    @asynccontextmanager
    async def open_authorities() -> AsyncIterator[Authorities]:
        yield authorities

    return open_authorities


async def test_pki_issues_to_itself_and_renews(tmp_path: Path) -> None:
    trust = await TestTrust.start()
    issuer = OwnIssuer(opening(trust.authorities), tmp_path)
    key = new_key()
    csr = request_for(key, PKI, local_names(PKI, "127.0.0.1"))
    issued = await issuer.join(csr)
    issuer.joined()
    current = verified(key, issued.chain_pem, issued.roots_pem, PKI, trust.clock())
    renewed = await issuer.renew(csr, current)
    assert renewed.chain_pem != issued.chain_pem
    assert await issuer.roots(current) == issued.roots_pem


async def test_without_an_intermediate_it_waits(tmp_path: Path) -> None:
    trust = await TestTrust.start()
    issuer = OwnIssuer(opening(replace(trust.authorities, ledger=MemoryLedger())), tmp_path)
    key = new_key()
    csr = request_for(key, PKI, local_names(PKI, "127.0.0.1"))
    with pytest.raises(IssuerUnavailable, match="no intermediate"):
        await issuer.join(csr)
    issued = await OwnIssuer(opening(trust.authorities), tmp_path).join(csr)
    current = verified(key, issued.chain_pem, issued.roots_pem, PKI, trust.clock())
    with pytest.raises(IssuerUnavailable, match="no trust bundle"):
        await issuer.roots(current)
