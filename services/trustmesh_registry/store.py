"""The ports on a database. The registry's tables belong to the platform, not to organisations."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import JSON, Column, Integer, LargeBinary, MetaData, String, Table, Text, delete, insert, select, update

from trustmesh_chassis.storage import ByteText, Database, UtcTime
from trustmesh_registry.membership import Instance, RegisteredContract, Service
from trustmesh_registry.ports import Value

METADATA = MetaData()

SERVICES = Table(
    "services",
    METADATA,
    Column("name", ByteText(63), primary_key=True),
    Column("digest", ByteText(64), nullable=False),
    Column("descriptors", LargeBinary, nullable=False),
    Column("grpc_services", JSON, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

INSTANCES = Table(
    "instances",
    METADATA,
    Column("service", ByteText(63), primary_key=True),
    Column("id", ByteText(128), primary_key=True),
    Column("address", String(45), nullable=False),
    Column("port", Integer, nullable=False),
    Column("http_port", Integer, nullable=False),
    Column("version", String(64), nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

CONFIGURATIONS = Table(
    "configurations",
    METADATA,
    Column("key", ByteText(200), primary_key=True),
    Column("text", Text, nullable=False),
    Column("writer", String(256), nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

_INSTANCE = ("service", "id", "address", "port", "http_port", "version", "create_time", "update_time")
_VALUE = ("key", "text", "writer", "create_time", "update_time")


class SqlServices:
    """Services in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[Service]:
        async with self._database.platform_read() as read:
            instances: dict[str, dict[str, Instance]] = {}
            for row in await read.execute(select(*(INSTANCES.c[each] for each in _INSTANCE))):
                instance = Instance(*row)
                instances.setdefault(instance.service, {})[instance.id] = instance
            rows = (await read.execute(select(SERVICES).order_by(SERVICES.c.name))).all()
        return [
            Service(
                row.name,
                RegisteredContract(row.digest, row.descriptors, tuple(row.grpc_services)),
                row.create_time,
                row.update_time,
                instances.get(row.name, {}),
            )
            for row in rows
        ]

    async def save(self, service: Service) -> None:
        contract = service.contract
        async with self._database.platform_unit() as unit:
            mine = SERVICES.c.name == service.name
            digest = (await unit.execute(select(SERVICES.c.digest).where(mine))).scalar_one_or_none()
            registered = {
                "digest": contract.digest,
                "descriptors": contract.descriptors,
                "grpc_services": list(contract.grpc_services),
            }
            if digest is None:
                times = {"create_time": service.create_time, "update_time": service.update_time}
                await unit.execute(insert(SERVICES).values(name=service.name, **registered, **times))
            else:
                await unit.execute(update(SERVICES).where(mine).values(update_time=service.update_time, **registered))
            await unit.execute(delete(INSTANCES).where(INSTANCES.c.service == service.name))
            rows = [{each: getattr(instance, each) for each in _INSTANCE} for instance in service.instances.values()]
            if rows:
                await unit.execute(insert(INSTANCES), rows)


class SqlConfigurations:
    """The dynamic configuration in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[Value]:
        async with self._database.platform_read() as read:
            rows = await read.execute(select(*(CONFIGURATIONS.c[each] for each in _VALUE)).order_by(CONFIGURATIONS.c.key))
            return [Value(*row) for row in rows]

    async def save(self, value: Value) -> None:
        async with self._database.platform_unit() as unit:
            await unit.execute(delete(CONFIGURATIONS).where(CONFIGURATIONS.c.key == value.key))
            await unit.execute(insert(CONFIGURATIONS).values({each: getattr(value, each) for each in _VALUE}))

    async def delete(self, keys: Iterable[str]) -> None:
        async with self._database.platform_unit() as unit:
            await unit.execute(delete(CONFIGURATIONS).where(CONFIGURATIONS.c.key.in_(list(keys))))
