"""The two listeners: https for everyone, plain http for what must be readable before any trust exists."""

from __future__ import annotations

from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.trace.v3.opentelemetry_pb2 import OpenTelemetryConfig
from envoy.extensions.access_loggers.file.v3.file_pb2 import FileAccessLog
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpConnectionManager

from trustmesh_registry.gateway.clusters import COLLECTOR
from trustmesh_registry.gateway.headers import answer_headers, forged_headers, security_headers
from trustmesh_registry.gateway.mesh import Edge
from trustmesh_registry.gateway.protos import Fields, by_ads, duration, extension, socket, wrapped
from trustmesh_registry.gateway.replies import local_replies
from trustmesh_registry.gateway.routes import EDGE_ROUTES, PLAIN_ROUTES, STREAM_IDLE
from trustmesh_registry.gateway.tls import server_tls

CONNECTION_MANAGER = "connection_manager"

# Clients at private addresses are clients like any other. An empty list would stand for all private
# addresses, so it holds one that nobody has.
_NOBODY: Fields = {"address_prefix": "240.0.0.0", "prefix_len": wrapped(32)}
# No query and no header field of the client's, for either may hold a secret.
_LOG: Fields = {
    "time": "%START_TIME%",
    "logger": "gateway.access",
    "request_id": "%STREAM_ID%",
    "trace_id": "%TRACE_ID%",
    "listener": "%FILTER_CHAIN_NAME%",
    "protocol": "%PROTOCOL%",
    "method": "%REQUEST_HEADER(X-ENVOY-ORIGINAL-METHOD?:METHOD)%",
    "path": "%PATH(NQ:ORIG_OR_PATH)%",
    "route": "%ROUTE_NAME%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "upstream": "%UPSTREAM_HOST%",
    "status": "%RESPONSE_CODE%",
    "grpc_status": "%GRPC_STATUS%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "tls": "%DOWNSTREAM_TLS_VERSION%",
}


def https_listener(edge: Edge, filters: list[Fields]) -> Listener:
    manager = _manager(edge, EDGE_ROUTES, filters)
    return _listener("https", edge.address, edge.https_port, manager, server_tls())


def http_listener(edge: Edge) -> Listener:
    manager = _manager(edge, PLAIN_ROUTES, [answer_headers(), extension("router", Router(suppress_envoy_headers=True))])
    return _listener("http", edge.address, edge.http_port, manager, None)


def _listener(name: str, address: str, port: int, manager: HttpConnectionManager, tls: Fields | None) -> Listener:
    chain: Fields = {
        "name": name,
        "filters": [extension(CONNECTION_MANAGER, manager)],
        "transport_socket_connect_timeout": duration(5),
    }
    if tls:
        chain["transport_socket"] = tls
    return Listener(
        name=name,
        address=socket(address, port),
        filter_chains=[chain],
        per_connection_buffer_limit_bytes=wrapped(1 << 20),
        enable_reuse_port=wrapped(True),
    )


def _manager(edge: Edge, route_config: str, filters: list[Fields]) -> HttpConnectionManager:
    """The edge hardening that Envoy's own guide asks for, tightened."""
    manager = HttpConnectionManager(
        stat_prefix=route_config,
        rds={"config_source": by_ads(), "route_config_name": route_config},
        http_filters=filters,
        common_http_protocol_options={
            "idle_timeout": duration(300),
            "max_connection_duration": duration(3600),
            "max_headers_count": wrapped(64),
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        http2_protocol_options={
            "max_concurrent_streams": wrapped(100),
            "initial_stream_window_size": wrapped(64 << 10),
            "initial_connection_window_size": wrapped(1 << 20),
            "connection_keepalive": {"interval": duration(60), "timeout": duration(20)},
        },
        max_request_headers_kb=wrapped(24),
        request_headers_timeout=duration(10),
        stream_idle_timeout=duration(STREAM_IDLE),
        delayed_close_timeout=duration(1),
        drain_timeout=duration(5),
        use_remote_address=wrapped(True),
        internal_address_config={"cidr_ranges": [_NOBODY]},
        early_header_mutation_extensions=[forged_headers()],
        forward_client_cert_details="SANITIZE",
        normalize_path=wrapped(True),
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        strip_trailing_host_dot=True,
        server_header_transformation="PASS_THROUGH",
        generate_request_id=wrapped(True),
        always_set_request_id_in_response=True,
        local_reply_config=local_replies(security_headers()),
        access_log=[_access_log(edge)],
        stream_error_on_invalid_http_message=wrapped(False),
    )
    if edge.collector:
        manager.tracing.MergeFrom(HttpConnectionManager.Tracing(**_tracing(edge)))
    return manager


def _access_log(edge: Edge) -> Fields:
    log = FileAccessLog(path=edge.access_log, log_format={"json_format": _LOG, "omit_empty_values": True})
    return extension("access", log)


def _tracing(edge: Edge) -> Fields:
    provider = OpenTelemetryConfig(
        grpc_service={"envoy_grpc": {"cluster_name": COLLECTOR}, "timeout": duration(1)}, service_name="gateway"
    )
    whole = {"value": 100.0}
    return {
        "random_sampling": {"value": edge.sampling * 100},
        "client_sampling": {"value": 0.0},
        "overall_sampling": whole,
        "provider": extension("opentelemetry", provider),
    }
