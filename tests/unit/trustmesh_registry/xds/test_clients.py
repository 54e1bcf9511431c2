"""What gRPC clients are told about a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from trustmesh_contract.contract import read_contract
from trustmesh_registry.gateway.mesh import Endpoint
from trustmesh_registry.xds.clients import SLACK_SECONDS, ClientService, ClientTerms, compile_clients
from trustmesh_registry.xds.snapshot import snapshot_of
from trustmesh_registry.xds.validation import require_publishable

Make = Callable[..., FileDescriptorSet]
TERMS = ClientTerms("example.test", max_requests=7)


def compiled(files: FileDescriptorSet, *endpoints: Endpoint) -> Any:
    service = ClientService("echo", tuple(read_contract(files)), endpoints or (Endpoint("10.0.0.1", 1), Endpoint("::1", 2)))
    return list(compile_clients([service], TERMS))


def test_the_snapshot_may_be_published(contract: Make) -> None:
    require_publishable(snapshot_of(compiled(contract())), before=None)


def test_everything_is_named_like_the_service(contract: Make) -> None:
    listener, routes, cluster, assignment = compiled(contract())
    assert {listener.name, routes.name, cluster.name, assignment.cluster_name} == {"echo"}


@pytest.mark.parametrize(
    ("timeout", "retried", "seconds", "retries"), [(1, True, 1 + SLACK_SECONDS, 2), (None, False, None, None)]
)
def test_the_policy_of_a_method_becomes_its_route(
    contract: Make, timeout: float | None, retried: bool, seconds: float | None, retries: int | None
) -> None:
    _, routes, _, _ = compiled(contract(timeout=timeout, retried=retried))
    [host] = routes.virtual_hosts
    say, rest = host.routes
    assert say.match.path == "/trustmesh.echo.v1.Echo/Say"
    duration = say.route.max_stream_duration
    assert (duration.max_stream_duration.ToTimedelta().total_seconds() if duration.ByteSize() else None) == seconds
    assert (say.route.retry_policy.num_retries.value if say.route.HasField("retry_policy") else None) == retries
    assert not rest.route.HasField("retry_policy") and rest.match.prefix == ""


def test_a_cluster_proves_who_it_reaches_and_bounds_what_it_is_sent(contract: Make) -> None:
    _, _, cluster, _ = compiled(contract())
    tls = UpstreamTlsContext()
    assert cluster.transport_socket.typed_config.Unpack(tls)
    context = tls.common_tls_context.validation_context
    assert [name.exact for name in context.match_subject_alt_names] == ["spiffe://example.test/svc/echo"]
    assert context.ca_certificate_provider_instance.instance_name == "default"
    assert cluster.lb_policy == Cluster.ROUND_ROBIN
    assert cluster.circuit_breakers.thresholds[0].max_requests.value == 7
    assert not cluster.outlier_detection.HasField("consecutive_5xx")


def test_endpoints_have_weight_and_none_is_an_empty_assignment(contract: Make) -> None:
    *_, assignment = compiled(contract())
    [locality] = assignment.endpoints
    assert locality.load_balancing_weight.value == 1
    assert len(locality.lb_endpoints) == 2
    service = ClientService("echo", (), ())
    *_, empty = compile_clients([service], TERMS)
    assert list(empty.endpoints) == []
