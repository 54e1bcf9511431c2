"""TLS of the gateway: secrets are files beside Envoy that its identity's renewal replaces by rename."""

from __future__ import annotations

from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext, UpstreamTlsContext
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryResponse

from trustmesh_registry.gateway.protos import Fields, extension, packed, to_yaml

_PARAMETERS: Fields = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}
IDENTITY, ROOTS = "identity", "roots"


def spiffe_id(trust_domain: str, service: str) -> str:
    return f"spiffe://{trust_domain}/svc/{service}"


def server_tls() -> Fields:
    """The transport socket that faces clients: TLS 1.3, no client certificate asked for."""
    context = {
        "tls_params": _PARAMETERS,
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [_secret(IDENTITY)],
    }
    return extension("envoy.transport_sockets.tls", DownstreamTlsContext(common_tls_context=context))


def client_tls(trust_domain: str, service: str, alpn: tuple[str, ...] = ("h2",)) -> Fields:
    """The transport socket towards `service`: our certificate, the mesh's roots, and its SPIFFE ID exactly."""
    identity = {"san_type": "URI", "matcher": {"exact": spiffe_id(trust_domain, service)}}
    context = {
        "tls_params": _PARAMETERS,
        "alpn_protocols": list(alpn),
        "tls_certificate_sds_secret_configs": [_secret(IDENTITY)],
        "combined_validation_context": {
            "default_validation_context": {"match_typed_subject_alt_names": [identity]},
            "validation_context_sds_secret_config": _secret(ROOTS),
        },
    }
    return extension("envoy.transport_sockets.tls", UpstreamTlsContext(common_tls_context=context, sni=service))


def secret_files(directory: str) -> dict[str, str]:
    """The files that name the gateway's secrets, by their name below secrets/.

    The secrets themselves are `directory`/current/{tls.key,tls.crt,roots.pem}; a rename inside `directory` makes Envoy read
    them again.
    """
    watched = {"path": directory}
    chain, key, roots = ({"filename": f"{directory}/current/{name}"} for name in ("tls.crt", "tls.key", "roots.pem"))
    certificate = {"certificate_chain": chain, "private_key": key, "watched_directory": watched}
    secrets = (
        Secret(name=IDENTITY, tls_certificate=certificate),
        Secret(name=ROOTS, validation_context={"trusted_ca": roots, "watched_directory": watched}),
    )
    return {f"{each.name}.yaml": to_yaml(DiscoveryResponse(resources=[packed(each)])) for each in secrets}


def _secret(name: str) -> Fields:
    return {
        "name": name,
        "sds_config": {"path_config_source": {"path": f"secrets/{name}.yaml"}, "resource_api_version": "V3"},
    }
