"""The methods of pki through the whole pipeline, over real mTLS with real tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from cryptography import x509
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status.rpc_status import from_call

from trustmesh.pki.v1 import (
    identity_pb2,
    identity_service_pb2,
    intermediate_pb2,
    intermediate_service_pb2,
    join_service_pb2,
    join_token_pb2,
    join_token_service_pb2,
    trust_bundle_service_pb2,
)
from trustmesh.pki.v1.identity_service_pb2_grpc import IdentityServiceStub
from trustmesh.pki.v1.intermediate_service_pb2_grpc import IntermediateServiceStub
from trustmesh.pki.v1.join_service_pb2_grpc import JoinServiceStub
from trustmesh.pki.v1.join_token_service_pb2_grpc import JoinTokenServiceStub
from trustmesh.pki.v1.trust_bundle_service_pb2_grpc import TrustBundleServiceStub
from trustmesh_chassis.service import utc_now
from trustmesh_chassis.storage import PageTokens
from trustmesh_chassis.testing.served import Served, served
from trustmesh_pki import offline
from trustmesh_pki.servicer import IdentityServicer, IntermediateServicer, JoinServicer, JoinTokenServicer, TrustBundleServicer
from trustmesh_pki.testing import TRUST_DOMAIN, TestClock, TestRequest, TestTrust
from trustmesh_pki.trust import pem_of

Stub = Any
BUNDLE = f"trustBundles/{TRUST_DOMAIN}"
SERVICERS = (
    (identity_service_pb2, "IdentityService", IdentityServicer),
    (intermediate_service_pb2, "IntermediateService", IntermediateServicer),
    (join_service_pb2, "JoinService", JoinServicer),
    (join_token_service_pb2, "JoinTokenService", JoinTokenServicer),
    (trust_bundle_service_pb2, "TrustBundleService", TrustBundleServicer),
)


@pytest.fixture
async def trust() -> TestTrust:
    return await TestTrust.start(clock=TestClock(utc_now()))


@pytest.fixture
async def pki(trust: TestTrust, tmp_path: Path) -> AsyncIterator[Served]:
    parts = (trust.authorities, PageTokens(bytes(32)))
    servicers = [(module.DESCRIPTOR.services_by_name[name], servicer(*parts)) for module, name, servicer in SERVICERS]
    async with served(servicers, tmp_path, "pki") as pki:
        yield pki


@pytest.fixture
def operator(pki: Served) -> grpc.aio.Channel:
    return pki.channel(pki.issuer.token(orgs=("platform",), scope="pki.*"))


def reason(error: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> str:
    failed: Any = error.value
    status = from_call(failed)
    info = ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return str(info.reason)


async def test_an_operator_s_token_lets_a_service_join_once(pki: Served, operator: grpc.aio.Channel) -> None:
    asked = join_token_pb2.JoinToken(service="kms", dns_names=["kms.trustmesh.local"])
    tokens: Stub = JoinTokenServiceStub(operator)
    made = await tokens.CreateJoinToken(join_token_service_pb2.CreateJoinTokenRequest(join_token=asked, join_token_id="mine"))
    assert made.join_token.name == "joinTokens/mine"
    assert made.join_token.expire_time.ToDatetime() - made.join_token.create_time.ToDatetime() == timedelta(hours=1)
    join: Stub = JoinServiceStub(pki.channel())
    csr = TestRequest(dns=("kms.trustmesh.local", "bank.example")).pem
    issued = await join.JoinMesh(join_service_pb2.JoinMeshRequest(join_token=made.token, csr_pem=csr))
    assert issued.spiffe_id == "spiffe://trustmesh.local/svc/kms"
    assert issued.renew_time.ToDatetime() < issued.expire_time.ToDatetime()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await join.JoinMesh(join_service_pb2.JoinMeshRequest(join_token=made.token, csr_pem=TestRequest().pem))
    assert reason(error) == "JOIN_TOKEN_SPENT"
    listed = await tokens.ListJoinTokens(join_token_service_pb2.ListJoinTokensRequest())
    assert [(token.name, token.identity) for token in listed.join_tokens] == [("joinTokens/mine", issued.identity)]
    assert made.token not in str(listed)
    assert all(made.token not in str(record) for record in pki.records)
    identities: Stub = IdentityServiceStub(operator)
    kept = await identities.GetIdentity(identity_service_pb2.GetIdentityRequest(name=issued.identity))
    assert (kept.service, kept.cause) == ("kms", identity_pb2.Identity.CAUSE_JOIN)
    assert kept.certificate_pem in issued.certificate_chain_pem
    found = await identities.ListIdentities(identity_service_pb2.ListIdentitiesRequest(service="kms"))
    assert [identity.name for identity in found.identities] == [issued.identity]


async def test_join_refuses_by_reason(pki: Served, trust: TestTrust) -> None:
    join: Stub = JoinServiceStub(pki.channel())
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await join.JoinMesh(join_service_pb2.JoinMeshRequest(join_token="A" * 43, csr_pem=TestRequest().pem))
    assert (reason(error), error.value.code()) == ("JOIN_TOKEN_UNKNOWN", grpc.StatusCode.UNAUTHENTICATED)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await join.JoinMesh(join_service_pb2.JoinMeshRequest(join_token=await trust.token(), csr_pem="garbage"))
    assert reason(error) == "REQUEST_REFUSED"
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await join.JoinMesh(join_service_pb2.JoinMeshRequest(join_token="short", csr_pem="x"))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_renewal_is_for_whom_the_connection_says(pki: Served) -> None:
    stub: Stub = IdentityServiceStub(pki.channel(peer="petstore"))
    csr = TestRequest(uris=("spiffe://trustmesh.local/svc/pki",)).pem
    issued = await stub.RenewIdentity(identity_service_pb2.RenewIdentityRequest(csr_pem=csr))
    assert issued.spiffe_id == "spiffe://trustmesh.local/svc/petstore"
    leaf = x509.load_pem_x509_certificate(issued.certificate_chain_pem.encode())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["spiffe://trustmesh.local/svc/petstore"]


async def test_without_permission_nothing_of_the_operators_is_reached(pki: Served) -> None:
    for token, status in (
        (None, grpc.StatusCode.UNAUTHENTICATED),
        (pki.issuer.token(orgs=("platform",), scope="kms.*"), grpc.StatusCode.PERMISSION_DENIED),
        (pki.issuer.token(orgs=("demo",), scope="*"), grpc.StatusCode.PERMISSION_DENIED),
    ):
        channel = pki.channel(token, peer="gateway")
        asked = join_token_service_pb2.CreateJoinTokenRequest(join_token=join_token_pb2.JoinToken(service="kms"))
        tokens: Stub = JoinTokenServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await tokens.CreateJoinToken(asked)
        assert error.value.code() is status
        intermediates: Stub = IntermediateServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await intermediates.CreateIntermediate(intermediate_service_pb2.CreateIntermediateRequest())
        assert error.value.code() is status


async def test_an_intermediate_is_rotated_offline(pki: Served, operator: grpc.aio.Channel, trust: TestTrust) -> None:
    stub: Stub = IntermediateServiceStub(operator)
    made = await stub.CreateIntermediate(intermediate_service_pb2.CreateIntermediateRequest(intermediate_id="next"))
    assert made.state == intermediate_pb2.Intermediate.STATE_REQUESTED
    stranger = offline.create_root(TRUST_DOMAIN, now=trust.clock())
    install = intermediate_service_pb2.InstallIntermediateRequest(name=made.name, etag=made.etag)
    install.certificate_pem = offline.sign_intermediate(stranger, made.csr_pem, now=trust.clock())
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.InstallIntermediate(install)
    assert reason(error) == "INTERMEDIATE_REFUSED"
    install.certificate_pem = offline.sign_intermediate(trust.root, made.csr_pem, now=trust.clock())
    installed = await stub.InstallIntermediate(install)
    assert installed.state == intermediate_pb2.Intermediate.STATE_INSTALLED
    assert await stub.GetIntermediate(intermediate_service_pb2.GetIntermediateRequest(name=made.name)) == installed
    install.certificate_pem = offline.sign_intermediate(trust.root, made.csr_pem, now=trust.clock())
    install.etag = ""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.InstallIntermediate(install)
    assert reason(error) == "INTERMEDIATE_INSTALLED"
    trust.clock.advance(days=91)
    listed = await stub.ListIntermediates(intermediate_service_pb2.ListIntermediatesRequest())
    assert {each.state for each in listed.intermediates} == {intermediate_pb2.Intermediate.STATE_EXPIRED}


async def test_roots_overlap_and_retire(pki: Served, operator: grpc.aio.Channel, trust: TestTrust) -> None:
    stub: Stub = TrustBundleServiceStub(operator)
    bundle = await TrustBundleServiceStub(pki.channel()).GetTrustBundle(
        trust_bundle_service_pb2.GetTrustBundleRequest(name=BUNDLE)
    )
    assert (bundle.sequence, bundle.roots_pem) == (1, pem_of(trust.root.certificate))
    successor = pem_of(offline.create_root(TRUST_DOMAIN, now=trust.clock()).certificate)
    added = await stub.CreateRoot(trust_bundle_service_pb2.CreateRootRequest(parent=BUNDLE, certificate_pem=successor))
    assert added.issue_after_time.ToDatetime() - added.create_time.ToDatetime() == timedelta(hours=1)
    listed = await stub.ListRoots(trust_bundle_service_pb2.ListRootsRequest(parent=BUNDLE))
    first = next(root for root in listed.roots if root.name != added.name)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.DeleteRoot(trust_bundle_service_pb2.DeleteRootRequest(name=first.name))
    assert reason(error) == "ROOT_IN_USE"
    await stub.DeleteRoot(trust_bundle_service_pb2.DeleteRootRequest(name=added.name))
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.CreateRoot(trust_bundle_service_pb2.CreateRootRequest(parent="trustBundles/a.b", certificate_pem=successor))
    assert reason(error) == "ROOT_REFUSED"


async def test_a_join_token_is_withdrawn_and_promises_no_other_service_s_name(operator: grpc.aio.Channel) -> None:
    stub: Stub = JoinTokenServiceStub(operator)
    asked = join_token_pb2.JoinToken(service="kms", dns_names=["pki.trustmesh.local"])
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.CreateJoinToken(join_token_service_pb2.CreateJoinTokenRequest(join_token=asked))
    assert reason(error) == "NAME_REFUSED"
    asked = join_token_pb2.JoinToken(service="kms", ip_addresses=["10.0.0.1"])
    asked.ttl.FromSeconds(60)
    made = await stub.CreateJoinToken(join_token_service_pb2.CreateJoinTokenRequest(join_token=asked))
    await stub.DeleteJoinToken(join_token_service_pb2.DeleteJoinTokenRequest(name=made.join_token.name))
    assert not (await stub.ListJoinTokens(join_token_service_pb2.ListJoinTokensRequest())).join_tokens
