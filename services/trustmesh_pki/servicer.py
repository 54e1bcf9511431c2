"""pki's gRPC services: each method converts, calls and converts."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from trustmesh.pki.v1 import (
    identity_pb2,
    identity_service_pb2,
    intermediate_pb2,
    intermediate_service_pb2,
    join_service_pb2,
    join_token_service_pb2,
    trust_bundle_pb2,
    trust_bundle_service_pb2,
)
from trustmesh_chassis.call import Call
from trustmesh_chassis.storage import PageTokens
from trustmesh_pki import convert
from trustmesh_pki.operations import Authorities


class _Servicer:
    def __init__(self, authorities: Authorities, tokens: PageTokens) -> None:
        self._authorities = authorities
        self._tokens = tokens
        self._trust_domain = authorities.trust_domain


class JoinServicer(_Servicer):
    """trustmesh.pki.v1.JoinService."""

    async def JoinMesh(self, request: join_service_pb2.JoinMeshRequest, call: Call) -> identity_pb2.IssuedIdentity:
        issuance = await self._authorities.join(request.join_token, request.csr_pem)
        return convert.issuance_message(issuance, self._trust_domain)


class IdentityServicer(_Servicer):
    """trustmesh.pki.v1.IdentityService."""

    async def RenewIdentity(self, request: identity_service_pb2.RenewIdentityRequest, call: Call) -> identity_pb2.IssuedIdentity:
        assert call.peer is not None  # by the method's policy
        issuance = await self._authorities.renew(call.peer, request.csr_pem)
        return convert.issuance_message(issuance, self._trust_domain)

    async def GetIdentity(self, request: identity_service_pb2.GetIdentityRequest, call: Call) -> identity_pb2.Identity:
        leaf = await self._authorities.identity(convert.id_of(request.name))
        return convert.identity_message(leaf, self._trust_domain)

    async def ListIdentities(
        self, request: identity_service_pb2.ListIdentitiesRequest, call: Call
    ) -> identity_service_pb2.ListIdentitiesResponse:
        query = convert.identities_query(request, self._tokens)
        leaves = await self._authorities.identities(query)
        return convert.identities_page(leaves, query, self._tokens, self._trust_domain)


class TrustBundleServicer(_Servicer):
    """trustmesh.pki.v1.TrustBundleService."""

    async def GetTrustBundle(
        self, request: trust_bundle_service_pb2.GetTrustBundleRequest, call: Call
    ) -> trust_bundle_pb2.TrustBundle:
        bundle = await self._authorities.trust_bundle(convert.trust_domain_of(request.name))
        return convert.bundle_message(bundle)

    async def ListRoots(
        self, request: trust_bundle_service_pb2.ListRootsRequest, call: Call
    ) -> trust_bundle_service_pb2.ListRootsResponse:
        query = convert.roots_query(request, self._tokens)
        roots = await self._authorities.roots(convert.trust_domain_of(request.parent), query)
        return convert.roots_page(roots, query, self._tokens)

    async def CreateRoot(self, request: trust_bundle_service_pb2.CreateRootRequest, call: Call) -> trust_bundle_pb2.Root:
        root = await self._authorities.create_root(convert.trust_domain_of(request.parent), request.certificate_pem)
        return convert.root_message(root)

    async def DeleteRoot(self, request: trust_bundle_service_pb2.DeleteRootRequest, call: Call) -> Empty:
        await self._authorities.delete_root(convert.trust_domain_of(request.name), convert.id_of(request.name))
        return Empty()


class IntermediateServicer(_Servicer):
    """trustmesh.pki.v1.IntermediateService."""

    async def CreateIntermediate(
        self, request: intermediate_service_pb2.CreateIntermediateRequest, call: Call
    ) -> intermediate_pb2.Intermediate:
        intermediate = await self._authorities.create_intermediate(request.intermediate_id)
        return convert.intermediate_message(intermediate, self._authorities.clock())

    async def InstallIntermediate(
        self, request: intermediate_service_pb2.InstallIntermediateRequest, call: Call
    ) -> intermediate_pb2.Intermediate:
        id = convert.id_of(request.name)
        intermediate = await self._authorities.install_intermediate(id, request.certificate_pem, request.etag)
        return convert.intermediate_message(intermediate, self._authorities.clock())

    async def GetIntermediate(
        self, request: intermediate_service_pb2.GetIntermediateRequest, call: Call
    ) -> intermediate_pb2.Intermediate:
        intermediate = await self._authorities.intermediate(convert.id_of(request.name))
        return convert.intermediate_message(intermediate, self._authorities.clock())

    async def ListIntermediates(
        self, request: intermediate_service_pb2.ListIntermediatesRequest, call: Call
    ) -> intermediate_service_pb2.ListIntermediatesResponse:
        query = convert.intermediates_query(request, self._tokens)
        intermediates = await self._authorities.intermediates(query)
        return convert.intermediates_page(intermediates, query, self._tokens, self._authorities.clock())


class JoinTokenServicer(_Servicer):
    """trustmesh.pki.v1.JoinTokenService."""

    async def CreateJoinToken(
        self, request: join_token_service_pb2.CreateJoinTokenRequest, call: Call
    ) -> join_token_service_pb2.CreateJoinTokenResponse:
        asked = request.join_token
        names, ttl = convert.names_of(asked), convert.ttl_of(asked)
        token, secret = await self._authorities.create_join_token(asked.service, names, ttl, request.join_token_id)
        return join_token_service_pb2.CreateJoinTokenResponse(join_token=convert.join_token_message(token), token=secret)

    async def ListJoinTokens(
        self, request: join_token_service_pb2.ListJoinTokensRequest, call: Call
    ) -> join_token_service_pb2.ListJoinTokensResponse:
        query = convert.join_tokens_query(request, self._tokens)
        join_tokens = await self._authorities.join_tokens(query)
        return convert.join_tokens_page(join_tokens, query, self._tokens)

    async def DeleteJoinToken(self, request: join_token_service_pb2.DeleteJoinTokenRequest, call: Call) -> Empty:
        await self._authorities.delete_join_token(convert.id_of(request.name))
        return Empty()
