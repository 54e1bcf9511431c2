from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from trustmesh_chassis.errors import Unavailable
from trustmesh_chassis.identity import IdentityAgent, IdentityMissing, Issued, SpiffeId, join_mesh
from trustmesh_chassis.identity.agent import backoff, enrolment_of, system_jitter
from trustmesh_chassis.identity.generation import CURRENT, KEPT, load
from trustmesh_chassis.identity.request import Names, new_key, request_for
from trustmesh_chassis.settings import ServiceSettings
from trustmesh_pki import offline
from trustmesh_pki.testing import TRUST_DOMAIN, TestTrust
from trustmesh_pki.trust import pem_of

Life = Any  # of this folder's conftest


async def test_a_start_without_identity_joins(life: Life) -> None:
    agent = await life.start()
    assert (life.authority.joins, life.authority.forgotten, life.events) == (1, 1, ["joined"])
    assert agent.identity.service == "kms"
    assert not (life.root / "pending.key").exists()
    await agent.check()


async def test_a_start_with_a_good_identity_keeps_it(life: Life) -> None:
    first = await life.start()
    again = await life.start()
    assert life.authority.joins == 1
    assert again.identity.generation == first.identity.generation


async def test_a_start_with_an_expired_identity_joins(life: Life) -> None:
    await life.start()
    life.trust.clock.advance(hours=1)
    await life.start()
    assert life.authority.joins == 2


async def test_a_join_waits_for_its_issuer(life: Life) -> None:
    life.authority.down = True

    async def sleep(seconds: float) -> None:
        life.naps.append(seconds)
        life.authority.down = len(life.naps) < 6

    await IdentityAgent.start(life.enrolment, life.authority, life.trust.clock, jitter=lambda: 0.0, sleep=sleep)
    assert life.naps == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


async def test_a_join_that_died_is_repeated_with_the_same_key(life: Life) -> None:
    def die(issued: Issued) -> Issued:
        raise KeyboardInterrupt

    life.authority.change = die
    with pytest.raises(KeyboardInterrupt):
        await life.start()
    key = (life.root / "pending.key").read_bytes()
    assert (life.root / "pending.key").stat().st_mode & 0o777 == 0o600
    life.authority.change = lambda issued: issued
    agent = await life.start()
    assert agent.identity.generation.key_pem == key


async def test_renewal_comes_at_half_life_with_a_new_key(life: Life) -> None:
    agent = await life.start()
    before = agent.identity.generation
    await life.until(agent, lambda: "renewed" in life.events)
    after = agent.identity.generation
    assert before.key_pem != after.key_pem
    issued = after.expires - timedelta(hours=1)
    assert issued == before.renewal(0) == before.certificate.not_valid_before_utc + before.lifetime / 2
    assert load(life.root / CURRENT, agent.identity.spiffe_id, life.trust.clock()) == after


async def test_old_generations_are_pruned(life: Life) -> None:
    agent = await life.start()
    await life.until(agent, lambda: life.events.count("renewed") == 5)
    assert sorted(entry.name for entry in life.root.iterdir()) == ["4", "5", "6", CURRENT]
    assert KEPT == 3
    assert (life.root / CURRENT).readlink() == Path("6")


async def test_while_pki_is_down_the_old_leaf_serves_and_renewal_backs_off(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    agent = await life.start()
    before = agent.identity.generation
    life.authority.down = True
    await life.until(agent, lambda: life.events.count("failed") >= 12)
    assert agent.identity.generation == before
    pauses = [nap for nap in life.naps if nap > 0][2:]  # the first two lead to the first attempt
    assert pauses[:6] == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4], abs=0.01)
    assert max(pauses) <= 30.0
    life.authority.down = False
    await life.until(agent, lambda: "renewed" in life.events)
    assert agent.identity.generation != before


async def test_near_the_end_readiness_goes_and_the_log_is_loud(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    agent = await life.start()
    life.authority.down = True
    life.trust.clock.now = agent.identity.expires - timedelta(minutes=8)
    await life.until(agent, lambda: "failed" in life.events)
    with pytest.raises(Unavailable, match="UNAVAILABLE: down"):
        await agent.check()
    assert any(record.levelno == logging.ERROR and "not renewed" in record.message for record in caplog.records)


async def test_an_identity_that_ended_joins_again(life: Life) -> None:
    agent = await life.start()
    life.trust.clock.advance(hours=2)
    await life.until(agent, lambda: "renewed" in life.events)
    assert (life.authority.joins, life.authority.renewals) == (2, 0)
    await agent.check()


async def test_an_identity_that_ended_waits_for_a_join_token(life: Life) -> None:
    agent = await life.start()
    life.trust.clock.advance(hours=2)

    def refuse(issued: Issued) -> Issued:
        raise IdentityMissing("no join token")

    life.authority.change = refuse
    await life.until(agent, lambda: life.events.count("failed") == 3)
    life.authority.change = lambda issued: issued
    await life.until(agent, lambda: "renewed" in life.events)


async def other_key(trust: TestTrust) -> bytes:
    csr = request_for(new_key(), SpiffeId(TRUST_DOMAIN, "kms"), Names())
    return (await trust.authorities.renew("kms", csr)).chain_pem.encode()


async def test_a_bad_new_certificate_is_not_adopted(life: Life) -> None:
    agent = await life.start()
    before = agent.identity.generation
    bad = await other_key(life.trust)
    life.authority.change = lambda issued: replace(issued, chain_pem=bad)
    await life.until(agent, lambda: life.events.count("failed") >= 3)
    assert agent.identity.generation == before
    assert load(life.root / CURRENT, agent.identity.spiffe_id, life.trust.clock()) == before
    life.authority.change = lambda issued: issued
    await life.until(agent, lambda: "renewed" in life.events)


async def test_a_new_root_arrives_without_a_renewal(life: Life) -> None:
    agent = await life.start()
    before = agent.identity.generation
    successor = offline.create_root(TRUST_DOMAIN, now=life.trust.clock())
    await life.trust.authorities.create_root(TRUST_DOMAIN, pem_of(successor.certificate))
    start = life.trust.clock()
    await life.until(agent, lambda: "roots_changed" in life.events)
    after = agent.identity.generation
    assert (after.key_pem, after.chain_pem) == (before.key_pem, before.chain_pem)
    assert pem_of(successor.certificate).encode() in after.roots_pem
    assert life.trust.clock() - start <= timedelta(minutes=2)
    assert "renewed" not in life.events


async def test_roots_that_our_own_certificate_does_not_chain_to_are_not_adopted(life: Life) -> None:
    agent = await life.start()
    before = agent.identity.generation
    stranger = offline.create_root(TRUST_DOMAIN, now=life.trust.clock())

    async def roots(current: object) -> bytes:
        return pem_of(stranger.certificate).encode()

    life.authority.roots = roots
    await life.until(agent, lambda: "failed" in life.events)
    assert agent.identity.generation == before


async def test_a_full_disk_is_no_end(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = await life.start()
    before = agent.identity.generation

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("trustmesh_chassis.identity.identity.store", full)
        await life.until(agent, lambda: "failed" in life.events)
    assert agent.identity.generation == before
    await life.until(agent, lambda: "renewed" in life.events)


def test_backoff_doubles_to_a_cap_and_is_jittered() -> None:
    assert [backoff(failures, 0).total_seconds() for failures in (1, 2, 3, 100)] == [0.2, 0.4, 0.8, 30.0]
    assert backoff(1, 1).total_seconds() == pytest.approx(0.24)
    assert all(-1 <= system_jitter() <= 1 for _ in range(100))


class Settings(ServiceSettings):
    port_offset = 80


async def test_without_token_or_identity_the_mend_is_named(tmp_path: Path, life: Life) -> None:
    settings = Settings(home=tmp_path, advertised_address="10.0.0.7")
    with pytest.raises(IdentityMissing, match=r"kms has no valid identity and .*join-token is missing; run `trustmesh init`"):
        await join_mesh("kms", settings, life.trust.clock)
    enrolment = enrolment_of("kms", settings)
    assert enrolment.names.dns == ("kms.trustmesh.local", "localhost")
    assert enrolment.names.ip == ("127.0.0.1", "::1", "10.0.0.7")
