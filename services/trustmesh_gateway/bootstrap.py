"""What Envoy starts with: who it is, where the registry is, and where its secrets are. The rest it learns from the registry."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.extensions.resource_monitors.downstream_connections.v3.downstream_connections_pb2 import DownstreamConnectionsConfig
from envoy.extensions.resource_monitors.fixed_heap.v3.fixed_heap_pb2 import FixedHeapConfig
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryResponse
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

SERVICE = "gateway"
ADMIN_SOCKET = "admin.sock"
CONTROL_PLANE = "control-plane"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


@dataclass(frozen=True, slots=True)
class Start:
    """What Envoy's first files are made from.

    `registry` is "host:port"; `identity` the absolute path of the directory whose current/ holds tls.key, tls.crt and roots.pem.
    """

    node_id: str
    registry: str
    trust_domain: str
    identity: str
    max_heap_bytes: int
    max_connections: int


def files(start: Start) -> dict[str, str]:
    """The content of Envoy's files, by their path in its own directory, which must be its working directory."""
    return {"bootstrap.yaml": _yaml(_bootstrap(start)), **_secrets(start.identity)}


def _bootstrap(start: Start) -> Bootstrap:
    from_registry = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": {"seconds": 0}}
    registry = {"envoy_grpc": {"cluster_name": CONTROL_PLANE}}
    return Bootstrap(
        node={"id": start.node_id, "cluster": SERVICE},
        admin={"address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}}},
        dynamic_resources={
            "ads_config": {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [registry]},
            "cds_config": from_registry,
            "lds_config": from_registry,
        },
        static_resources={"clusters": [_control_plane(start)]},
        overload_manager=_overload(start),
        application_log_config={"log_format": {"json_format": {"level": "%l", "logger": "%n", "message": "%j"}}},
    )


def _control_plane(start: Start) -> Cluster:
    """The registry, proven by its SPIFFE ID, over one HTTP/2 connection that notices when it is gone."""
    host, _, port = start.registry.rpartition(":")
    address = {"socket_address": {"address": host, "port_value": int(port)}}
    keepalive = {"interval": {"seconds": 10}, "timeout": {"seconds": 5}}
    options = HttpProtocolOptions(explicit_http_config={"http2_protocol_options": {"connection_keepalive": keepalive}})
    return Cluster(
        name=CONTROL_PLANE,
        type="STRICT_DNS",
        dns_lookup_family="V4_PREFERRED",
        connect_timeout={"seconds": 1},
        load_assignment={"cluster_name": CONTROL_PLANE, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]},
        transport_socket={"name": "envoy.transport_sockets.tls", "typed_config": _packed(_registry_tls(start.trust_domain))},
        typed_extension_protocol_options={_HTTP_OPTIONS: _packed(options)},
    )


def _registry_tls(trust_domain: str) -> UpstreamTlsContext:
    registry = {"san_type": "URI", "matcher": {"exact": f"spiffe://{trust_domain}/svc/registry"}}
    return UpstreamTlsContext(
        common_tls_context={
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "alpn_protocols": ["h2"],
            "tls_certificate_sds_secret_configs": [_secret("identity")],
            "combined_validation_context": {
                "default_validation_context": {"match_typed_subject_alt_names": [registry]},
                "validation_context_sds_secret_config": _secret("roots"),
            },
        },
    )


def _overload(start: Start) -> dict[str, Any]:
    def above(share: float) -> list[dict[str, Any]]:
        return [{"name": "heap", "threshold": {"value": share}}]

    return {
        "refresh_interval": {"nanos": 250_000_000},
        "resource_monitors": [
            {"name": "heap", "typed_config": _packed(FixedHeapConfig(max_heap_size_bytes=start.max_heap_bytes))},
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": _packed(DownstreamConnectionsConfig(max_active_downstream_connections=start.max_connections)),
            },
        ],
        "actions": [
            {"name": "envoy.overload_actions.shrink_heap", "triggers": above(0.90)},
            {"name": "envoy.overload_actions.stop_accepting_requests", "triggers": above(0.95)},
            {"name": "envoy.overload_actions.stop_accepting_connections", "triggers": above(0.98)},
        ],
    }


def _secrets(identity: str) -> dict[str, str]:
    """Secrets that Envoy reads again when something is renamed inside `identity`."""
    watched = {"path": identity}
    chain, key, roots = ({"filename": f"{identity}/current/{name}"} for name in ("tls.crt", "tls.key", "roots.pem"))
    certificate = {"certificate_chain": chain, "private_key": key, "watched_directory": watched}
    secrets = (
        Secret(name="identity", tls_certificate=certificate),
        Secret(name="roots", validation_context={"trusted_ca": roots, "watched_directory": watched}),
    )
    return {f"secrets/{each.name}.yaml": _yaml(DiscoveryResponse(resources=[_packed(each)])) for each in secrets}


def _secret(name: str) -> dict[str, Any]:
    source = {"path_config_source": {"path": f"secrets/{name}.yaml"}, "resource_api_version": "V3"}
    return {"name": name, "sds_config": source}


def _packed(message: Message) -> AnyMessage:
    box = AnyMessage()
    box.Pack(message, deterministic=True)
    return box


def _yaml(message: Message) -> str:
    fields = json.loads(MessageToJson(message, preserving_proto_field_name=True))
    return str(yaml.safe_dump(fields, sort_keys=True, width=160))
