"""The discovery stream against a model of a node, in any order of snapshots, acceptances and refusals that chance makes up."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from google.protobuf.any_pb2 import Any as AnyMessage
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from trustmesh_registry.xds.snapshot import CLUSTER, ENDPOINTS, FULL_STATE, LISTENER, ROUTE, TYPES, Resource, Snapshot
from trustmesh_registry.xds.stream import Request, Response, Stream

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLUSTERS = st.frozensets(st.sampled_from("abcd"), min_size=1)


def resource(type_url: str, name: str, edition: int, *references: tuple[str, str]) -> Resource:
    return Resource(type_url, name, AnyMessage(), f"{edition}{sorted(references)}", frozenset(references))


def snapshot(clusters: frozenset[str], edition: int) -> Snapshot:
    """One listener, one route to every cluster, each cluster with endpoints; not all of them change with each edition."""
    every = [
        resource(LISTENER, "in", edition // 4, (ROUTE, "all")),
        resource(ROUTE, "all", edition, *((CLUSTER, each) for each in clusters)),
        *(resource(CLUSTER, each, edition // 2, (ENDPOINTS, each)) for each in clusters),
        *(resource(ENDPOINTS, each, edition) for each in clusters),
    ]
    return Snapshot({type_url: {each.name: each for each in every if each.type_url == type_url} for type_url in TYPES})


class EnvoyModel(RuleBasedStateMachine):
    """Envoy: all clusters and listeners, endpoints and routes by the names that those refer to; answers in order of receipt."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = Stream()
        self.inbox: deque[Response] = deque()
        self.held: dict[str, dict[str, Resource]] = {type_url: {} for type_url in TYPES}
        self.versions = dict.fromkeys(TYPES, "")
        self.nonces = dict.fromkeys(TYPES, "")
        self.subscribed: dict[str, tuple[str, ...]] = {}
        self.edition = 0
        self.latest = snapshot(frozenset("a"), 0)

    @initialize()
    def connect(self) -> None:
        self.inbox.extend(self.stream.on_snapshot(self.latest, NOW))
        for type_url in (CLUSTER, LISTENER):
            self._send(type_url)

    @rule(clusters=CLUSTERS)
    def publish(self, clusters: frozenset[str]) -> None:
        self.edition += 1
        self.latest = snapshot(clusters, self.edition)
        self.inbox.extend(self.stream.on_snapshot(self.latest, NOW))

    @rule()
    def accept(self) -> None:
        if not self.inbox:
            return
        response = self.inbox.popleft()
        self._check(response)
        received = {each.name: each for each in response.resources}
        kept = {} if response.type_url in FULL_STATE else self.held[response.type_url]
        self.held[response.type_url] = kept | received
        self.versions[response.type_url], self.nonces[response.type_url] = response.version, response.nonce
        dependants = {CLUSTER: ENDPOINTS, LISTENER: ROUTE}.get(response.type_url)
        if dependants:
            wanted = {name for each in received.values() for kind, name in each.references if kind == dependants}
            self.held[dependants] = {name: each for name, each in self.held[dependants].items() if name in wanted}
        self._send(response.type_url)
        if dependants and self._names(dependants) != self.subscribed.get(dependants, ()):
            self._send(dependants)

    @rule()
    def refuse(self) -> None:
        if self.inbox:
            response = self.inbox.popleft()
            self.nonces[response.type_url] = response.nonce
            self._send(response.type_url, refusal="no")

    @invariant()
    def one_answer_of_a_type_is_under_way(self) -> None:
        types = [each.type_url for each in self.inbox]
        assert len(types) == len(set(types))

    @invariant()
    def every_route_in_use_has_its_clusters_with_endpoints(self) -> None:
        for route in self.held[ROUTE].values():
            for _, cluster in route.references:
                assert cluster in self.held[CLUSTER]
                assert cluster in self.held[ENDPOINTS]

    def teardown(self) -> None:
        """Once everything has changed and nothing is refused, the node comes to hold exactly what was published last."""
        self.edition += 4
        self.publish(frozenset("d"))
        for _ in range(50):
            if self.inbox:
                self.accept()
        assert not self.inbox
        assert self.held == self.latest.resources

    def _check(self, response: Response) -> None:
        if response.type_url in FULL_STATE:
            assert response.resources, "a full state was emptied"

    def _names(self, type_url: str) -> tuple[str, ...]:
        referring = {ENDPOINTS: CLUSTER, ROUTE: LISTENER}.get(type_url)
        if referring is None:
            return ()
        return tuple(sorted({name for each in self.held[referring].values() for _, name in each.references}))

    def _send(self, type_url: str, refusal: str | None = None) -> None:
        self.subscribed[type_url] = self._names(type_url)
        request = Request(type_url, self.subscribed[type_url], self.versions[type_url], self.nonces[type_url], refusal)
        self.inbox.extend(self.stream.on_request(request, NOW))


TestEnvoy = EnvoyModel.TestCase
TestEnvoy.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)
