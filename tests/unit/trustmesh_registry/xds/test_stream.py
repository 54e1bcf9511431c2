"""The discovery stream, case by case: each is a conversation, read from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from trustmesh_registry.xds.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTE, TYPES, Resource, Snapshot
from trustmesh_registry.xds.stream import MAX_NAME_LENGTH, MAX_NAMES, ProtocolViolation, Request, Response, Stream

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHORT = {"L": LISTENER, "R": ROUTE, "C": CLUSTER, "E": ENDPOINTS}
NAMED = {url: letter for letter, url in SHORT.items()}


def resource(text: str) -> Resource:
    """ "R:a@2>C:x,C:y" is route a in its second edition, which refers to the clusters x and y."""
    what, _, targets = text.partition(">")
    what, _, edition = what.partition("@")
    letter, _, name = what.partition(":")
    references = frozenset((SHORT[each[0]], each[2:]) for each in targets.split(",") if each)
    return Resource(SHORT[letter], name, AnyMessage(), f"{edition or 1}{sorted(references)}", references)


def snapshot(*texts: str) -> Snapshot:
    resources: dict[str, dict[str, Resource]] = {type_url: {} for type_url in TYPES}
    for each in map(resource, texts):
        resources[each.type_url][each.name] = each
    return Snapshot(resources)


@dataclass(frozen=True)
class Publish:
    resources: tuple[str, ...]


@dataclass(frozen=True)
class Ask:
    """A request for `names` of a type, with the nonce of its last answer."""

    type: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ack:
    """Acceptance of the last answer of a type, repeating the subscription, or with new `names`."""

    type: str
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Nack:
    type: str


@dataclass(frozen=True)
class Stale:
    """A request sent before the node saw the last answer of that type."""

    type: str
    names: tuple[str, ...]


Step = Publish | Ask | Ack | Nack | Stale
Conversation = list[tuple[Step, list[str]]]


class Client:
    """Speaks for the node: remembers subscriptions and nonces as a real one does."""

    def __init__(self) -> None:
        self.stream = Stream()
        self.names: dict[str, tuple[str, ...]] = {}
        self.last: dict[str, Response] = {}

    def take(self, step: Step) -> list[str]:
        match step:
            case Publish(resources):
                responses = self.stream.on_snapshot(snapshot(*resources), NOW)
            case Ask(letter, names) | Ack(letter, (*names,)):
                self.names[letter] = tuple(names)
                responses = self._request(letter)
            case Ack(letter, None):
                responses = self._request(letter)
            case Nack(letter):
                responses = self._request(letter, refusal="bad")
            case Stale(letter, names):
                responses = self.stream.on_request(Request(SHORT[letter], names, "0", "0"), NOW)
        for response in responses:
            self.last[NAMED[response.type_url]] = response
        return [written(response) for response in responses]

    def _request(self, letter: str, refusal: str | None = None) -> list[Response]:
        last = self.last.get(letter)
        version, nonce = (last.version, last.nonce) if last else ("", "")
        return self.stream.on_request(Request(SHORT[letter], self.names[letter], version, nonce, refusal), NOW)


def written(response: Response) -> str:
    return f"{NAMED[response.type_url]} {' '.join(sorted(each.name for each in response.resources))}".strip()


A = ("L:a>R:a", "R:a>C:a", "C:a>E:a", "E:a")
B = ("L:b>R:b", "R:b>C:b", "C:b>E:b", "E:b")

GRPC_START: Conversation = [
    (Publish(A + B), []),
    (Ask("L", ("a",)), ["L a"]),
    (Ack("L"), []),
    (Ask("R", ("a",)), ["R a"]),
    (Ack("R"), []),
    (Ask("C", ("a",)), ["C a"]),
    (Ack("C"), []),
    (Ask("E", ("a",)), ["E a"]),
    (Ack("E"), []),
]

G = ("L:in>R:all", "R:all>C:a", "C:a>E:a", "E:a")
G_AND_B = ("L:in>R:all", "R:all>C:a,C:b", "C:a>E:a", "E:a", "C:b>E:b", "E:b")
G_ONLY_B = ("L:in>R:all", "R:all>C:b", "C:b>E:b", "E:b")

ENVOY_START: Conversation = [
    (Publish(G), []),
    (Ask("C"), ["C a"]),
    (Ack("C"), []),
    (Ask("E", ("a",)), ["E a"]),
    (Ack("E"), []),
    (Ask("L"), ["L in"]),
    (Ack("L"), []),
    (Ask("R", ("all",)), ["R all"]),
    (Ack("R"), []),
]

CASES: dict[str, Conversation] = {
    "a client gets what it names, one type after the other": GRPC_START,
    "an unchanged snapshot is not sent again": [*GRPC_START, (Publish(A + B), [])],
    "a change of what is not subscribed is not sent": [*GRPC_START, (Publish((*A, *B[:3], "E:b@2")), [])],
    "new endpoints go out alone": [*GRPC_START, (Publish((*A[:3], "E:a@2", *B)), ["E a"]), (Ack("E"), [])],
    "nothing is sent before a snapshot exists": [(Ask("L", ("a",)), []), (Publish(A), ["L a"])],
    "a name that does not exist is answered by a full state without it": [(Publish(A), []), (Ask("L", ("x",)), ["L"])],
    "a further name that does not exist is answered by the full state again": [
        (Publish(A), []),
        (Ask("L", ("a",)), ["L a"]),
        (Ack("L", ("a", "x")), ["L a"]),
    ],
    "a name that does not exist is awaited in types that cannot say so": [
        (Publish(A), []),
        (Ask("E", ("x",)), []),
        (Publish((*A, "C:x>E:x", "E:x")), ["E x"]),
    ],
    "a newly subscribed name is answered although the version is unchanged": [
        *GRPC_START,
        (Ask("E", ("a", "b")), ["E a b"]),
        (Ack("E"), []),
    ],
    "a name subscribed anew is answered although it was sent before, and its routes with it": [
        *GRPC_START,
        (Ask("L", ()), []),
        (Ask("L", ("a",)), ["L a", "R a"]),
    ],
    "a subscription to nothing after names is no wildcard": [(Publish(A), []), (Ask("L", ("a",)), ["L a"]), (Ack("L", ()), [])],
    "an explicit star is a wildcard": [(Publish(A + B), []), (Ask("C", ("*",)), ["C a b"])],
    "a wildcard may turn to names": [(Publish(A + B), []), (Ask("C"), ["C a b"]), (Ack("C", ("a",)), []), (Publish(A), [])],
    "names may turn to a wildcard": [(Publish(A + B), []), (Ask("C", ("a",)), ["C a"]), (Ack("C", ("*",)), ["C a b"])],
    "fewer names are no reason to send": [
        (Publish(A + B), []),
        (Ask("E", ("a", "b")), ["E a b"]),
        (Ack("E", ("a",)), []),
    ],
    "a deleted service loses its listener first, its cluster when no route needs it": [
        *GRPC_START,
        (Publish(B), ["L"]),
        (Ack("L"), []),
        (Ask("R", ()), ["C"]),
        (Ack("C"), []),
    ],
    "a deleted assignment is not sent as an empty set": [*GRPC_START, (Publish((*A[:3], *B)), [])],
    "a stale request is ignored, names and all": [*GRPC_START, (Stale("E", ("a", "b")), [])],
    "an answer under way holds back the next of its type": [
        (Publish(A), []),
        (Ask("E", ("a",)), ["E a"]),
        (Publish((*A[:3], "E:a@2")), []),
        (Publish((*A[:3], "E:a@3")), []),
        (Ack("E"), ["E a"]),
        (Ack("E"), []),
    ],
    "what was refused is not sent again until it changes": [
        (Publish(A), []),
        (Ask("C", ("a",)), ["C a"]),
        (Nack("C"), []),
        (Publish((*A, *B)), []),
        (Publish((*A[:2], "C:a@2>E:a", "E:a")), ["C a"]),
        (Ack("C"), []),
    ],
    "a refused change that is taken back is sent again as it was": [
        (Publish(A), []),
        (Ask("C", ("a",)), ["C a"]),
        (Ack("C"), []),
        (Publish((*A[:2], "C:a@2>E:a", "E:a")), ["C a"]),
        (Nack("C"), []),
        (Publish(A), ["C a"]),
        (Ack("C"), []),
    ],
    "a subscription after a refusal is no acceptance": [
        (Publish(A + B), []),
        (Ask("C", ("a",)), ["C a"]),
        (Nack("C"), []),
        (Ask("C", ("a", "b")), ["C a b"]),
    ],
    "an unknown type is ignored": [(Publish(A), [])],
    "a changed cluster is followed by its endpoints": [
        *GRPC_START,
        (Publish((*A[:2], "C:a@2>E:a", "E:a", *B)), ["C a", "E a"]),
    ],
    "a changed listener is followed by its routes": [
        *GRPC_START,
        (Publish(("L:a@2>R:a", *A[1:], *B)), ["L a", "R a"]),
    ],
    "Envoy starts with clusters and gets all": ENVOY_START,
    "Envoy that asks for all types at once gets listeners when clusters and endpoints are accepted": [
        (Publish(G), []),
        (Ask("L"), ["L in"]),
        (Ask("C"), ["C a"]),
        (Ack("L"), []),
        (Ask("R", ("all",)), []),
        (Ask("E", ("a",)), ["E a"]),
        (Ack("E"), []),
        (Ack("C"), ["R all"]),
    ],
    "Envoy gets a route only when its new cluster and endpoints are accepted": [
        *ENVOY_START,
        (Publish(G_AND_B), ["C a b"]),
        (Ack("C"), []),
        (Ask("E", ("a", "b")), ["E a b"]),
        (Ack("E"), ["R all"]),
        (Ack("R"), []),
    ],
    "Envoy keeps a removed cluster until the route without it is accepted": [
        *ENVOY_START,
        (Publish(G_ONLY_B), ["C a b"]),
        (Ack("C"), []),
        (Ask("E", ("a", "b")), ["E b"]),
        (Ack("E"), ["R all"]),
        (Ack("R"), ["C b"]),
        (Ack("C"), []),
    ],
    "Envoy keeps a removed cluster for ever when it refuses the route without it": [
        *ENVOY_START,
        (Publish(G_ONLY_B), ["C a b"]),
        (Ack("C"), []),
        (Ask("E", ("a", "b")), ["E b"]),
        (Ack("E"), ["R all"]),
        (Nack("R"), []),
    ],
    "Envoy that refuses a cluster gets no route to it": [
        *ENVOY_START,
        (Publish(G_AND_B), ["C a b"]),
        (Nack("C"), []),
        (Publish(G), ["C a"]),
        (Ack("C"), []),
    ],
    "a cluster goes once the route that needed it is not subscribed any more": [
        *ENVOY_START,
        (Publish(("C:b>E:b", "E:b")), ["C a b", "L"]),
        (Ack("C"), []),
        (Ack("L"), []),
        (Ask("R", ()), ["C b"]),
    ],
}


@pytest.mark.parametrize("conversation", CASES.values(), ids=CASES.keys())
def test_conversation(conversation: Conversation) -> None:
    client = Client()
    heard = [(step, client.take(step)) for step, _ in conversation]
    assert heard == conversation


def test_answers_leave_in_the_order_in_which_they_refer_to_each_other() -> None:
    client = Client()
    run(client, GRPC_START)
    every = ("L:a@2>R:a", "R:a@2>C:a", "C:a@2>E:a", "E:a@2")
    assert client.take(Publish(every)) == ["C a", "E a", "L a", "R a"]


def test_status_tells_sent_accepted_and_refused() -> None:
    client = Client()
    run(client, GRPC_START)
    clusters = client.stream.subscriptions[CLUSTER]
    first = clusters.accepted_version
    client.take(Publish((*A[:2], "C:a@2>E:a", "E:a")))
    client.take(Nack("C"))
    assert (clusters.accepted_version, clusters.refusal, clusters.refusals) == (first, "bad", 1)
    assert clusters.sent_version != first
    client.take(Publish(A))
    client.take(Ack("C"))
    assert (clusters.accepted_version, clusters.sent_version, clusters.refusal, clusters.refusals) == (first, first, "", 1)


@pytest.mark.parametrize(("refusal", "kept"), [("x" * 10_000, 2000), ("", len("refused without a reason"))])
def test_a_refusal_is_cut_to_a_bound_and_never_empty(refusal: str, kept: int) -> None:
    stream = Stream()
    stream.on_snapshot(snapshot(*A), NOW)
    [response] = stream.on_request(Request(CLUSTER, ("a",)), NOW)
    stream.on_request(Request(CLUSTER, ("a",), "", response.nonce, refusal), NOW)
    assert len(stream.subscriptions[CLUSTER].refusal) == kept


@pytest.mark.parametrize("names", [("n",) * (MAX_NAMES + 1), ("n" * (MAX_NAME_LENGTH + 1),)], ids=["too many", "too long"])
def test_more_than_any_honest_node_would_ask_for_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ProtocolViolation):
        Stream().on_request(Request(LISTENER, names), NOW)


def test_unknown_types_are_ignored() -> None:
    stream = Stream()
    stream.on_snapshot(snapshot(*A), NOW)
    assert stream.on_request(Request("type.googleapis.com/envoy.service.runtime.v3.Runtime"), NOW) == []
    assert not stream.subscriptions


def run(client: Client, steps: Iterable[tuple[Step, list[str]]]) -> None:
    for step, _ in steps:
        client.take(step)
