from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from trustmesh_chassis.storage import UtcTime, uuid7

MOMENT = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("dialect", [SQLiteDialect(), PGDialect()])  # type: ignore[no-untyped-call] # SQLAlchemy's are untyped
@pytest.mark.parametrize("value", [MOMENT, MOMENT.astimezone(timezone(timedelta(hours=-7))), None])
def test_a_time_comes_back_in_utc(dialect: Any, value: datetime | None) -> None:
    stored = UtcTime().process_bind_param(value, dialect)
    back = UtcTime().process_result_value(stored, dialect)
    assert back == value and (back is None or back.tzinfo is UTC)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcTime().process_bind_param(MOMENT.replace(tzinfo=None), SQLiteDialect())


def test_uuid7_of_the_standard() -> None:
    """RFC 9562, appendix A.6."""
    moment = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    random = bytes.fromhex("0cc3" + "18c4dc0c0c07398f")
    assert str(uuid7(moment, random)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_uuid7_sorts_by_time() -> None:
    ids = [str(uuid7(MOMENT + timedelta(milliseconds=n), bytes([255 - n]) * 10)) for n in range(50)]
    assert ids == sorted(ids)
