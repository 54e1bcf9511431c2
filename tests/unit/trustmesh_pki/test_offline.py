from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from trustmesh_chassis.identity.generation import store, verified
from trustmesh_chassis.identity.spiffe import SpiffeId
from trustmesh_pki import offline, seeds
from trustmesh_pki.errors import IntermediateRefused
from trustmesh_pki.memory import MemoryLedger
from trustmesh_pki.operations import Authorities
from trustmesh_pki.sealing import open_sealer
from trustmesh_pki.testing import NOON, TRUST_DOMAIN, TestClock, TestRequest
from trustmesh_pki.trust import pem_of


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


def authorities_of(home: Path, clock: TestClock, ledger: MemoryLedger | None = None) -> Authorities:
    sealer = open_sealer(home / "services/pki/seal.key", os.urandom)
    return Authorities(TRUST_DOMAIN, ledger or MemoryLedger(), sealer, clock, os.urandom)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_a_home_begins_and_its_services_join(tmp_path: Path, clock: TestClock) -> None:
    files = offline.initialize_trust(tmp_path, TRUST_DOMAIN, ["pki", "kms", "registry"], clock)
    assert set(files) == {"kms", "registry"}
    authorities = authorities_of(tmp_path, clock)
    await seeds.take_in_all(tmp_path / "services/pki/seeds", authorities)
    assert not list((tmp_path / "services/pki/seeds").iterdir())
    request = TestRequest(dns=("kms.trustmesh.local", "localhost"), ip=("127.0.0.1",))
    issuance = await authorities.join(files["kms"].read_text(), request.pem)
    roots = (tmp_path / "trust/roots.pem").read_bytes()
    verified(request.key_pem, issuance.chain_pem.encode(), roots, SpiffeId(TRUST_DOMAIN, "kms"), clock())


def test_secrets_are_their_owner_s_alone(tmp_path: Path, clock: TestClock) -> None:
    files = offline.initialize_trust(tmp_path, TRUST_DOMAIN, ["kms"], clock)
    secrets = [tmp_path / "offline/root.key", tmp_path / "services/pki/seal.key", files["kms"]]
    secrets += (tmp_path / "services/pki/seeds").iterdir()
    assert {mode(file) for file in secrets} == {0o600}
    assert {mode(tmp_path / folder) for folder in ("offline", "services/pki/seeds", "services/kms")} == {0o700}
    assert files["kms"].read_text() not in secrets[-1].read_text()


async def test_again_it_changes_nothing_that_is_well(tmp_path: Path, clock: TestClock) -> None:
    offline.initialize_trust(tmp_path, TRUST_DOMAIN, [], clock)
    root, roots = (tmp_path / "offline/root.key").read_bytes(), (tmp_path / "trust/roots.pem").read_bytes()
    request, ledger = TestRequest(), MemoryLedger()
    token = offline.initialize_trust(tmp_path, TRUST_DOMAIN, ["kms"], clock)["kms"].read_text()
    authorities = authorities_of(tmp_path, clock, ledger)
    await seeds.take_in_all(tmp_path / "services/pki/seeds", authorities)
    issuance = await authorities.join(token, request.pem)
    identity = SpiffeId(TRUST_DOMAIN, "kms")
    generation = verified(request.key_pem, issuance.chain_pem.encode(), roots, identity, clock())
    store(tmp_path / "services/kms/identity", generation)
    assert offline.initialize_trust(tmp_path, TRUST_DOMAIN, ["pki", "kms"], clock) == {}
    assert not list((tmp_path / "services/pki/seeds").iterdir())
    assert (tmp_path / "offline/root.key").read_bytes() == root
    clock.advance(minutes=59)
    assert set(offline.initialize_trust(tmp_path, TRUST_DOMAIN, ["pki", "kms"], clock)) == {"kms"}


async def test_an_intermediate_near_its_end_is_replaced(tmp_path: Path, clock: TestClock) -> None:
    ledger = MemoryLedger()
    for days, count in ((0, 1), (59, 1), (2, 2)):
        clock.advance(days=days)
        offline.initialize_trust(tmp_path, TRUST_DOMAIN, [], clock)
        authorities = authorities_of(tmp_path, clock, ledger)
        await seeds.take_in_all(tmp_path / "services/pki/seeds", authorities)
        async with ledger.look() as reads:
            assert len(await reads.intermediates()) == count
    assert (await authorities.renew("kms", TestRequest().pem)).leaf.intermediate == "i20260304120000"


def test_a_root_kept_elsewhere_is_left_alone(tmp_path: Path, clock: TestClock) -> None:
    offline.initialize_trust(tmp_path, TRUST_DOMAIN, [], clock)
    roots = (tmp_path / "trust/roots.pem").read_bytes()
    (tmp_path / "offline/root.key").unlink()
    assert set(offline.initialize_trust(tmp_path, TRUST_DOMAIN, ["kms"], clock)) == {"kms"}
    assert not (tmp_path / "offline/root.key").exists()
    assert (tmp_path / "trust/roots.pem").read_bytes() == roots


def test_the_root_s_key_may_have_a_passphrase(tmp_path: Path, clock: TestClock) -> None:
    offline.initialize_trust(tmp_path, TRUST_DOMAIN, [], clock, passphrase=b"correct horse")
    assert b"ENCRYPTED" in (tmp_path / "offline/root.key").read_bytes()
    root = offline.load_root(tmp_path, b"correct horse")
    assert pem_of(root.certificate) == (tmp_path / "trust/roots.pem").read_text()
    with pytest.raises(ValueError, match="decrypt"):
        offline.initialize_trust(tmp_path, TRUST_DOMAIN, [], clock, passphrase=b"wrong")
    with pytest.raises(TypeError):
        offline.load_root(tmp_path)
    assert set(offline.initialize_trust(tmp_path, TRUST_DOMAIN, ["kms"], clock)) == {"kms"}


def test_a_root_s_key_beside_another_s_certificate_is_refused(tmp_path: Path) -> None:
    offline.save_root(tmp_path, offline.create_root(TRUST_DOMAIN, now=NOON))
    (tmp_path / "offline/root.pem").write_text(pem_of(offline.create_root(TRUST_DOMAIN, now=NOON).certificate))
    with pytest.raises(ValueError, match="not the key"):
        offline.load_root(tmp_path)


def test_sign_intermediate_reads_requests_only() -> None:
    root = offline.create_root(TRUST_DOMAIN, now=NOON)
    with pytest.raises(IntermediateRefused, match="cannot be read"):
        offline.sign_intermediate(root, "garbage", now=NOON)
    request = TestRequest(key=ec.generate_private_key(ec.SECP256K1()))
    with pytest.raises(IntermediateRefused, match="curve"):
        offline.sign_intermediate(root, request.pem, now=NOON)
    signed = x509.load_pem_x509_certificate(offline.sign_intermediate(root, TestRequest().pem, now=NOON).encode())
    assert signed.not_valid_after_utc == NOON + timedelta(days=90)


async def test_a_seed_that_is_none_is_put_aside(tmp_path: Path, clock: TestClock) -> None:
    authorities = authorities_of(tmp_path, clock)
    stranger = seeds.Seed(roots=(offline.create_root("other.example", now=NOON).certificate,))
    stranger.write(tmp_path / "seeds/a.json")
    (tmp_path / "seeds/b.json").write_text("{}")
    (tmp_path / "seeds/c.json").write_text("garbage")
    await seeds.take_in_all(tmp_path / "seeds", authorities)
    assert sorted(file.name for file in (tmp_path / "seeds").iterdir()) == ["a.refused", "b.refused", "c.refused"]
    async with authorities.ledger.look() as reads:
        assert not (await reads.bundle(TRUST_DOMAIN)).roots


async def test_a_seed_taken_in_twice_changes_nothing(tmp_path: Path, clock: TestClock) -> None:
    token = offline.initialize_trust(tmp_path, TRUST_DOMAIN, ["kms"], clock)["kms"].read_text()
    (file,) = (tmp_path / "services/pki/seeds").iterdir()
    seed, authorities = seeds.read_seed(file.read_text()), authorities_of(tmp_path, clock)
    await seeds.take_in(seed, authorities)
    issuance = await authorities.join(token, TestRequest().pem)
    await seeds.take_in(seed, authorities)
    async with authorities.ledger.look() as reads:
        assert await reads.identity(issuance.leaf.id) == issuance.leaf
        assert (await reads.bundle(TRUST_DOMAIN)).sequence == 1
        assert len(await reads.intermediates()) == 1
