"""TLS of the gateway. Its secrets are files beside Envoy, secrets/{identity,roots}.yaml, which the gateway's service writes."""

from __future__ import annotations

from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext, UpstreamTlsContext

from trustmesh_registry.gateway.protos import Fields, extension

_PARAMETERS: Fields = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}


def spiffe_id(trust_domain: str, service: str) -> str:
    return f"spiffe://{trust_domain}/svc/{service}"


def server_tls() -> Fields:
    """The transport socket that faces clients: TLS 1.3, no client certificate asked for."""
    context = {
        "tls_params": _PARAMETERS,
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [_secret("identity")],
    }
    return extension("envoy.transport_sockets.tls", DownstreamTlsContext(common_tls_context=context))


def client_tls(trust_domain: str, service: str, alpn: tuple[str, ...] = ("h2",)) -> Fields:
    """The transport socket towards `service`: our certificate, the mesh's roots, and its SPIFFE ID exactly."""
    identity = {"san_type": "URI", "matcher": {"exact": spiffe_id(trust_domain, service)}}
    context = {
        "tls_params": _PARAMETERS,
        "alpn_protocols": list(alpn),
        "tls_certificate_sds_secret_configs": [_secret("identity")],
        "combined_validation_context": {
            "default_validation_context": {"match_typed_subject_alt_names": [identity]},
            "validation_context_sds_secret_config": _secret("roots"),
        },
    }
    return extension("envoy.transport_sockets.tls", UpstreamTlsContext(common_tls_context=context))


def _secret(name: str) -> Fields:
    return {
        "name": name,
        "sds_config": {"path_config_source": {"path": f"secrets/{name}.yaml"}, "resource_api_version": "V3"},
    }
