"""Units of work: all or nothing, with their events and audit record, and no connection lost on the way."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import Any

import protovalidate
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import func, insert, make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from trustmesh_chassis.errors import Aborted, Unavailable
from trustmesh_chassis.storage import Database, UniqueViolation
from trustmesh_chassis.storage.database import BrokenUnitError
from trustmesh_chassis.storage.outbox import forget_events, forget_records, pending_events, pending_records
from trustmesh_chassis.storage.tables import AUDIT_OUTBOX, OUTBOX


async def count(database: Database, table: Any, org: str = "north") -> int:
    async with database.read(org) as read:
        number: int = (await read.execute(select(func.count()).select_from(table))).scalar_one()
    return number


async def test_a_unit_commits(database: Database, library: Any) -> None:
    async with database.unit("north") as unit:
        await unit.execute(insert(library.books).values(id="a", title="ä \U0001f4d6", bought=unit.now()))
    async with database.read("north") as read:
        row = (await read.execute(select(library.books))).one()
    assert (row.org, row.id, row.title, row.bought) == ("north", "a", "ä \U0001f4d6", library.now)


async def test_a_unit_that_fails_leaves_nothing(opened: Any, library: Any) -> None:
    async with opened(pending_audit=lambda: b"record") as database:
        with pytest.raises(LookupError):
            async with database.unit("north") as unit:
                await unit.execute(insert(library.books).values(id="a", title="a"))
                unit.emit("library.book.bought", "orgs/north/books/a", StringValue(value="a"))
                raise LookupError
        assert await count(database, library.books) == 0
        async with database.platform_read() as read:
            assert (await read.execute(select(OUTBOX))).all() == []
            assert (await read.execute(select(AUDIT_OUTBOX))).all() == []


async def test_events_and_the_audit_record_commit_with_the_changes(opened: Any, library: Any) -> None:
    pending = [b"who did it"]
    async with opened(pending_audit=lambda: pending.pop() if pending else None) as database:
        for value in ("a", "b"):
            async with database.unit("north") as unit:
                unit.emit("library.book.bought", f"orgs/north/books/{value}", StringValue(value=value))
                unit.emit("library.book.read", f"orgs/north/books/{value}", StringValue(value=value))
        events = await pending_events(database, "library")
        assert [(event.type, event.resource) for event in events] == [
            ("library.book.bought", "orgs/north/books/a"),
            ("library.book.read", "orgs/north/books/a"),
            ("library.book.bought", "orgs/north/books/b"),
            ("library.book.read", "orgs/north/books/b"),
        ]
        event, payload = events[0], StringValue()
        assert (event.source, event.org, event.event_time.ToDatetime(UTC)) == ("library", "north", library.now)
        assert event.payload.Unpack(payload) and payload.value == "a"
        assert len({each.id for each in events}) == 4 and all(each.id[14] == "7" for each in events)
        assert list(protovalidate.collect_violations(event)) == []
        records = await pending_records(database)
        assert list(records.values()) == [b"who did it"]

        await forget_events(database, events[:3])
        assert await pending_events(database, "library", limit=1) == events[3:]
        await forget_records(database, records)
        assert await pending_records(database) == {}


async def test_reads_cannot_write(database: Database, library: Any) -> None:
    with pytest.raises((DBAPIError, Unavailable)):
        async with database.read("north") as read:
            await read.execute(insert(library.books).values(id="a", title="a"))
    assert await count(database, library.books) == 0


async def test_a_read_sees_one_moment(database: Database, library: Any) -> None:
    number = select(func.count()).select_from(library.books)
    async with database.read("north") as read:
        assert (await read.execute(number)).scalar_one() == 0
        async with database.unit("north") as unit:
            await unit.execute(insert(library.books).values(id="a", title="a"))
        assert (await read.execute(number)).scalar_one() == 0
    assert await count(database, library.books) == 1


async def test_a_taken_key_is_a_unique_violation(database: Database, library: Any) -> None:
    book = insert(library.books).values(id="a", title="a")
    async with database.unit("north") as unit:
        await unit.execute(book)
    with pytest.raises(UniqueViolation):
        async with database.unit("north") as unit:
            await unit.execute(book)


async def test_a_unit_does_not_survive_a_failed_statement(database: Database, library: Any) -> None:
    """PostgreSQL would answer COMMIT with a silent rollback, SQLite would keep the rest."""
    with pytest.raises(BrokenUnitError):
        async with database.unit("north") as unit:
            await unit.execute(insert(library.books).values(id="a", title="a"))
            with pytest.raises(UniqueViolation):
                await unit.execute(insert(library.books).values(id="a", title="a"))
            with pytest.raises(BrokenUnitError):
                await unit.execute(select(library.books))
    assert await count(database, library.books) == 0


async def test_text_sorts_by_its_bytes(database: Database, library: Any) -> None:
    titles = ["a b", "a-b", "aB", "ab", "B", "ä", "z", "Z", "_"]
    async with database.unit("north") as unit:
        await unit.execute(insert(library.books), [{"id": str(n), "title": title} for n, title in enumerate(titles)])
        ordered = (await unit.execute(select(library.books.c.title).order_by(library.books.c.title))).scalars().all()
    assert ordered == sorted(titles)


async def test_many_writers_at_once(database: Database, library: Any) -> None:
    async def write(number: int) -> None:
        async with database.unit("north") as unit:
            await unit.execute(select(func.count()).select_from(library.books))  # a read before the write is what deadlocks
            await unit.execute(insert(library.books).values(id=str(number), title="t"))

    await asyncio.gather(*(write(number) for number in range(40)))
    assert await count(database, library.books) == 40


async def test_two_instances_write_at_once(opened: Any, library: Any) -> None:
    async def write(database: Database, number: int) -> None:
        async with database.unit("north") as unit:
            await unit.execute(select(func.count()).select_from(library.books))
            await unit.execute(insert(library.books).values(id=str(number), title="t"))

    async with opened() as one, opened() as other:
        assert one.page_tokens.read(other.page_tokens.issue(["a"], "q"), "q") == ("a",)
        await asyncio.gather(*(write(one if number % 2 else other, number) for number in range(20)))
        assert await count(one, library.books) == 20


async def test_cancellation_loses_no_connection(opened: Any, library: Any) -> None:
    """More units are cancelled, at every point of their way, than there are connections."""
    async with opened(pool_size=2) as database:

        async def write(number: int) -> None:
            async with database.unit("north") as unit:
                await unit.execute(insert(library.books).values(id=str(number), title="t"))
                await unit.execute(select(func.count()).select_from(library.books))

        for number in range(40):
            task = asyncio.create_task(write(number))
            for _ in range(number):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(5):
            await asyncio.gather(*(count(database, library.books) for _ in range(10)))
            await write(1000)
        assert database.connections_in_use == 0


async def test_cancellation_in_a_running_statement(library: Any, postgres_url: str) -> None:
    database = await library.open(postgres_url, pool_size=1)

    async def sleep() -> None:
        async with database.unit("north") as unit:
            await unit.execute(select(func.pg_sleep(30)))

    for _ in range(3):
        task = asyncio.create_task(sleep())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(5):
        await database.ping()
    assert database.connections_in_use == 0
    await database.close()


async def test_connections_that_the_server_dropped_are_replaced(library: Any, postgres_url: str) -> None:
    database = await library.open(postgres_url, pool_size=1)
    async with database.unit("north") as unit:
        await unit.execute(insert(library.books).values(id="a", title="a"))
        pid = (await unit.execute(select(func.pg_backend_pid()))).scalar_one()
    await terminate(postgres_url, pid)
    assert await count(database, library.books) == 1
    with pytest.raises(Unavailable):
        async with database.unit("north") as unit:
            pid = (await unit.execute(select(func.pg_backend_pid()))).scalar_one()
            await terminate(postgres_url, pid)
            await unit.execute(insert(library.books).values(id="b", title="b"))
    assert await count(database, library.books) == 1
    await database.close()


async def terminate(url: str, pid: int) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    async with engine.connect() as superuser:
        await superuser.execute(select(func.pg_terminate_backend(pid)))


async def test_a_deadlock_ends_in_aborted(library: Any, postgres_url: str) -> None:
    database: Database = await library.open(postgres_url)
    async with database.unit("north") as unit:
        await unit.execute(insert(library.books), [{"id": "a", "title": "a"}, {"id": "b", "title": "b"}])
    first_locked, second_locked = asyncio.Event(), asyncio.Event()

    async def lock(mine: str, theirs: str, done: asyncio.Event, others: asyncio.Event) -> None:
        books = library.books
        async with database.unit("north") as unit:
            await unit.execute(select(books).where(books.c.id == mine).with_for_update())
            done.set()
            await others.wait()
            await unit.execute(select(books).where(books.c.id == theirs).with_for_update())

    outcomes = await asyncio.gather(
        lock("a", "b", first_locked, second_locked), lock("b", "a", second_locked, first_locked), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Aborted]
    await database.close()


async def test_errors_of_the_unit_itself_pass_unchanged(database: Database) -> None:
    with pytest.raises(ConnectionResetError):
        async with database.unit("north"):
            raise ConnectionResetError
    with pytest.raises(DBAPIError):
        async with database.platform_read() as read:
            await read.execute(select(text("nothing FROM nowhere")))


async def test_ping(database: Database) -> None:
    await database.ping()
