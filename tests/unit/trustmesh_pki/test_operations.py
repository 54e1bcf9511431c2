from __future__ import annotations

import os
from datetime import timedelta

import pytest
from cryptography import x509

from trustmesh_chassis.errors import DataLoss
from trustmesh_chassis.storage import EtagMismatch, PageTokens
from trustmesh_pki import convert, offline
from trustmesh_pki.certificates import AltNames
from trustmesh_pki.errors import (
    IdentityNotIssued,
    IntermediateExists,
    IntermediateInstalled,
    IntermediateMissing,
    IntermediateRefused,
    IssuerMissing,
    JoinTokenExists,
    JoinTokenExpired,
    JoinTokenMissing,
    JoinTokenSpent,
    JoinTokenUnknown,
    NameRefused,
    RequestRefused,
    RootInUse,
    RootMissing,
    RootRefused,
    TrustBundleMissing,
)
from trustmesh_pki.memory import MemoryLedger
from trustmesh_pki.operations import Authorities
from trustmesh_pki.sealing import FileSealer, open_sealer
from trustmesh_pki.testing import TRUST_DOMAIN, TestRequest, TestTrust
from trustmesh_pki.trust import Cause, pem_of


@pytest.fixture
async def trust() -> TestTrust:
    return await TestTrust.start()


def names(certificate: x509.Certificate) -> list[str]:
    return [str(name.value) for name in certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value]


async def test_join_answers_a_chain_and_the_bundle(trust: TestTrust) -> None:
    issuance = await trust.authorities.join(await trust.token("kms"), TestRequest().pem)
    leaf, intermediate = x509.load_pem_x509_certificates(issuance.chain_pem.encode())
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(trust.root.certificate)
    assert names(leaf) == ["spiffe://trustmesh.local/svc/kms"]
    assert issuance.bundle.pem == pem_of(trust.root.certificate)
    assert await trust.authorities.identity(f"{leaf.serial_number:x}") == issuance.leaf
    assert issuance.leaf.cause is Cause.JOIN


async def test_join_gives_only_the_names_that_the_token_allows(trust: TestTrust) -> None:
    token = await trust.token("kms", "kms.trustmesh.local")
    issuance = await trust.authorities.join(token, TestRequest(dns=("kms.trustmesh.local", "bank.example"), ip=("10.0.0.1",)).pem)
    assert names(issuance.leaf.certificate) == ["spiffe://trustmesh.local/svc/kms", "kms.trustmesh.local"]


async def test_join_repeats_its_answer_for_the_same_key(trust: TestTrust) -> None:
    token, request = await trust.token(), TestRequest()
    first = await trust.authorities.join(token, request.pem)
    await trust.rotate("second")
    assert (await trust.authorities.join(token, request.pem)) == first
    with pytest.raises(JoinTokenSpent):
        await trust.authorities.join(token, TestRequest().pem)


async def test_join_repeats_itself_with_a_new_certificate_when_the_first_has_ended(trust: TestTrust) -> None:
    token, request = await trust.token(ttl=timedelta(hours=3)), TestRequest()
    first = await trust.authorities.join(token, request.pem)
    trust.clock.advance(hours=2)
    second = await trust.authorities.join(token, request.pem)
    assert second.leaf.expire_time == first.leaf.expire_time + timedelta(hours=2)
    assert await trust.authorities.join(token, request.pem) == second


async def test_join_refuses_an_unknown_an_expired_and_a_withdrawn_token(trust: TestTrust) -> None:
    with pytest.raises(JoinTokenUnknown):
        await trust.authorities.join("A" * 43, TestRequest().pem)
    token, secret = await trust.authorities.create_join_token("kms", AltNames(), timedelta(seconds=5), "mine")
    trust.clock.advance(seconds=5)
    with pytest.raises(JoinTokenExpired):
        await trust.authorities.join(secret, TestRequest().pem)
    await trust.authorities.delete_join_token(token.id)
    with pytest.raises(JoinTokenUnknown):
        await trust.authorities.join(secret, TestRequest().pem)


async def test_a_refused_request_does_not_spend_the_token(trust: TestTrust) -> None:
    token = await trust.token()
    with pytest.raises(RequestRefused):
        await trust.authorities.join(token, "garbage")
    assert await trust.authorities.join(token, TestRequest().pem)


async def test_renewal_keeps_the_names_that_were_allowed(trust: TestTrust) -> None:
    request = TestRequest(dns=("kms.trustmesh.local", "pki.trustmesh.local"))
    await trust.authorities.join(await trust.token("kms", "kms.trustmesh.local"), request.pem)
    issuance = await trust.authorities.renew("kms", request.pem)
    assert names(issuance.leaf.certificate) == ["spiffe://trustmesh.local/svc/kms", "kms.trustmesh.local"]
    assert issuance.leaf.cause is Cause.RENEWAL


async def test_pki_gives_itself_what_it_asks_for(trust: TestTrust) -> None:
    issuance = await trust.authorities.issue_own("pki", TestRequest(dns=("pki.trustmesh.local",)).pem)
    assert names(issuance.leaf.certificate) == ["spiffe://trustmesh.local/svc/pki", "pki.trustmesh.local"]


async def test_leaves_come_from_the_newest_intermediate_and_older_ones_go_on_verifying(trust: TestTrust) -> None:
    before = await trust.authorities.renew("kms", TestRequest().pem)
    trust.clock.advance(minutes=1)
    await trust.rotate("second")
    after = await trust.authorities.renew("kms", TestRequest().pem)
    assert (before.leaf.intermediate, after.leaf.intermediate) == ("first", "second")
    old = await trust.authorities.intermediate("first")
    assert old.certificate is not None
    before.leaf.certificate.verify_directly_issued_by(old.certificate)


async def test_an_expired_intermediate_issues_nothing(trust: TestTrust) -> None:
    await trust.authorities.check()
    trust.clock.advance(days=91)
    with pytest.raises(IssuerMissing):
        await trust.authorities.check()
    with pytest.raises(IssuerMissing):
        await trust.authorities.renew("kms", TestRequest().pem)


async def test_a_new_root_is_trusted_before_anything_is_issued_under_it(trust: TestTrust) -> None:
    successor = offline.create_root(TRUST_DOMAIN, now=trust.clock())
    with pytest.raises(IntermediateRefused, match="add the root first"):
        await trust.rotate("early", successor)
    await trust.authorities.create_root(TRUST_DOMAIN, pem_of(successor.certificate))
    await trust.rotate("second", successor)
    issuance = await trust.authorities.renew("kms", TestRequest().pem)
    assert issuance.leaf.intermediate == "first"
    assert pem_of(successor.certificate) in issuance.bundle.pem
    trust.clock.advance(hours=1)
    assert (await trust.authorities.renew("kms", TestRequest().pem)).leaf.intermediate == "second"


async def test_a_root_retires_when_nothing_chains_to_it(trust: TestTrust) -> None:
    old = (await trust.authorities.trust_bundle(TRUST_DOMAIN)).roots[0]
    with pytest.raises(RootInUse, match="only root"):
        await trust.authorities.delete_root(TRUST_DOMAIN, old.id)
    await trust.authorities.create_root(TRUST_DOMAIN, pem_of(offline.create_root(TRUST_DOMAIN, now=trust.clock()).certificate))
    with pytest.raises(RootInUse, match="intermediate first"):
        await trust.authorities.delete_root(TRUST_DOMAIN, old.id)
    trust.clock.advance(days=91)
    await trust.authorities.delete_root(TRUST_DOMAIN, old.id)
    bundle = await trust.authorities.trust_bundle(TRUST_DOMAIN)
    assert old not in bundle.roots
    assert bundle.sequence == 3
    with pytest.raises(RootMissing):
        await trust.authorities.delete_root(TRUST_DOMAIN, old.id)


async def test_adding_a_root_again_changes_nothing(trust: TestTrust) -> None:
    before = await trust.authorities.trust_bundle(TRUST_DOMAIN)
    trust.clock.advance(hours=1)
    await trust.authorities.create_root(TRUST_DOMAIN, before.pem)
    assert await trust.authorities.trust_bundle(TRUST_DOMAIN) == before


async def test_roots_of_another_trust_domain_stay_apart(trust: TestTrust) -> None:
    foreign = offline.create_root("partner.example", now=trust.clock())
    with pytest.raises(RootRefused, match=r"partner\.example"):
        await trust.authorities.create_root(TRUST_DOMAIN, pem_of(foreign.certificate))
    await trust.authorities.create_root("partner.example", pem_of(foreign.certificate))
    issuance = await trust.authorities.renew("kms", TestRequest().pem)
    assert issuance.bundle.pem == pem_of(trust.root.certificate)
    assert (await trust.authorities.trust_bundle("partner.example")).pem == pem_of(foreign.certificate)
    with pytest.raises(TrustBundleMissing):
        await trust.authorities.trust_bundle("unknown.example")
    with pytest.raises(RootRefused, match="one PEM certificate"):
        await trust.authorities.create_root(TRUST_DOMAIN, "garbage")


async def test_an_intermediate_of_a_foreign_root_is_refused(trust: TestTrust) -> None:
    foreign = offline.create_root("partner.example", now=trust.clock())
    await trust.authorities.create_root("partner.example", pem_of(foreign.certificate))
    with pytest.raises(IntermediateRefused, match="no root of the trust bundle"):
        await trust.rotate("second", foreign)


async def test_install_intermediate_once(trust: TestTrust) -> None:
    made = await trust.authorities.create_intermediate("second")
    with pytest.raises(IntermediateExists):
        await trust.authorities.create_intermediate("second")
    signed = [offline.sign_intermediate(trust.root, pem_of(made.csr), now=trust.clock()) for _ in range(2)]
    with pytest.raises(EtagMismatch):
        await trust.authorities.install_intermediate("second", signed[0], "stale")
    installed = await trust.authorities.install_intermediate("second", signed[0], made.etag)
    assert await trust.authorities.install_intermediate("second", signed[0], made.etag) == installed
    with pytest.raises(IntermediateInstalled):
        await trust.authorities.install_intermediate("second", signed[1])
    with pytest.raises(IntermediateMissing):
        await trust.authorities.install_intermediate("third", signed[0])
    with pytest.raises(IntermediateMissing):
        await trust.authorities.intermediate("third")


async def test_intermediates_are_named_by_time_unless_told(trust: TestTrust) -> None:
    assert (await trust.authorities.create_intermediate("")).id == "i20260102120000"


async def test_join_tokens_are_named_once_and_kept_when_spent(trust: TestTrust) -> None:
    token, secret = await trust.authorities.create_join_token("kms", AltNames(), timedelta(hours=1), "mine")
    with pytest.raises(JoinTokenExists):
        await trust.authorities.create_join_token("kms", AltNames(), timedelta(hours=1), "mine")
    with pytest.raises(NameRefused):
        await trust.authorities.create_join_token("kms", AltNames(frozenset({"pki.trustmesh.local"})), timedelta(hours=1), "")
    await trust.authorities.join(secret, TestRequest().pem)
    with pytest.raises(JoinTokenSpent):
        await trust.authorities.delete_join_token(token.id)
    with pytest.raises(JoinTokenMissing):
        await trust.authorities.delete_join_token("other")


async def test_history_ends_after_its_time(trust: TestTrust) -> None:
    issuance = await trust.authorities.renew("kms", TestRequest().pem)
    trust.clock.advance(days=1)
    assert await trust.authorities.forget_identities(timedelta(days=90)) == 0
    trust.clock.advance(days=90)
    assert await trust.authorities.forget_identities(timedelta(days=90)) == 1
    with pytest.raises(IdentityNotIssued):
        await trust.authorities.identity(issuance.leaf.id)


async def test_roots_and_intermediates_are_listed_in_pages(trust: TestTrust) -> None:
    from trustmesh.pki.v1 import intermediate_service_pb2, trust_bundle_service_pb2

    tokens = PageTokens(bytes(32))
    trust.clock.advance(seconds=1)
    await trust.rotate("second")
    query = convert.intermediates_query(intermediate_service_pb2.ListIntermediatesRequest(page_size=1), tokens)
    found = convert.intermediates_page(await trust.authorities.intermediates(query), query, tokens, trust.clock())
    assert [each.name for each in found.intermediates] == ["intermediates/second"]
    asked = intermediate_service_pb2.ListIntermediatesRequest(page_size=1, page_token=found.next_page_token)
    query = convert.intermediates_query(asked, tokens)
    found = convert.intermediates_page(await trust.authorities.intermediates(query), query, tokens, trust.clock())
    assert ([each.name for each in found.intermediates], found.next_page_token) == (["intermediates/first"], "")
    roots = convert.roots_query(trust_bundle_service_pb2.ListRootsRequest(parent=f"trustBundles/{TRUST_DOMAIN}"), tokens)
    assert len(convert.roots_page(await trust.authorities.roots(TRUST_DOMAIN, roots), roots, tokens).roots) == 1


async def test_keys_sealed_by_another_sealer_are_lost(trust: TestTrust) -> None:
    other = Authorities(TRUST_DOMAIN, trust.authorities.ledger, FileSealer(bytes([1]) * 32, os.urandom), trust.clock, os.urandom)
    with pytest.raises(DataLoss, match="sealed key"):
        await other.renew("kms", TestRequest().pem)


async def test_private_keys_are_not_in_the_ledger(trust: TestTrust) -> None:
    intermediate = await trust.authorities.intermediate("first")
    key = trust.authorities.sealer.open(intermediate.sealed_key, "intermediate/first")
    assert key not in intermediate.sealed_key
    with pytest.raises(DataLoss):
        trust.authorities.sealer.open(intermediate.sealed_key, "intermediate/other")


async def test_a_failed_change_leaves_nothing(trust: TestTrust) -> None:
    ledger = MemoryLedger()
    with pytest.raises(RuntimeError):
        async with ledger.change() as changes:
            await changes.add_intermediate(await trust.authorities.intermediate("first"))
            raise RuntimeError
    async with ledger.look() as reads:
        assert not await reads.intermediates()


def test_the_sealing_key_is_made_once_for_its_owner_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("home") / "pki" / "seal.key"
    sealed = open_sealer(file, os.urandom).seal(b"secret", "context")
    assert file.stat().st_mode & 0o777 == 0o600
    assert open_sealer(file, os.urandom).open(sealed, "context") == b"secret"
    file.write_bytes(b"short")
    with pytest.raises(DataLoss, match="5 bytes"):
        open_sealer(file, os.urandom)
