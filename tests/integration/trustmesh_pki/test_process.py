"""pki as it runs: a mesh begins from files, services join and renew over the wire, and a kill loses no record."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from trustmesh_chassis.identity import IdentityAgent, IssuerUnavailable, SpiffeId
from trustmesh_chassis.identity.agent import Enrolment
from trustmesh_chassis.identity.generation import verified
from trustmesh_chassis.identity.request import Names, local_names, new_key, request_for
from trustmesh_chassis.service import utc_now
from trustmesh_pki import offline
from trustmesh_pki.testing import TRUST_DOMAIN
from trustmesh_pki.trust import pem_of

Mesh = Any  # of this folder's conftest
KMS = SpiffeId(TRUST_DOMAIN, "kms")
NAMES = local_names(KMS, "127.0.0.1")


async def agent_of(mesh: Mesh, service: str = "kms") -> IdentityAgent:
    spiffe_id = SpiffeId(TRUST_DOMAIN, service)
    enrolment = Enrolment(spiffe_id, local_names(spiffe_id, "127.0.0.1"), mesh.home / "services" / service / "identity")
    return await IdentityAgent.start(enrolment, mesh.issuer(service), utc_now, jitter=lambda: 0.0)


async def test_a_service_started_first_joins_when_pki_is_there(mesh: Mesh) -> None:
    mesh.enrol("pki", "kms")
    joining = asyncio.create_task(agent_of(mesh))
    mesh.start()
    agent = await asyncio.wait_for(joining, 30)
    assert agent.identity.service == "kms"
    assert not (mesh.home / "services/kms/join-token").exists()
    assert "pending.key" not in [entry.name for entry in (mesh.home / "services/kms/identity").iterdir()]
    issuer, current = mesh.issuer("kms"), agent.identity.generation
    renewed = await issuer.renew(request_for(current.key_pem, KMS, NAMES), current)
    verified(current.key_pem, renewed.chain_pem, renewed.roots_pem, KMS, utc_now())
    assert await issuer.roots(current) == (mesh.home / "trust/roots.pem").read_bytes()
    assert mesh.end() == 0


async def test_tokens_are_taken_in_while_pki_runs(mesh: Mesh) -> None:
    mesh.enrol("pki")
    mesh.start()
    mesh.enrol("pki", "kms")
    assert (await asyncio.wait_for(agent_of(mesh), 30)).identity.service == "kms"


async def test_an_impostor_of_pki_gets_no_token(mesh: Mesh) -> None:
    """The join is pinned to the roots: a server that they do not vouch for never sees the token."""
    mesh.enrol("pki", "kms")
    mesh.start()
    await asyncio.wait_for(agent_of(mesh), 30)
    offline.initialize_trust(mesh.home, TRUST_DOMAIN, ["petstore"], utc_now)
    stranger = offline.create_root(TRUST_DOMAIN, now=utc_now())
    (mesh.home / "trust/roots.pem").write_text(pem_of(stranger.certificate))
    issuer = mesh.issuer("petstore")
    with pytest.raises(IssuerUnavailable, match="UNAVAILABLE"):
        await issuer.join(request_for(new_key(), SpiffeId(TRUST_DOMAIN, "petstore"), Names()))


async def test_a_stranger_s_certificate_renews_nothing(mesh: Mesh, tmp_path_factory: pytest.TempPathFactory) -> None:
    mesh.enrol("pki", "kms")
    mesh.start()
    agent = await asyncio.wait_for(agent_of(mesh), 30)
    other = type(mesh)(tmp_path_factory.mktemp("other"))
    other.enrol("pki", "kms")
    other.start()
    try:
        theirs = (await asyncio.wait_for(agent_of(other), 30)).identity.generation
    finally:
        other.end(signal.SIGKILL)
    forged = type(theirs)(theirs.key_pem, theirs.chain_pem, agent.identity.generation.roots_pem)
    with pytest.raises(IssuerUnavailable):
        await mesh.issuer("kms").renew(request_for(new_key(), KMS, NAMES), forged)


async def test_killed_at_any_moment_no_certificate_is_unrecorded(mesh: Mesh) -> None:
    mesh.enrol("pki", "kms")
    mesh.start()
    current = (await asyncio.wait_for(agent_of(mesh), 30)).identity.generation
    received = [current.certificate.serial_number]

    async def renew_for_ever() -> None:
        issuer = mesh.issuer("kms")
        while True:
            issued = await issuer.renew(request_for(new_key(), KMS, NAMES), current)
            received.append(x509.load_pem_x509_certificate(issued.chain_pem).serial_number)

    renewing = [asyncio.create_task(renew_for_ever()) for _ in range(4)]
    while len(received) < 50:
        assert not any(task.done() for task in renewing)
        await asyncio.sleep(0.005)
    mesh.end(signal.SIGKILL)
    results = await asyncio.wait_for(asyncio.gather(*renewing, return_exceptions=True), 10)
    assert {type(result) for result in results} == {IssuerUnavailable}
    with sqlite3.connect(mesh.home / "services/pki/data.db") as ledger:
        recorded = {int(row[0], 16) for row in ledger.execute("SELECT id FROM identities")}
    assert set(received) <= recorded


async def test_pki_renews_itself_and_others_through_its_own_rotation(mesh: Mesh) -> None:
    """With leaves of three seconds everything, pki's own certificate too, is replaced several times; no renewal fails."""
    mesh.settings = {"leaf_lifetime": 3.0, "max_connection_age": 1.0}
    mesh.enrol("pki", "kms")
    mesh.start()
    events: list[str] = []
    enrolment = Enrolment(KMS, NAMES, mesh.home / "services/kms/identity")
    agent = await asyncio.wait_for(
        IdentityAgent.start(enrolment, mesh.issuer("kms"), utc_now, jitter=lambda: 0.0, observe=events.append), 30
    )
    running = asyncio.create_task(agent.run())
    own = mesh.home / "services/pki/identity/current"
    seen: set[Path] = set()
    deadline = asyncio.get_running_loop().time() + 20
    while events.count("renewed") < 4 or len(seen) < 3:
        assert asyncio.get_running_loop().time() < deadline, events
        assert not running.done()
        seen.add(own.readlink())
        await agent.check()
        await asyncio.sleep(0.02)
    running.cancel()
    assert "failed" not in events


async def test_a_mesh_without_seeds_says_what_it_waits_for(mesh: Mesh) -> None:
    mesh.start()
    log = mesh.home / "pki.log"
    deadline = asyncio.get_running_loop().time() + 30
    while "There is no intermediate to issue with" not in log.read_text():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)
