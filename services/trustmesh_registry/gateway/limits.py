"""Rate limits: a token bucket per class in the gateway itself, and the ratelimit service's count per caller.

The ratelimit service (domain "trustmesh") gets up to three descriptors for a request, each beginning with ("class", <class>):
then ("principal", <the token's subject>), ("organisations", <the token's orgs claim, as the gateway encodes it>), or
("masked_remote_address", <address/32 or IPv6 prefix/64>). Without a token there is the address alone.
"""

from __future__ import annotations

from enum import IntEnum

from envoy.config.core.v3.base_pb2 import Metadata
from envoy.extensions.filters.http.local_ratelimit.v3.local_rate_limit_pb2 import LocalRateLimit
from envoy.extensions.filters.http.ratelimit.v3.rate_limit_pb2 import RateLimit as GlobalRateLimit
from google.protobuf.struct_pb2 import Struct

from trustmesh_contract.contract import RateClass
from trustmesh_registry.gateway.mesh import Edge, Mesh, RateLimit
from trustmesh_registry.gateway.protos import Fields, duration, extension, percent, wrapped

DOMAIN = "trustmesh"
SERVICE = "ratelimit"
# Where jwt_authn leaves the token's claims.
CLAIMS_FILTER, CLAIMS = "envoy.filters.http.jwt_authn", "claims"
ORGS_HEADER = "x-trustmesh-orgs"


class Stage(IntEnum):
    """Which filter counts by a route's rule."""

    FAIL_OPEN = 0
    FAIL_CLOSED = 1


def is_counted(mesh: Mesh) -> bool:
    """Whether there is a ratelimit service to ask."""
    return any(service.name == SERVICE for service in mesh)


def local_limit(edge: Edge) -> Fields:
    """The filter with a bucket per class; what no route claims shares one more, the size of the reads'."""
    buckets = [
        {"entries": [{"key": "class", "value": each.name}], "token_bucket": _bucket(limit)}
        for each, limit in edge.local_limits.items()
    ]
    class_of_route = {
        "descriptor_key": "class",
        "metadata_key": {"key": DOMAIN, "path": [{"key": "class"}]},
        "source": "ROUTE_ENTRY",
    }
    config = LocalRateLimit(
        stat_prefix="local",
        token_bucket=_bucket(edge.local_limits[RateClass.READ]),
        filter_enabled=percent(),
        filter_enforced=percent(),
        rate_limits=[{"actions": [{"metadata": class_of_route}]}],
        descriptors=buckets,
        always_consume_default_token_bucket=wrapped(False),
        enable_x_ratelimit_headers="DRAFT_VERSION_03",
        rate_limited_as_resource_exhausted=True,
    )
    return extension("local_ratelimit", config)


def global_limits() -> list[Fields]:
    """The filters that ask the ratelimit service: without its answer most calls pass, attempts to authenticate do not."""
    return [_global("ratelimit", Stage.FAIL_OPEN), _global("ratelimit_closed", Stage.FAIL_CLOSED)]


def counted_as(rate_class: RateClass) -> Metadata:
    """Metadata of a route: the class that the local limit reads."""
    fields = Struct()
    fields["class"] = rate_class.name
    return Metadata(filter_metadata={DOMAIN: fields})


def rules(rate_class: RateClass, *, counted: bool) -> list[Fields]:
    """A route's rules for the ratelimit service, none unless `counted`."""
    if not counted:
        return []
    stage = Stage.FAIL_CLOSED if rate_class is RateClass.AUTHENTICATION else Stage.FAIL_OPEN
    return [{"stage": wrapped(stage), "actions": [_class(rate_class), caller]} for caller in _callers()]


def _callers() -> list[Fields]:
    subject = {"key": CLAIMS_FILTER, "path": [{"key": CLAIMS}, {"key": "sub"}]}
    principal = {"descriptor_key": "principal", "metadata_key": subject, "source": "DYNAMIC"}
    organisations = {"header_name": ORGS_HEADER, "descriptor_key": "organisations"}
    address = {"v4_prefix_mask_len": wrapped(32), "v6_prefix_mask_len": wrapped(64)}
    return [{"metadata": principal}, {"request_headers": organisations}, {"masked_remote_address": address}]


def _class(rate_class: RateClass) -> Fields:
    return {"generic_key": {"descriptor_key": "class", "descriptor_value": rate_class.name}}


def _bucket(limit: RateLimit) -> Fields:
    return {
        "max_tokens": limit.requests,
        "tokens_per_fill": wrapped(limit.requests),
        "fill_interval": duration(limit.seconds),
    }


def _global(name: str, stage: Stage) -> Fields:
    config = GlobalRateLimit(
        domain=DOMAIN,
        stage=stage,
        timeout=duration(0.02 if stage is Stage.FAIL_OPEN else 0.5),
        failure_mode_deny=stage is Stage.FAIL_CLOSED,
        status_on_error={"code": "ServiceUnavailable"},
        rate_limited_as_resource_exhausted=True,
        enable_x_ratelimit_headers="DRAFT_VERSION_03",
        disable_x_envoy_ratelimited_header=True,
        rate_limit_service={"grpc_service": {"envoy_grpc": {"cluster_name": SERVICE}}, "transport_api_version": "V3"},
    )
    return extension(name, config)
