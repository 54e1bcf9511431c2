"""The registry, built and wired."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trustmesh.options.v1 import policy_pb2
from trustmesh_chassis.service import Application, ForeignService, Runtime, ServiceDefinition
from trustmesh_chassis.storage import Database
from trustmesh_chassis.tokens import parse_jwks
from trustmesh_chassis.transport.binding import closure
from trustmesh_registry import store
from trustmesh_registry.compilation import ClientCompilation, GatewayCompilation, edge_of
from trustmesh_registry.config_servicer import CONFIG, ConfigServicer
from trustmesh_registry.configurations import Configurations
from trustmesh_registry.contracts import judge_contract
from trustmesh_registry.gateway_servicer import GATEWAY, GatewayServicer
from trustmesh_registry.membership import Instance, LeaseTerms
from trustmesh_registry.mesh import View, reflection_of, view_of
from trustmesh_registry.operations import Directory
from trustmesh_registry.ports import Clock
from trustmesh_registry.reflection.protocol import DESCRIPTORS as REFLECTION
from trustmesh_registry.reflection.protocol import POLICY as REFLECTION_POLICY
from trustmesh_registry.reflection.servicer import ReflectionServicer
from trustmesh_registry.rollout import Rollout
from trustmesh_registry.servicer import MESH, REGISTRY, MeshServicer, RegistryServicer
from trustmesh_registry.settings import RegistrySettings
from trustmesh_registry.watching import Closing
from trustmesh_registry.xds.ads import DESCRIPTOR as ADS
from trustmesh_registry.xds.ads import AggregatedDiscovery
from trustmesh_registry.xds.clients import ClientTerms
from trustmesh_registry.xds.nodes import Kind, Nodes
from trustmesh_registry.xds.publisher import Publisher

NAME = "registry"
JWKS_KEY = "authz/jwks"

OWN = (REGISTRY, MESH, CONFIG, GATEWAY)

DISCOVERY_POLICY = policy_pb2.MethodPolicy(
    mesh=policy_pb2.Mesh(callers=["*"]),
    rate_class=policy_pb2.RATE_CLASS_READ,
    audit=policy_pb2.AUDIT_CLASS_DENIALS,
    reasons=["UNIMPLEMENTED"],
)


@dataclass(frozen=True)
class Registry:
    """The registry's parts, loaded and published, and the application that serves them."""

    directory: Directory
    configurations: Configurations
    publisher: Publisher[View]
    nodes: Nodes
    application: Application


async def build(settings: RegistrySettings, runtime: Runtime) -> Application:
    """Build the registry on its database."""
    database = await runtime.open_database(store.METADATA, migrations="trustmesh_registry:migrations")
    return (await assemble(settings, database, runtime.clock)).application


async def assemble(settings: RegistrySettings, database: Database, clock: Clock) -> Registry:
    """Build the registry on an open database. It begins with what lasted there; before anyone has registered it serves itself."""
    directory = Directory(store.SqlServices(database), clock, _terms(settings))
    configurations = Configurations(store.SqlConfigurations(database), clock, {JWKS_KEY: parse_jwks})
    products = {service: tuple(names) for service, names in settings.products.items()}
    await directory.load()
    await configurations.load()
    await _register_itself(settings, clock(), directory, products)

    edge = edge_of(settings)

    def view() -> View:
        jwks = configurations.get(JWKS_KEY)
        return view_of(directory, jwks.text if jwks else "")

    publisher = Publisher(
        view,
        {
            Kind.GRPC: ClientCompilation(ClientTerms(settings.trust_domain, settings.max_requests)),
            Kind.ENVOY: GatewayCompilation(edge),
        },
    )
    publisher.publish()
    nodes, closing, tokens = Nodes(), Closing(), database.page_tokens
    rollout = Rollout(publisher, nodes)

    async def publish_changes() -> None:
        with directory.watched() as services, configurations.watched() as values:
            publisher.publish()
            await publisher.run(services, values)

    application = Application(
        servicers=[
            (REGISTRY, RegistryServicer(directory, products, tokens, clock, closing, rollout)),
            (MESH, MeshServicer(nodes, publisher, tokens)),
            (CONFIG, ConfigServicer(configurations, tokens, closing, rollout)),
            (GATEWAY, GatewayServicer(lambda: view().mesh, lambda: replace(edge, jwks=view().jwks), tokens)),
        ],
        foreign=[
            ForeignService(
                ADS,
                AggregatedDiscovery(publisher, nodes, clock, closing),
                {method.name: DISCOVERY_POLICY for method in ADS.methods},
            ),
            *(
                ForeignService(
                    service,
                    ReflectionServicer(service, lambda: reflection_of(directory)),
                    {method.name: REFLECTION_POLICY for method in service.methods},
                )
                for service in REFLECTION
            ),
        ],
        background=[closing.run, publish_changes, directory.run_sweeps],
        checks={"database": database.ping},
        close=database.close,
    )
    return Registry(directory, configurations, publisher, nodes, application)


def _terms(settings: RegistrySettings) -> LeaseTerms:
    return LeaseTerms(
        timedelta(seconds=settings.lease), timedelta(seconds=settings.heartbeat), timedelta(seconds=settings.forget_after)
    )


async def _register_itself(
    settings: RegistrySettings, now: datetime, directory: Directory, products: dict[str, tuple[str, ...]]
) -> None:
    """Enter this process, so that it is found before it could register by a call to itself, as it does from then on."""
    files = closure([descriptor.file for descriptor in OWN]).SerializeToString()
    contract = judge_contract(NAME, files, [descriptor.full_name for descriptor in OWN], products)
    await directory.register(
        Instance(NAME, "start", settings.advertised_address, settings.public_port, 0, "", now, now), contract
    )


SERVICE = ServiceDefinition(name=NAME, settings=RegistrySettings, build=build)
