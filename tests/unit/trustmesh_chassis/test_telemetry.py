"""Metrics in the Prometheus text format; logs as JSON without secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trustmesh_chassis.audit.record import composer, uuid7
from trustmesh_chassis.call import current
from trustmesh_chassis.telemetry.logs import configure_logs, redact_text
from trustmesh_chassis.telemetry.metrics import Metrics

Make = Callable[..., Any]


def test_the_exposition_counts_cumulatively() -> None:
    metrics = Metrics("shop")
    method = metrics.method("S.M")
    method.in_flight = 1
    method.observe("OK", 0.0005)
    method.observe("INTERNAL", 99.0)
    metrics.gauge("shop_pets", "Pets in the shop.", lambda: 3.0)
    text = metrics.exposition()
    assert 'trustmesh_calls_total{service="shop",method="S.M",outcome="INTERNAL"} 1' in text
    assert 'trustmesh_call_duration_seconds_bucket{service="shop",method="S.M",le="0.0005"} 1' in text
    assert 'trustmesh_call_duration_seconds_bucket{service="shop",method="S.M",le="+Inf"} 2' in text
    assert 'trustmesh_call_duration_seconds_count{service="shop",method="S.M"} 2' in text
    assert 'trustmesh_calls_in_flight{service="shop",method="S.M"} 1' in text
    assert 'shop_pets{service="shop"} 3.0' in text


@pytest.fixture
def logged() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs("shop", "info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], level = before
    root.setLevel(level)


def test_a_line_carries_the_calls_ids_and_extras(logged: Make, call: Make) -> None:
    token = current.set(call())
    logging.getLogger("shop").info("sold %s", "a dog", extra={"count": 2, "note": "x"})
    current.reset(token)
    logging.getLogger("shop").debug("too quiet")
    (line,) = logged()
    assert (line["message"], line["level"], line["service"], line["count"]) == ("sold a dog", "info", "shop", 2)
    assert (line["request_id"], line["method"]) == ("request-1", "trustmesh.shop.v1.PetService.GetPet")


def test_secrets_do_not_reach_the_log(logged: Make) -> None:
    try:
        raise RuntimeError("Bearer canary-canary")
    except RuntimeError:
        logging.getLogger("shop").exception("with eyJhbGciOiJFUzI1NiJ9.canary.canary", extra={"client_secret": "canary"})
    (line,) = logged()
    assert "canary" not in json.dumps(line)
    assert "RuntimeError" in line["exception"]


def test_private_keys_are_cut_out_of_text() -> None:
    assert redact_text("a -----BEGIN PRIVATE KEY-----\nMIIcanary\n-----END PRIVATE KEY----- b") == "a [redacted] b"


def test_a_record_of_a_service_call_has_no_subject(call: Make, clock: Make) -> None:
    record = json.loads(composer("shop", clock, lambda message: {})(call(principal=None), None, "NOT_FOUND", "PET_GONE"))
    assert (record["subject"], record["client_id"], record["reason"]) == (None, None, "PET_GONE")
    assert record["time"] == "2026-01-02T12:00:00.000+00:00"


def test_ids_sort_by_time() -> None:
    ids = [uuid7() for _ in range(3)]
    assert len({*ids}) == 3
    assert {each[14] for each in ids} == {"7"}
    assert {each[19] for each in ids} <= set("89ab")
