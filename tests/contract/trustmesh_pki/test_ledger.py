from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from trustmesh.pki.v1 import identity_service_pb2, join_token_service_pb2
from trustmesh_chassis.storage import PageTokens
from trustmesh_chassis.storage.testing import schema_differences
from trustmesh_pki import convert, offline
from trustmesh_pki.certificates import AltNames, digest_of
from trustmesh_pki.errors import IntermediateExists, JoinTokenExists, JoinTokenSpent
from trustmesh_pki.operations import Issuance
from trustmesh_pki.ports import Ledger
from trustmesh_pki.store import METADATA
from trustmesh_pki.testing import TRUST_DOMAIN, TestRequest, TestTrust
from trustmesh_pki.trust import pem_of


@pytest.fixture
async def trust(ledger: Ledger) -> TestTrust:
    return await TestTrust.start(ledger)


async def test_of_fifty_parallel_redemptions_one_succeeds(trust: TestTrust) -> None:
    token = await trust.token()
    requests = [TestRequest().pem for _ in range(50)]
    results = await asyncio.gather(*(trust.authorities.join(token, pem) for pem in requests), return_exceptions=True)
    assert Counter(type(result) for result in results) == {Issuance: 1, JoinTokenSpent: 49}
    query = convert.identities_query(identity_service_pb2.ListIdentitiesRequest(), PageTokens(bytes(32)))
    assert len(await trust.authorities.identities(query)) == 1


async def test_parallel_retries_of_one_key_get_one_certificate(trust: TestTrust) -> None:
    token, pem = await trust.token(), TestRequest().pem
    results = await asyncio.gather(*(trust.authorities.join(token, pem) for _ in range(20)))
    assert len({result.leaf.id for result in results}) == 1


async def test_what_is_not_recorded_is_not_answered_and_the_token_stays_good(trust: TestTrust) -> None:
    token = await trust.token()
    before = await trust.authorities.trust_bundle(TRUST_DOMAIN)
    with pytest.raises(RuntimeError, match="killed"):
        async with trust.authorities.ledger.change() as changes:
            found = await changes.join_token(id=(await _tokens(trust))[0])
            assert found is not None
            await changes.replace_join_token(found.redeemed(b"key", "ab", trust.clock()))
            raise RuntimeError("killed before the commit")
    assert (await trust.authorities.join(token, TestRequest().pem)).bundle == before


async def _tokens(trust: TestTrust) -> list[str]:
    query = convert.join_tokens_query(join_token_service_pb2.ListJoinTokensRequest(), PageTokens(bytes(32)))
    return [token.id for token in await trust.authorities.join_tokens(query)]


async def test_everything_comes_back_as_it_went_in(trust: TestTrust) -> None:
    names = AltNames(frozenset({"kms.trustmesh.local", "localhost"}), frozenset({"127.0.0.1", "::1"}))
    token, secret = await trust.authorities.create_join_token("kms", names, timedelta(hours=1), "mine")
    request = TestRequest(dns=("localhost",), ip=("::1",))
    issuance = await trust.authorities.join(secret, request.pem)
    async with trust.authorities.ledger.look() as reads:
        assert await reads.identity(issuance.leaf.id) == issuance.leaf
        assert await reads.identity("ff") is None
        assert await reads.allowed_names("kms") == names
        assert await reads.allowed_names("registry") == AltNames()
        (intermediate,) = await reads.intermediates()
        assert intermediate.certificate is not None
        assert intermediate.root == (await reads.bundle(TRUST_DOMAIN)).roots[0].id
    async with trust.authorities.ledger.change() as changes:
        redeemed = token.redeemed(digest_of(request.key.public_key()), issuance.leaf.id, trust.clock())
        assert await changes.join_token(id="mine") == redeemed


async def test_names_are_taken_once(trust: TestTrust) -> None:
    await trust.authorities.create_intermediate("second")
    with pytest.raises(IntermediateExists):
        await trust.authorities.create_intermediate("second")
    await trust.authorities.create_join_token("kms", AltNames(), timedelta(hours=1), "mine")
    with pytest.raises(JoinTokenExists):
        await trust.authorities.create_join_token("kms", AltNames(), timedelta(hours=1), "mine")


async def test_bundles_are_counted_and_kept_apart(trust: TestTrust) -> None:
    for domain in (TRUST_DOMAIN, "partner.example"):
        await trust.authorities.create_root(domain, pem_of(offline.create_root(domain, now=trust.clock()).certificate))
    ours, theirs = [await trust.authorities.trust_bundle(domain) for domain in (TRUST_DOMAIN, "partner.example")]
    assert (ours.sequence, len(ours.roots), theirs.sequence, len(theirs.roots)) == (2, 2, 1, 1)
    added = next(root for root in ours.roots if root.certificate != trust.root.certificate)
    await trust.authorities.delete_root(TRUST_DOMAIN, added.id)
    ours = await trust.authorities.trust_bundle(TRUST_DOMAIN)
    assert (ours.sequence, ours.pem) == (3, pem_of(trust.root.certificate))


async def test_history_is_listed_newest_first_by_service_in_pages(trust: TestTrust) -> None:
    tokens = PageTokens(bytes(32))
    for service in ("kms", "registry", "kms", "kms"):
        trust.clock.advance(seconds=1)
        await trust.authorities.renew(service, TestRequest().pem)
    seen = []
    request = identity_service_pb2.ListIdentitiesRequest(page_size=2, service="kms")
    while True:
        query = convert.identities_query(request, tokens)
        found = convert.identities_page(await trust.authorities.identities(query), query, tokens, TRUST_DOMAIN)
        seen += [identity.create_time.ToDatetime() for identity in found.identities]
        if not found.next_page_token:
            break
        request.page_token = found.next_page_token
    assert len(seen) == 3
    assert seen == sorted(seen, reverse=True)


async def test_history_is_forgotten_by_its_end(trust: TestTrust) -> None:
    await trust.authorities.renew("kms", TestRequest().pem)
    trust.clock.advance(hours=2)
    await trust.authorities.renew("kms", TestRequest().pem)
    assert await trust.authorities.forget_identities(timedelta(minutes=30)) == 1


async def test_withdrawn_tokens_are_gone(trust: TestTrust) -> None:
    await trust.authorities.create_join_token("kms", AltNames(), timedelta(hours=1), "mine")
    await trust.authorities.delete_join_token("mine")
    assert await _tokens(trust) == []


async def test_migrations_tell_the_truth(storage_url: str, ledger: Ledger) -> None:
    if storage_url != "memory:":
        assert await schema_differences(storage_url, METADATA) == []
