"""One aggregated discovery stream, state of the world (xDS transport protocol): a state machine without transport or clock.

What it keeps to:
- Listeners and clusters are full state: an answer holds everything that is subscribed and exists, so what is left out is deleted.
- A newly subscribed name is answered even when its version has not changed.
- One answer of each type is under way at a time, so a slow node costs no memory, only sees fewer intermediate states.
- Clusters and endpoints go before listeners and routes. A node that subscribes to all clusters (Envoy) gets listeners and routes
  only once it has accepted the clusters they need, with endpoints. Every node keeps a removed cluster until it has accepted
  listeners and routes that do without (make before break).
- After a refusal nothing is sent of that type until its resources change: the node works on by the last it accepted.
- A changed cluster is followed by its endpoints, a changed listener by its routes, since Envoy warms them anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from trustmesh_registry.xds.snapshot import (
    CLUSTER,
    ENDPOINTS,
    FULL_STATE,
    LISTENER,
    ROUTE,
    TYPES,
    Resource,
    Resources,
    Snapshot,
    version_of,
)

MAX_NAMES = 1000
MAX_NAME_LENGTH = 256
MAX_REFUSAL_LENGTH = 2000


class ProtocolViolation(ValueError):
    """The node asks for more than any honest one would."""


@dataclass(frozen=True, slots=True)
class Request:
    """A DiscoveryRequest. `nonce` is empty on the first of its type; `refusal` is the reason of a NACK, None otherwise."""

    type_url: str
    names: tuple[str, ...] = ()
    version: str = ""
    nonce: str = ""
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A DiscoveryResponse."""

    type_url: str
    version: str
    nonce: str
    resources: tuple[Resource, ...]


@dataclass(slots=True)
class Subscription:
    """What the node asked for of one type, what it was sent, and what it made of it. `names` is None when it wants all."""

    names: frozenset[str] | None
    named: bool
    sent: Resources = field(default_factory=dict)
    accepted: Resources = field(default_factory=dict)
    nonce: str = ""
    sent_version: str = ""
    accepted_version: str = ""
    refusal: str = ""
    refusals: int = 0
    under_way: bool = False
    owed: set[str] = field(default_factory=set)
    sent_time: datetime | None = None
    answer_time: datetime | None = None

    def wants(self, name: str) -> bool:
        return self.names is None or name in self.names

    @property
    def held(self) -> tuple[Resources, ...]:
        """What the node may be working by: what it accepted, and what it may be accepting now."""
        return (self.accepted, self.sent) if self.under_way else (self.accepted,)


class Stream:
    """The state of one stream; feed it requests and snapshots, send what it returns, in order."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self._snapshot: Snapshot | None = None
        self._sent = 0

    def on_request(self, request: Request, now: datetime) -> list[Response]:
        """Take a subscription, an acknowledgement or a refusal. Raises ProtocolViolation."""
        if len(request.names) > MAX_NAMES or any(len(name) > MAX_NAME_LENGTH for name in request.names):
            raise ProtocolViolation(f"at most {MAX_NAMES} resource names of at most {MAX_NAME_LENGTH} characters")
        if request.type_url not in TYPES:
            return []
        subscription = self.subscriptions.get(request.type_url)
        if subscription is None:
            subscription = self.subscriptions[request.type_url] = Subscription(frozenset(), named=False)
        elif request.nonce != subscription.nonce:
            return []  # Stale: it was sent before the node saw the last answer, and the node repeats itself on that.
        _take_answer(subscription, request, now)
        self._subscribe(subscription, request)
        return self._send(now)

    def on_snapshot(self, snapshot: Snapshot, now: datetime) -> list[Response]:
        """Take a new snapshot."""
        self._snapshot = snapshot
        return self._send(now)

    def has_answered(self, snapshot: Snapshot | None) -> bool:
        """Whether the node has accepted or refused all that `snapshot` has for it."""
        return self._snapshot is snapshot and not any(
            each.under_way or (snapshot is not None and self._due(type_url, each, self._target(type_url, each, snapshot)))
            for type_url, each in self.subscriptions.items()
        )

    def _subscribe(self, subscription: Subscription, request: Request) -> None:
        names = frozenset(request.names)
        wildcard = "*" in names or (not names and not subscription.named and request.type_url in FULL_STATE)
        subscription.named = subscription.named or bool(names)
        before = subscription.names
        subscription.names = None if wildcard else names
        if before is not None:
            subscription.owed |= names - before if not wildcard else frozenset("*")
        if not wildcard:
            subscription.owed &= names
            subscription.sent = {name: each for name, each in subscription.sent.items() if name in names}
            subscription.accepted = {name: each for name, each in subscription.accepted.items() if name in names}

    def _send(self, now: datetime) -> list[Response]:
        responses = []
        for type_url in TYPES:
            subscription = self.subscriptions.get(type_url)
            if self._snapshot is None or subscription is None or subscription.under_way:
                continue
            target = self._target(type_url, subscription, self._snapshot)
            if self._due(type_url, subscription, target) and self._ready(type_url, target):
                responses.append(self._respond(type_url, subscription, target, now))
        return responses

    def _target(self, type_url: str, subscription: Subscription, snapshot: Snapshot) -> Resources:
        target = {name: each for name, each in snapshot.of(type_url).items() if subscription.wants(name)}
        if type_url == CLUSTER:
            needed = {name for kind, name in self._references(LISTENER, ROUTE) if kind == CLUSTER}
            target |= {name: each for name, each in subscription.sent.items() if name in needed and name not in target}
        return target

    def _references(self, *type_urls: str) -> Iterable[tuple[str, str]]:
        for type_url in type_urls:
            subscription = self.subscriptions.get(type_url)
            for resources in subscription.held if subscription else ():
                for resource in resources.values():
                    yield from resource.references

    def _due(self, type_url: str, subscription: Subscription, target: Resources) -> bool:
        if type_url in FULL_STATE:
            return bool(subscription.owed) or _digests(target) != _digests(subscription.sent) or not subscription.nonce
        sent = subscription.sent
        return any(
            name in subscription.owed or name not in sent or sent[name].digest != each.digest for name, each in target.items()
        )

    def _ready(self, type_url: str, target: Resources) -> bool:
        """Whether what `target` refers to has been accepted by a node that subscribes to all clusters."""
        clusters, endpoints = self.subscriptions.get(CLUSTER), self.subscriptions.get(ENDPOINTS)
        if type_url not in (LISTENER, ROUTE) or clusters is None or clusters.names is not None:
            return True
        for name in {name for each in target.values() for kind, name in each.references if kind == CLUSTER}:
            accepted = clusters.accepted.get(name)
            if accepted is None:
                return False
            for _, assignment in accepted.references:
                if endpoints is None or assignment not in endpoints.accepted:
                    return False
        return True

    def _respond(self, type_url: str, subscription: Subscription, target: Resources, now: datetime) -> Response:
        changed = {
            name
            for name, each in target.items()
            if name not in subscription.sent or subscription.sent[name].digest != each.digest
        }
        self._sent += 1
        subscription.sent = target
        subscription.sent_version = version_of(target.values())
        subscription.nonce = str(self._sent)
        subscription.sent_time = now
        subscription.under_way = True
        subscription.owed.clear()
        self._owe_dependants(type_url, changed, target)
        return Response(type_url, subscription.sent_version, subscription.nonce, tuple(target.values()))

    def _owe_dependants(self, type_url: str, changed: set[str], target: Resources) -> None:
        dependants = self.subscriptions.get({CLUSTER: ENDPOINTS, LISTENER: ROUTE}.get(type_url, ""))
        if dependants is not None:
            names = {name for each in changed for kind, name in target[each].references if kind in (ENDPOINTS, ROUTE)}
            dependants.owed |= {name for name in names if dependants.wants(name)}


def _take_answer(subscription: Subscription, request: Request, now: datetime) -> None:
    if not request.nonce or not subscription.under_way:
        return
    subscription.under_way = False
    subscription.answer_time = now
    if request.refusal is not None:
        subscription.refusal = request.refusal[:MAX_REFUSAL_LENGTH] or "refused without a reason"
        subscription.refusals += 1
        return
    subscription.accepted = subscription.sent
    subscription.accepted_version = subscription.sent_version
    subscription.refusal = ""


def _digests(resources: Resources) -> Mapping[str, str]:
    return {name: each.digest for name, each in resources.items()}
