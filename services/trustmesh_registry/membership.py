"""The domain: services, their instances and leases, and which instances get traffic. Pure: times are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Instance:
    """One process that serves `service`; `http_port` is 0 without HTTP mounts."""

    service: str
    id: str
    address: str
    port: int
    http_port: int
    version: str
    create_time: datetime
    update_time: datetime

    @property
    def name(self) -> str:
        return f"services/{self.service}/instances/{self.id}"


@dataclass(frozen=True, slots=True)
class RegisteredContract:
    """What a service registered last: a serialised FileDescriptorSet, its SHA-256, and which gRPC services of it are answered."""

    digest: str
    descriptors: bytes
    grpc_services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A service with its instances by id. It outlives its last instance, so that its name still means something."""

    name: str
    contract: RegisteredContract
    create_time: datetime
    update_time: datetime
    instances: Mapping[str, Instance] = field(default_factory=dict)


Leases = Mapping[tuple[str, str], datetime]
"""When the lease of (service, instance id) runs out."""


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How long a lease lasts, how often it is renewed, and when an instance that is long lapsed is forgotten."""

    duration: timedelta = timedelta(seconds=15)
    heartbeat: timedelta = timedelta(seconds=5)
    forget_after: timedelta = timedelta(minutes=10)


def live(instance: Instance, leases: Leases, now: datetime) -> bool:
    """Whether the instance's lease has not run out."""
    expires = leases.get((instance.service, instance.id))
    return expires is not None and now < expires


def serving(service: Service, leases: Leases, now: datetime) -> tuple[Instance, ...]:
    """The instances that get traffic, ordered by id.

    They are those with a live lease; when none has one, all of them: a registry that hears from nobody is more likely cut off
    itself than every instance dead, and an address that may answer beats none.
    """
    instances = sorted(service.instances.values(), key=lambda each: each.id)
    alive = tuple(each for each in instances if live(each, leases, now))
    return alive or tuple(instances)


def forgettable(service: Service, leases: Leases, now: datetime, terms: LeaseTerms) -> tuple[Instance, ...]:
    """The instances that will not come back, as long as another one is live: their lease ran out long ago, or it ran out and a
    live one listens where they did.
    """
    alive = [each for each in service.instances.values() if live(each, leases, now)]
    taken = {(each.address, each.port) for each in alive}

    def is_gone(instance: Instance) -> bool:
        expired = leases.get((instance.service, instance.id), instance.update_time)
        return expired <= now and ((instance.address, instance.port) in taken or expired + terms.forget_after <= now)

    return tuple(each for each in service.instances.values() if is_gone(each)) if alive else ()


def next_lapse(leases: Leases, now: datetime) -> datetime | None:
    """When the next lease runs out, None when none is live."""
    return min((each for each in leases.values() if each > now), default=None)


def with_instance(service: Service | None, instance: Instance, contract: RegisteredContract, now: datetime) -> Service:
    """The service after `instance` registered with `contract`: the contract registered last is the one that counts."""
    if service is None:
        return Service(instance.service, contract, now, now, {instance.id: instance})
    return Service(service.name, contract, service.create_time, now, {**service.instances, instance.id: instance})


def without_instances(service: Service, ids: Iterable[str], now: datetime) -> Service:
    """The service after the instances of `ids` left."""
    gone = frozenset(ids)
    kept = {key: each for key, each in service.instances.items() if key not in gone}
    return Service(service.name, service.contract, service.create_time, now, kept)
