"""The use cases of the registry: register, heartbeat, deregister, discover, and letting leases run out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from trustmesh_chassis.errors import NotFound, PermissionDenied
from trustmesh_registry.changes import Changes, Watcher
from trustmesh_registry.errors import TooManyInstances
from trustmesh_registry.membership import (
    Instance,
    LeaseTerms,
    RegisteredContract,
    Service,
    forgettable,
    live,
    next_lapse,
    serving,
    with_instance,
    without_instances,
)
from trustmesh_registry.ports import Clock, ServiceRepository

MAX_INSTANCES = 256


class Directory:
    """Who runs where. What it tells has been written before; leases are kept in memory alone."""

    def __init__(self, repository: ServiceRepository, clock: Clock, terms: LeaseTerms) -> None:
        self._repository = repository
        self._clock = clock
        self.terms = terms
        self._services: dict[str, Service] = {}
        self._leases: dict[tuple[str, str], datetime] = {}
        self._serving: dict[str, tuple[Instance, ...]] = {}
        self._writing = asyncio.Lock()
        self._changes = Changes()
        self._leases_changed = asyncio.Event()

    async def load(self) -> None:
        """Take up the state that lasted; every instance in it gets a fresh lease, since nobody could renew one meanwhile."""
        for service in await self._repository.load():
            self._services[service.name] = service
        self._grant_grace()
        for service in self._services.values():
            self._serving[service.name] = serving(service, self._leases, self._clock())

    @property
    def services(self) -> Mapping[str, Service]:
        """Every service by name."""
        return self._services

    def serving(self, service: str) -> tuple[Instance, ...]:
        """The instances of `service` that get traffic."""
        return self._serving.get(service, ())

    def lease(self, instance: Instance) -> datetime:
        """When the instance's lease runs out, or ran out."""
        return self._leases[instance.service, instance.id]

    def live(self, instance: Instance) -> bool:
        return live(instance, self._leases, self._clock())

    def find(self, service: str) -> Service:
        """The service of that name. Raises NotFound."""
        if service not in self._services:
            raise NotFound(f"no service {service} has registered", metadata={"resource": f"services/{service}"})
        return self._services[service]

    @contextmanager
    def watched(self) -> Iterator[Watcher]:
        """A watcher that is told the name of every service that changes in contract, instances or who gets traffic."""
        with self._changes.watched() as watcher:
            yield watcher

    async def register(self, instance: Instance, contract: RegisteredContract) -> Instance:
        """Register or renew an instance; its first create_time stays. Raises TooManyInstances."""
        async with self._writing:
            now = self._clock()
            service = self._services.get(instance.service)
            known = service.instances.get(instance.id) if service else None
            if known is not None:
                instance = replace(instance, create_time=known.create_time)
            elif service is not None and len(service.instances) >= MAX_INSTANCES:
                raise TooManyInstances(
                    f"service {instance.service} has {MAX_INSTANCES} instances; deregister those that are gone"
                )
            after = with_instance(service, instance, contract, now)
            await self._repository.save(after)
            self._leases[instance.service, instance.id] = now + self.terms.duration
            self._adopt(after, now)
            return instance

    async def deregister(self, service: str, instance: str) -> None:
        """Take an instance out of traffic at once, be it the last one; one that is not there is no error."""
        async with self._writing:
            known = self._services.get(service)
            if known is not None and instance in known.instances:
                await self._drop(known, (instance,))

    def heartbeat(self, service: str, instance: str) -> datetime:
        """Extend a lease; when it now runs out. Raises NotFound for an instance that is not registered."""
        known = self._services.get(service)
        if known is None or instance not in known.instances:
            name = f"services/{service}/instances/{instance}"
            raise NotFound(f"{name} is not registered; register again", metadata={"resource": name})
        now = self._clock()
        self._leases[service, instance] = now + self.terms.duration
        if known.instances[instance] not in self._serving[service]:
            self._adopt(known, now)
        return self._leases[service, instance]

    async def sweep(self) -> None:
        """Act on the leases that have run out: out of traffic while another instance is live, forgotten after a long time."""
        now = self._clock()
        for service in list(self._services.values()):
            if serving(service, self._leases, now) != self._serving[service.name]:
                self._adopt(service, now)
        async with self._writing:
            for service in list(self._services.values()):
                gone = forgettable(service, self._leases, now, self.terms)
                if gone:
                    await self._drop(service, tuple(each.id for each in gone))

    async def run_sweeps(self) -> None:
        """Sweep whenever a lease runs out, for as long as the registry runs.

        After a time in which the registry itself could not run (stopped, starved, its clock put forward) nobody is blamed for a
        lease that could not be renewed: all get a fresh one.
        """
        while True:
            now = self._clock()
            due = next_lapse(self._leases, now)
            pause = self.terms.heartbeat if due is None else min(due - now, self.terms.heartbeat)
            await asyncio.sleep(max(pause.total_seconds(), 0.001))
            if self._clock() - now - pause > self.terms.heartbeat:
                self._grant_grace()
            await self.sweep()

    def _grant_grace(self) -> None:
        expires = self._clock() + self.terms.duration
        self._leases = {(service.name, each): expires for service in self._services.values() for each in service.instances}

    async def _drop(self, service: Service, ids: tuple[str, ...]) -> None:
        now = self._clock()
        after = without_instances(service, ids, now)
        await self._repository.save(after)
        for each in ids:
            self._leases.pop((service.name, each), None)
        self._adopt(after, now)

    def _adopt(self, service: Service, now: datetime) -> None:
        self._services[service.name] = service
        self._serving[service.name] = serving(service, self._leases, now)
        self._changes.tell(service.name)


def require_own(peer: str | None, service: str) -> None:
    """Raise PermissionDenied unless the calling service is `service`."""
    if peer != service:
        raise PermissionDenied(f"service {peer} may not speak for {service}", metadata={"service": str(peer)})
