"""Messages of trustmesh.pki.v1 to values and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration

from trustmesh.pki.v1 import (
    identity_pb2,
    identity_service_pb2,
    intermediate_pb2,
    intermediate_service_pb2,
    join_token_pb2,
    join_token_service_pb2,
    trust_bundle_pb2,
    trust_bundle_service_pb2,
)
from trustmesh_chassis.identity.spiffe import SpiffeId
from trustmesh_chassis.storage import PageTokens
from trustmesh_chassis.storage.listing import Collection, Query, page
from trustmesh_pki import certificates
from trustmesh_pki.certificates import AltNames
from trustmesh_pki.operations import Issuance
from trustmesh_pki.trust import JOIN_TOKEN_TTL, Bundle, Cause, Intermediate, IssuedLeaf, JoinToken, Root, pem_of

REFRESH_HINT_SECONDS = 60

IDENTITIES = Collection("identities", {"service": str}, frozenset({"create_time"}))
JOIN_TOKENS = Collection("joinTokens", {}, frozenset())
INTERMEDIATES = Collection("intermediates", {}, frozenset({"create_time"}))
ROOTS = Collection("roots", {}, frozenset({"create_time"}))

_CAUSES = {
    Cause.JOIN: identity_pb2.Identity.CAUSE_JOIN,
    Cause.RENEWAL: identity_pb2.Identity.CAUSE_RENEWAL,
    Cause.SELF: identity_pb2.Identity.CAUSE_SELF,
}


def id_of(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]


def trust_domain_of(name: str) -> str:
    """The trust domain in the name of a bundle or of one of its roots."""
    return name.split("/")[1]


def identities_query(request: identity_service_pb2.ListIdentitiesRequest, tokens: PageTokens) -> Query:
    """Newest first."""
    return IDENTITIES.query(
        tokens,
        "",
        size=request.page_size,
        token=request.page_token,
        filter=f'service = "{request.service}"' if request.service else "",
        order_by="create_time desc",
    )


def join_tokens_query(request: join_token_service_pb2.ListJoinTokensRequest, tokens: PageTokens) -> Query:
    return JOIN_TOKENS.query(tokens, "", size=request.page_size, token=request.page_token)


def intermediates_query(request: intermediate_service_pb2.ListIntermediatesRequest, tokens: PageTokens) -> Query:
    return INTERMEDIATES.query(tokens, "", size=request.page_size, token=request.page_token, order_by="create_time desc")


def roots_query(request: trust_bundle_service_pb2.ListRootsRequest, tokens: PageTokens) -> Query:
    return ROOTS.query(tokens, request.parent, size=request.page_size, token=request.page_token, order_by="create_time")


def names_of(message: join_token_pb2.JoinToken) -> AltNames:
    return AltNames(frozenset(message.dns_names), frozenset(message.ip_addresses))


def ttl_of(message: join_token_pb2.JoinToken) -> timedelta:
    return message.ttl.ToTimedelta() if message.HasField("ttl") else JOIN_TOKEN_TTL


def issuance_message(issuance: Issuance, trust_domain: str) -> identity_pb2.IssuedIdentity:
    certificate = issuance.leaf.certificate
    return identity_pb2.IssuedIdentity(
        identity=f"identities/{issuance.leaf.id}",
        spiffe_id=str(SpiffeId(trust_domain, issuance.leaf.service)),
        certificate_chain_pem=issuance.chain_pem,
        trust_bundle=bundle_message(issuance.bundle),
        expire_time=certificate.not_valid_after_utc,
        renew_time=certificates.renewal_time(certificate),
    )


def identity_message(leaf: IssuedLeaf, trust_domain: str) -> identity_pb2.Identity:
    return identity_pb2.Identity(
        name=f"identities/{leaf.id}",
        service=leaf.service,
        spiffe_id=str(SpiffeId(trust_domain, leaf.service)),
        cause=_CAUSES[leaf.cause],
        intermediate=f"intermediates/{leaf.intermediate}",
        certificate_pem=pem_of(leaf.certificate),
        create_time=leaf.create_time,
        expire_time=leaf.expire_time,
    )


def identities_page(
    leaves: Sequence[IssuedLeaf], query: Query, tokens: PageTokens, trust_domain: str
) -> identity_service_pb2.ListIdentitiesResponse:
    kept, following = page(leaves, query, tokens)
    messages = [identity_message(leaf, trust_domain) for leaf in kept]
    return identity_service_pb2.ListIdentitiesResponse(identities=messages, next_page_token=following)


def bundle_message(bundle: Bundle) -> trust_bundle_pb2.TrustBundle:
    return trust_bundle_pb2.TrustBundle(
        name=f"trustBundles/{bundle.trust_domain}",
        sequence=bundle.sequence,
        roots_pem=bundle.pem,
        refresh_hint=Duration(seconds=REFRESH_HINT_SECONDS),
    )


def root_message(root: Root) -> trust_bundle_pb2.Root:
    return trust_bundle_pb2.Root(
        name=f"trustBundles/{root.trust_domain}/roots/{root.id}",
        certificate_pem=pem_of(root.certificate),
        create_time=root.create_time,
        expire_time=root.certificate.not_valid_after_utc,
        issue_after_time=root.issue_after,
    )


def roots_page(roots: Sequence[Root], query: Query, tokens: PageTokens) -> trust_bundle_service_pb2.ListRootsResponse:
    kept, following = page(roots, query, tokens)
    return trust_bundle_service_pb2.ListRootsResponse(roots=map(root_message, kept), next_page_token=following)


def intermediate_message(intermediate: Intermediate, now: datetime) -> intermediate_pb2.Intermediate:
    message = intermediate_pb2.Intermediate(
        name=f"intermediates/{intermediate.id}",
        state=intermediate_pb2.Intermediate.STATE_REQUESTED,
        csr_pem=pem_of(intermediate.csr),
        create_time=intermediate.create_time,
        update_time=intermediate.update_time,
        etag=intermediate.etag,
    )
    if intermediate.certificate is not None and intermediate.issue_after is not None:
        ended = intermediate.certificate.not_valid_after_utc <= now
        message.state = intermediate_pb2.Intermediate.STATE_EXPIRED if ended else intermediate_pb2.Intermediate.STATE_INSTALLED
        message.certificate_pem = pem_of(intermediate.certificate)
        message.issue_after_time.FromDatetime(intermediate.issue_after)
        message.expire_time.FromDatetime(intermediate.certificate.not_valid_after_utc)
    return message


def intermediates_page(
    intermediates: Sequence[Intermediate], query: Query, tokens: PageTokens, now: datetime
) -> intermediate_service_pb2.ListIntermediatesResponse:
    kept, following = page(intermediates, query, tokens)
    messages = [intermediate_message(each, now) for each in kept]
    return intermediate_service_pb2.ListIntermediatesResponse(intermediates=messages, next_page_token=following)


def join_token_message(token: JoinToken) -> join_token_pb2.JoinToken:
    return join_token_pb2.JoinToken(
        name=f"joinTokens/{token.id}",
        service=token.service,
        dns_names=sorted(token.names.dns),
        ip_addresses=sorted(token.names.ip),
        create_time=token.create_time,
        expire_time=token.expire_time,
        redeem_time=token.redeem_time,
        identity=f"identities/{token.identity}" if token.identity else "",
    )


def join_tokens_page(
    join_tokens: Sequence[JoinToken], query: Query, tokens: PageTokens
) -> join_token_service_pb2.ListJoinTokensResponse:
    kept, following = page(join_tokens, query, tokens)
    return join_token_service_pb2.ListJoinTokensResponse(join_tokens=map(join_token_message, kept), next_page_token=following)
