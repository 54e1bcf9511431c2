"""RegistryService and MeshService: convert, call, convert."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from trustmesh.registry.v1 import mesh_service_pb2, node_pb2, registry_service_pb2, service_pb2
from trustmesh_chassis.call import Call
from trustmesh_chassis.storage import PageTokens, page_size
from trustmesh_registry import convert
from trustmesh_registry.contracts import judge_contract
from trustmesh_registry.mesh import View
from trustmesh_registry.operations import Directory, require_own
from trustmesh_registry.ports import Clock
from trustmesh_registry.rollout import Rollout
from trustmesh_registry.watching import Closing, told
from trustmesh_registry.xds.nodes import Nodes
from trustmesh_registry.xds.publisher import Publisher

MAX_PAGE = 200

REGISTRY = registry_service_pb2.DESCRIPTOR.services_by_name["RegistryService"]
MESH = mesh_service_pb2.DESCRIPTOR.services_by_name["MeshService"]


class RegistryServicer:
    """trustmesh.registry.v1.RegistryService."""

    def __init__(
        self,
        directory: Directory,
        products: Mapping[str, tuple[str, ...]],
        tokens: PageTokens,
        clock: Clock,
        closing: Closing,
        rollout: Rollout,
    ) -> None:
        self._directory = directory
        self._products = products
        self._tokens = tokens
        self._clock = clock
        self._closing = closing
        self._rollout = rollout

    async def RegisterInstance(
        self, request: registry_service_pb2.RegisterInstanceRequest, call: Call
    ) -> registry_service_pb2.RegisterInstanceResponse:
        instance = convert.registered_instance(request, self._clock())
        require_own(call.peer, instance.service)
        contract = judge_contract(instance.service, request.descriptors, request.grpc_services, self._products)
        registered = await self._directory.register(instance, contract)
        await self._rollout.reached()
        return registry_service_pb2.RegisterInstanceResponse(
            instance=convert.instance_message(registered, self._directory), heartbeat_interval=self._directory.terms.heartbeat
        )

    async def DeregisterInstance(
        self, request: registry_service_pb2.DeregisterInstanceRequest, call: Call
    ) -> registry_service_pb2.DeregisterInstanceResponse:
        service, instance = convert.instance_name(request.name)
        require_own(call.peer, service)
        await self._directory.deregister(service, instance)
        return registry_service_pb2.DeregisterInstanceResponse()

    async def Heartbeat(
        self, request: registry_service_pb2.HeartbeatRequest, call: Call
    ) -> registry_service_pb2.HeartbeatResponse:
        service, instance = convert.instance_name(request.name)
        require_own(call.peer, service)
        expires = self._directory.heartbeat(service, instance)
        return registry_service_pb2.HeartbeatResponse(lease_expire_time=expires)

    async def DiscoverService(self, request: registry_service_pb2.DiscoverServiceRequest, call: Call) -> service_pb2.Service:
        return convert.service_message(self._directory.find(convert.last_segment(request.name)), self._directory)

    async def DiscoverServices(
        self, request: registry_service_pb2.DiscoverServicesRequest, call: Call
    ) -> registry_service_pb2.DiscoverServicesResponse:
        names, token = paged(self._directory.services, request.page_size, request.page_token, self._tokens, call.method.full_name)
        services = [convert.service_message(self._directory.find(name), self._directory) for name in names]
        return registry_service_pb2.DiscoverServicesResponse(services=services, next_page_token=token)

    async def WatchServices(
        self, request: registry_service_pb2.WatchServicesRequest, call: Call
    ) -> AsyncIterator[registry_service_pb2.WatchServicesResponse]:
        with self._directory.watched() as watcher:
            for name in sorted(self._directory.services):
                yield self._event(name)
            yield registry_service_pb2.WatchServicesResponse(synchronized={})
            async for name in told(watcher, self._closing):
                yield self._event(name)
        yield registry_service_pb2.WatchServicesResponse(status=self._closing.status)

    def _event(self, name: str) -> registry_service_pb2.WatchServicesResponse:
        service = convert.service_message(self._directory.find(name), self._directory)
        return registry_service_pb2.WatchServicesResponse(service=service)


class MeshServicer:
    """trustmesh.registry.v1.MeshService."""

    def __init__(self, nodes: Nodes, publisher: Publisher[View], tokens: PageTokens) -> None:
        self._nodes = nodes
        self._publisher = publisher
        self._tokens = tokens

    async def ListNodes(self, request: mesh_service_pb2.ListNodesRequest, call: Call) -> mesh_service_pb2.ListNodesResponse:
        connected = {each.node.id: each for each in self._nodes.all()}
        names, token = paged(connected, request.page_size, request.page_token, self._tokens, call.method.full_name)
        return mesh_service_pb2.ListNodesResponse(
            nodes=[convert.node_message(connected[name]) for name in names],
            next_page_token=token,
            problems=self._publisher.problems,
        )

    async def GetNode(self, request: mesh_service_pb2.GetNodeRequest, call: Call) -> node_pb2.Node:
        return convert.node_message(self._nodes.find(convert.last_segment(request.name)))

    async def GetNodeConfiguration(
        self, request: mesh_service_pb2.GetNodeConfigurationRequest, call: Call
    ) -> node_pb2.NodeConfiguration:
        return convert.node_configuration_message(self._nodes.find(request.name.split("/")[1]), request.type)


def paged(named: Mapping[str, object], size: int, token: str, tokens: PageTokens, *query: str) -> tuple[list[str], str]:
    """The names of one page in order, and the token of the next ("" on the last)."""
    position = tokens.read(token, *query)
    after = "" if position is None else str(position[0])
    names = sorted(name for name in named if name > after)
    size = page_size(size, maximum=MAX_PAGE)
    page = names[:size]
    return page, tokens.issue((page[-1],), *query) if len(names) > size else ""
