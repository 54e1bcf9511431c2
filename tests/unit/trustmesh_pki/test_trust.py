from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest

from trustmesh_chassis.identity.spiffe import SpiffeId
from trustmesh_pki.certificates import AltNames
from trustmesh_pki.errors import IssuerMissing, JoinTokenExpired, JoinTokenSpent, NameRefused
from trustmesh_pki.testing import NOON, TRUST_DOMAIN
from trustmesh_pki.trust import JoinToken, check_names, issuer_at, token_digest, token_text

KMS = SpiffeId(TRUST_DOMAIN, "kms")
TOKEN = JoinToken("t", b"digest", "kms", AltNames(), NOON, NOON + timedelta(hours=1))


def test_a_token_admits_one_key_and_repeats_its_answer() -> None:
    assert TOKEN.admit(b"mine", NOON)
    spent = TOKEN.redeemed(b"mine", "ab", NOON)
    assert not spent.admit(b"mine", NOON)
    with pytest.raises(JoinTokenSpent):
        spent.admit(b"theirs", NOON)


def test_a_token_expires_for_everyone() -> None:
    for token in (TOKEN, TOKEN.redeemed(b"mine", "ab", NOON)):
        with pytest.raises(JoinTokenExpired):
            token.admit(b"mine", NOON + timedelta(hours=1))


def test_the_secret_is_256_bits_and_stored_as_its_digest() -> None:
    assert token_text(bytes(32)) == "A" * 43
    assert token_digest("A" * 43) == sha256(b"A" * 43).digest()
    with pytest.raises(ValueError, match="32 random bytes"):
        token_text(b"short")


@pytest.mark.parametrize(
    "name", ["kms.trustmesh.local", "a.kms.trustmesh.local", "localhost", "kms.example", "nottrustmesh.local"]
)
def test_names_of_one_s_own_and_of_the_outside_are_fine(name: str) -> None:
    check_names(AltNames(frozenset({name})), KMS)


@pytest.mark.parametrize("name", ["pki.trustmesh.local", "trustmesh.local", "xkms.trustmesh.local"])
def test_the_name_of_another_service_is_refused(name: str) -> None:
    with pytest.raises(NameRefused, match="another service"):
        check_names(AltNames(frozenset({name})), KMS)


def test_without_intermediates_there_is_no_issuer() -> None:
    with pytest.raises(IssuerMissing):
        issuer_at([], NOON)
