"""Identities of one mesh, and of a stranger's, issued by real authorities with the time of now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from trustmesh_chassis.identity import Generation, Identity, SpiffeId
from trustmesh_chassis.identity.generation import store, verified
from trustmesh_chassis.identity.request import Names, new_key, request_for
from trustmesh_chassis.service import utc_now
from trustmesh_pki.testing import TRUST_DOMAIN, TestClock, TestTrust

NAMES = ("localhost",)
MakeGeneration = Callable[..., Awaitable[Generation]]
MakeIdentity = Callable[..., Awaitable[Identity]]


@pytest.fixture
async def trust() -> TestTrust:
    return await TestTrust.start(clock=TestClock(utc_now()))


@pytest.fixture
async def stranger() -> TestTrust:
    """Another authority of the same name and trust domain."""
    return await TestTrust.start(clock=TestClock(utc_now()))


@pytest.fixture
def make_generation(trust: TestTrust) -> MakeGeneration:
    """A generation of a service, of `by` or of this mesh."""

    async def make(service: str, by: TestTrust | None = None) -> Generation:
        key, spiffe_id, names = new_key(), SpiffeId(TRUST_DOMAIN, service), Names(NAMES, ("127.0.0.1",))
        issuance = await (by or trust).authorities.issue_own(service, request_for(key, spiffe_id, names))
        return verified(key, issuance.chain_pem.encode(), issuance.bundle.pem.encode(), spiffe_id, utc_now())

    return make


@pytest.fixture
def make_identity(make_generation: MakeGeneration, tmp_path: Path) -> MakeIdentity:
    """An identity of a service, of `by` or of this mesh."""

    async def make(service: str, by: TestTrust | None = None) -> Identity:
        generation = await make_generation(service, by)
        root = tmp_path / f"{service}-{id(by)}"
        store(root, generation)
        return Identity(SpiffeId(TRUST_DOMAIN, service), root, generation)

    return make
