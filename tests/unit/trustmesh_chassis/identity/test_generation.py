from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from trustmesh_chassis.identity.generation import CURRENT, Generation, IdentityRefused, load, store, verified
from trustmesh_chassis.identity.request import Names, new_key, request_for
from trustmesh_chassis.identity.spiffe import SpiffeId, parse, service_of
from trustmesh_pki import offline
from trustmesh_pki.testing import TRUST_DOMAIN, TestTrust
from trustmesh_pki.trust import pem_of

KMS = SpiffeId(TRUST_DOMAIN, "kms")


@pytest.fixture
async def trust() -> TestTrust:
    return await TestTrust.start()


async def parts(trust: TestTrust, service: str = "kms") -> tuple[bytes, bytes, bytes]:
    key = new_key()
    issuance = await trust.authorities.renew(service, request_for(key, KMS, Names()))
    return key, issuance.chain_pem.encode(), issuance.bundle.pem.encode()


async def test_what_holds_together_is_verified(trust: TestTrust) -> None:
    generation = verified(*await parts(trust), KMS, trust.clock())
    assert generation.expires == trust.clock() + timedelta(hours=1)
    assert generation.lifetime == timedelta(minutes=65)
    middle = trust.clock() + timedelta(minutes=27.5)
    assert generation.renewal(0) == middle
    assert generation.renewal(1) - middle == middle - generation.renewal(-1) == timedelta(minutes=6.5)


async def test_another_key_is_refused(trust: TestTrust) -> None:
    _, chain, roots = await parts(trust)
    with pytest.raises(IdentityRefused, match="another key"):
        verified(new_key(), chain, roots, KMS, trust.clock())


async def test_another_spiffe_id_is_refused(trust: TestTrust) -> None:
    with pytest.raises(IdentityRefused, match="svc/registry, not for"):
        verified(*await parts(trust, "registry"), KMS, trust.clock())
    with pytest.raises(IdentityRefused, match="not for"):
        verified(*await parts(trust), SpiffeId("other.example", "kms"), trust.clock())


async def test_a_chain_to_no_trusted_root_is_refused(trust: TestTrust) -> None:
    key, chain, _ = await parts(trust)
    stranger = pem_of(offline.create_root(TRUST_DOMAIN, now=trust.clock()).certificate).encode()
    with pytest.raises(IdentityRefused, match="trusted root"):
        verified(key, chain, stranger, KMS, trust.clock())


async def test_an_expired_and_an_early_certificate_are_refused(trust: TestTrust) -> None:
    made = await parts(trust)
    for offset in (timedelta(hours=1), timedelta(hours=-1)):
        with pytest.raises(IdentityRefused, match="valid from"):
            verified(*made, KMS, trust.clock() + offset)


async def test_garbage_and_authorities_are_refused(trust: TestTrust) -> None:
    key, chain, roots = await parts(trust)
    for made in ((b"garbage", chain, roots), (key, b"garbage", roots), (key, chain, b"garbage")):
        with pytest.raises(IdentityRefused, match="cannot be read"):
            verified(*made, KMS, trust.clock())
    with pytest.raises(IdentityRefused, match="another key"):
        verified(key, roots, roots, KMS, trust.clock())


async def test_a_stored_generation_is_loaded_and_private(trust: TestTrust, tmp_path: Path) -> None:
    generation = verified(*await parts(trust), KMS, trust.clock())
    directory = store(tmp_path / "identity", generation)
    assert load(tmp_path / "identity" / CURRENT, KMS, trust.clock()) == generation
    assert (directory / "tls.key").stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == (tmp_path / "identity").stat().st_mode & 0o777 == 0o700


def test_nothing_stored_is_refused(trust: TestTrust, tmp_path: Path) -> None:
    with pytest.raises(IdentityRefused, match="cannot be read"):
        load(tmp_path / CURRENT, KMS, trust.clock())


async def test_a_crash_while_storing_leaves_the_old_generation(
    trust: TestTrust, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill the writer before each of its renames in turn: what is current is always whole."""
    old, new = [verified(*await parts(trust), KMS, trust.clock()) for _ in range(2)]
    store(tmp_path, old)
    rename = Path.rename
    for survived in range(5):
        left = [survived]

        def dying(path: Path, target: Path, left: list[int] = left) -> Path:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return rename(path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", dying)
            try:
                store(tmp_path, new)
            except KeyboardInterrupt:
                assert load(tmp_path / CURRENT, KMS, trust.clock()) == old
            else:
                assert survived == 4
    assert load(tmp_path / CURRENT, KMS, trust.clock()) == new


async def test_a_reader_through_the_link_never_sees_a_mixed_pair(trust: TestTrust, tmp_path: Path) -> None:
    """An open directory stays the generation that it was while `current` moves on."""
    generations: list[Generation] = []
    for _ in range(3):
        generations.append(verified(*await parts(trust), KMS, trust.clock()))
        store(tmp_path, generations[-1])
        if len(generations) == 1:
            opened = os.open(tmp_path / CURRENT, os.O_RDONLY)
    for name, content in (("tls.key", generations[0].key_pem), ("tls.crt", generations[0].chain_pem)):
        descriptor = os.open(name, os.O_RDONLY, dir_fd=opened)
        with os.fdopen(descriptor, "rb") as file:
            assert file.read() == content
    os.close(opened)


def test_only_p256_keys_make_requests() -> None:
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="P-256"):
        request_for(pem, KMS, Names())


def test_spiffe_ids() -> None:
    assert str(KMS) == "spiffe://trustmesh.local/svc/kms"
    assert parse(str(KMS)) == KMS
    assert KMS.host == "kms.trustmesh.local"
    for uri in (
        "spiffe://trustmesh.local/svc/",
        "spiffe://trustmesh.local/kms",
        "https://trustmesh.local/svc/kms",
        f"{KMS}/x",
        f"{KMS}\n",
    ):
        with pytest.raises(ValueError, match="no SPIFFE ID"):
            parse(uri)
    for domain, service in (("Trustmesh.local", "kms"), ("trustmesh.local", "Kms"), ("trustmesh.local", "a/b"), ("", "kms")):
        with pytest.raises(ValueError, match="no SPIFFE ID"):
            SpiffeId(domain, service)


def test_a_certificate_stands_for_a_service_by_exactly_one_uri_of_our_domain() -> None:
    assert service_of([str(KMS)], TRUST_DOMAIN) == "kms"
    for uris in (
        [],
        [str(KMS), str(KMS)],
        [str(KMS), "https://x"],
        ["spiffe://other.example/svc/kms"],
        ["spiffe://trustmesh.local"],
    ):
        assert service_of(uris, TRUST_DOMAIN) is None
