"""From the directory to what each kind of node is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from trustmesh_chassis.testing.issuer import TestIssuer
from trustmesh_registry.compilation import ClientCompilation, GatewayCompilation, edge_of
from trustmesh_registry.contracts import judge_contract
from trustmesh_registry.gateway.mesh import Endpoint
from trustmesh_registry.membership import Instance, LeaseTerms
from trustmesh_registry.memory import MemoryServices
from trustmesh_registry.mesh import reflection_of, view_of
from trustmesh_registry.operations import Directory
from trustmesh_registry.settings import RegistrySettings
from trustmesh_registry.xds.clients import ClientTerms
from trustmesh_registry.xds.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTE, snapshot_of
from trustmesh_registry.xds.validation import require_publishable

Make = Callable[..., FileDescriptorSet]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ECHO = ["trustmesh.echo.v1.Echo"]


@pytest.fixture
def directory() -> Directory:
    return Directory(MemoryServices(), lambda: NOW, LeaseTerms())


@pytest.fixture
def gateway() -> GatewayCompilation:
    return GatewayCompilation(edge_of(RegistrySettings(home=Path("/nowhere"))))


async def register(directory: Directory, files: FileDescriptorSet, *, id: str = "a", port: int = 1, http_port: int = 0) -> None:
    contract = judge_contract("echo", files.SerializeToString(), ECHO, {})
    await directory.register(Instance("echo", id, "127.0.0.1", port, http_port, "", NOW, NOW), contract)


def endpoints(compiled: Any) -> dict[str, int]:
    return {
        each.cluster_name: sum(len(locality.lb_endpoints) for locality in each.endpoints)
        for each in compiled.resources
        if type(each).__name__ == "ClusterLoadAssignment"
    }


async def test_processes_on_one_socket_are_one_endpoint(directory: Directory, contract: Make) -> None:
    await register(directory, contract(), id="a", port=5, http_port=6)
    await register(directory, contract(), id="b", port=5, http_port=6)
    await register(directory, contract(), id="c", port=4)
    [service] = view_of(directory, "").mesh
    assert service.endpoints == (Endpoint("127.0.0.1", 4), Endpoint("127.0.0.1", 5))
    assert service.http_endpoints == (Endpoint("127.0.0.1", 6),)


async def test_both_kinds_may_be_published(directory: Directory, contract: Make, gateway: GatewayCompilation) -> None:
    await register(directory, contract())
    view = view_of(directory, "")
    for compile in (gateway, ClientCompilation(ClientTerms("trustmesh.local"))):
        require_publishable(snapshot_of(compile(view).resources), before=None)


async def test_contracts_that_stay_cost_nothing(directory: Directory, contract: Make, gateway: GatewayCompilation) -> None:
    await register(directory, contract())
    first = gateway(view_of(directory, ""))
    await register(directory, contract(), id="b", port=2)
    second = gateway(view_of(directory, ""))
    assert (endpoints(first)["echo"], endpoints(second)["echo"]) == (1, 2)
    before, after = snapshot_of(first.resources), snapshot_of(second.resources)
    assert all(before.of(each) == after.of(each) for each in (LISTENER, ROUTE, CLUSTER))
    assert before.of(ENDPOINTS) != after.of(ENDPOINTS)
    fresh = GatewayCompilation(edge_of(RegistrySettings(home=Path("/nowhere"))))
    assert snapshot_of(fresh(view_of(directory, "")).resources) == after


async def test_keys_change_the_listeners(directory: Directory, contract: Make, gateway: GatewayCompilation) -> None:
    await register(directory, contract())
    without = gateway(view_of(directory, ""))
    with_keys = gateway(view_of(directory, TestIssuer().jwks))
    assert without.problems and not with_keys.problems
    assert snapshot_of(without.resources).of(LISTENER) != snapshot_of(with_keys.resources).of(LISTENER)


async def test_clients_see_only_what_a_service_answers_for(directory: Directory, contract: Make) -> None:
    files = contract()
    files.file[0].service.add(name="Unserved").CopyFrom(files.file[0].service[0])
    files.file[0].service[1].name = "Unserved"
    await register(directory, files)
    [client] = view_of(directory, "").clients
    assert {method.full_service for method in client.methods} == set(ECHO)


async def test_reflection_is_made_of_what_is_registered(directory: Directory, contract: Make) -> None:
    await register(directory, contract())
    index = reflection_of(directory)
    assert index.services == tuple(ECHO)
    assert "trustmesh.echo.v1.Echo.Say" in index.symbols


async def test_keys_that_do_not_do_leave_the_last_good_ones(directory: Directory, gateway: GatewayCompilation) -> None:
    def listener(jwks: str) -> tuple[Any, tuple[str, ...]]:
        compiled = gateway(view_of(directory, jwks))
        return next(each for each in compiled.resources if type(each).__name__ == "Listener"), tuple(compiled.problems)

    _, [none_yet] = listener("")
    assert none_yet.startswith("no access token is accepted")
    good, problems = listener(TestIssuer().jwks)
    assert problems == ()
    for bad in ("", "{}", '{"keys": []}'):
        kept, [problem] = listener(bad)
        assert kept == good
        assert problem.startswith("the issuer's JWKS does not do")
        assert problem.endswith("the last good one stays in use")
    newer, problems = listener(TestIssuer().jwks)
    assert newer != good
    assert problems == ()
