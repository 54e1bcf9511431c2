"""What each kind of node may be given, from a view of the mesh."""

from __future__ import annotations

from dataclasses import replace

from trustmesh_registry.gateway.clusters import assignments, http_cluster_name
from trustmesh_registry.gateway.compile import compile_gateway
from trustmesh_registry.gateway.keys import verification_keys
from trustmesh_registry.gateway.mesh import Edge, Endpoint, GatewayResources
from trustmesh_registry.mesh import View
from trustmesh_registry.settings import RegistrySettings
from trustmesh_registry.xds.clients import ClientTerms, compile_clients
from trustmesh_registry.xds.publisher import Compiled

GATEWAY_HTTPS_OFFSET = 443
GATEWAY_HTTP_OFFSET = 81


class GatewayCompilation:
    """Compiles for Envoy. While contracts and keys stay, only the endpoints are computed anew: a tenth of a second less.

    Keys that verify nothing do not replace those that do: the last good ones stay, and the problem says so.
    """

    def __init__(self, edge: Edge) -> None:
        """`edge` is the operator's, its `jwks` is replaced by the view's."""
        self._edge = edge
        self._compiled: tuple[object, GatewayResources] | None = None
        self._good_jwks = ""

    def __call__(self, view: View) -> Compiled:
        key = (view.contracts, view.jwks)
        if self._compiled is not None and self._compiled[0] == key:
            resources = self._compiled[1]
            names = {cluster.name for cluster in resources.clusters}
            mounting = {service.name for service in view.mesh if http_cluster_name(service.name) in names}
            resources = replace(resources, endpoints=tuple(assignments(view.mesh, mounting)))
        else:
            _, no_keys = verification_keys(view.jwks)
            if no_keys is None:
                self._good_jwks = view.jwks
            resources = compile_gateway(view.mesh, replace(self._edge, jwks=self._good_jwks or view.jwks))
            if no_keys is not None and self._good_jwks:
                told = no_keys.removeprefix("no access token is accepted: ")
                resources = replace(resources, problems=(*resources.problems, f"{told}; the last good one stays in use"))
            self._compiled = (key, resources)
        every = (*resources.listeners, *resources.routes, *resources.clusters, *resources.endpoints)
        return Compiled(every, resources.problems)


class ClientCompilation:
    """Compiles for gRPC clients."""

    def __init__(self, terms: ClientTerms) -> None:
        self._terms = terms

    def __call__(self, view: View) -> Compiled:
        return Compiled(tuple(compile_clients(view.clients, self._terms)))


def edge_of(settings: RegistrySettings) -> Edge:
    """The gateway's edge, without keys: every token is refused until there are some."""
    host, _, port = settings.gateway_collector.rpartition(":")
    return Edge(
        issuer=settings.token_issuer,
        audience=settings.audience,
        trust_domain=settings.trust_domain,
        address=settings.gateway_address,
        https_port=settings.gateway_https_port or settings.base_port + GATEWAY_HTTPS_OFFSET,
        http_port=settings.gateway_http_port or settings.base_port + GATEWAY_HTTP_OFFSET,
        host_names=tuple(settings.gateway_hosts),
        cors_origins=tuple(settings.gateway_cors_origins),
        max_body_bytes=settings.gateway_max_body_bytes,
        collector=Endpoint(host, int(port)) if host else None,
        sampling=settings.trace_sampling,
    )
