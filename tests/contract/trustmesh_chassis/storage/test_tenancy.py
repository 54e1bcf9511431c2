"""No statement of one organisation's unit reaches a row of another's, on any database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Executable, Select, Table, delete, exists, func, insert, literal, select, text, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from trustmesh_chassis.storage import Database
from trustmesh_chassis.storage.tenancy import UnboundStatement


@pytest.fixture(autouse=True)
async def two_libraries(database: Database, library: Any) -> None:
    """Two organisations with a book of the same id, one of their own each, and a loan each."""
    for org in ("north", "south"):
        async with database.unit(org) as unit:
            await unit.execute(
                insert(library.books), [{"id": "atlas", "title": f"Atlas of the {org}"}, {"id": org, "title": org}]
            )
            await unit.execute(insert(library.loans).values(id=f"loan-{org}", book="atlas"))


def reads(books: Table, loans: Table) -> dict[str, Select[Any]]:
    other, shelf = books.alias("other"), select(books).cte("shelf")
    return {
        "plain": select(books.c.org),
        "star": select(books),
        "filtered by the other organisation": select(books.c.org).where(books.c.org == "south"),
        "or true": select(books.c.org).where((books.c.id == "atlas") | literal(True)),
        "alias": select(other.c.org),
        "join": select(loans.c.org, books.c.org).join(books, books.c.id == loans.c.book),
        "outer join": select(books.c.org, loans.c.org).select_from(books.outerjoin(loans, loans.c.book == books.c.id)),
        "self join": select(books.c.org, other.c.org).join(other, other.c.id == books.c.id),
        "cross join": select(books.c.org, other.c.org).select_from(books, other).where(books.c.id != other.c.id),
        "subquery": select(select(books.c.org, books.c.id).subquery().c.org),
        "cte": select(shelf.c.org),
        "union": union_all(select(books.c.org), select(loans.c.org)).subquery().select(),
        "exists": select(loans.c.org).where(exists(select(other.c.id).where(other.c.id == "south"))),
        "scalar subquery": select(select(func.max(books.c.org)).scalar_subquery()),
        "locked": select(books.c.org).with_for_update(),
    }


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "star",
        "filtered by the other organisation",
        "or true",
        "alias",
        "join",
        "outer join",
        "self join",
        "cross join",
        "subquery",
        "cte",
        "union",
        "exists",
        "scalar subquery",
        "locked",
    ],
)
async def test_every_read_is_bound(database: Database, library: Any, name: str) -> None:
    statement = reads(library.books, library.loans)[name]
    async with database.unit("north") as unit:
        rows = (await unit.execute(statement)).all()
    assert {value for row in rows for value in row if value == "south"} == set()
    if name not in ("filtered by the other organisation", "exists"):
        assert any("north" in row for row in rows)


async def test_outer_join_keeps_rows_without_partner(database: Database, library: Any) -> None:
    books, loans = library.books, library.loans
    statement = (
        select(books.c.id, loans.c.id).select_from(books.outerjoin(loans, loans.c.book == books.c.id)).order_by(books.c.id)
    )
    async with database.read("north") as read:
        assert (await read.execute(statement)).all() == [("atlas", "loan-north"), ("north", None)]


async def test_bound_statements_are_cached_for_all_organisations(database: Database, library: Any) -> None:
    for org in ("north", "south", "north", "west"):
        async with database.read(org) as read:
            titles = (await read.execute(select(library.books.c.title).where(library.books.c.id == "atlas"))).scalars().all()
        assert titles == ([] if org == "west" else [f"Atlas of the {org}"])


async def test_update_reaches_own_rows_only(database: Database, library: Any) -> None:
    books = library.books
    async with database.unit("north") as unit:
        assert (await unit.execute(update(books).values(title="mine"))).rowcount == 2
        assert (await unit.execute(update(books).where(books.c.org == "south").values(title="stolen"))).rowcount == 0
    async with database.read("south") as read:
        assert "mine" not in (await read.execute(select(books.c.title))).scalars().all()


async def test_update_reads_own_rows_only(database: Database, library: Any) -> None:
    books, other = library.books, library.books.alias("other")
    joined = select(func.group_concat(other.c.title) if database_is_sqlite(database) else func.string_agg(other.c.title, ","))
    async with database.unit("north") as unit:
        await unit.execute(update(books).values(title=joined.scalar_subquery()))
        titles = (await unit.execute(select(books.c.title))).scalars().all()
    assert all("north" in title and "south" not in title for title in titles)


async def test_delete_reaches_own_rows_only(database: Database, library: Any) -> None:
    async with database.unit("north") as unit:
        await unit.execute(delete(library.loans))
        assert (await unit.execute(delete(library.books))).rowcount == 2
    async with database.read("south") as read:
        assert len((await read.execute(select(library.books))).all()) == 2


async def test_insert_takes_the_units_organisation(database: Database, library: Any) -> None:
    books = library.books
    async with database.unit("north") as unit:
        await unit.execute(insert(books).values(org="south", id="one", title="t"))
        await unit.execute(insert(books), [{"org": "south", "id": "two", "title": "t"}])
        returned = await unit.execute(insert(books).values(id="three", title="t").returning(books.c.org))
        assert returned.scalar_one() == "north"
    async with database.read("south") as read:
        assert sorted((await read.execute(select(books.c.id))).scalars()) == ["atlas", "south"]


async def test_upsert_changes_no_foreign_row(database: Database, library: Any) -> None:
    books = library.books
    dialect: Any = sqlite if database_is_sqlite(database) else postgresql
    statement = dialect.insert(books).values(id="south", title="mine now")
    async with database.unit("north") as unit:
        await unit.execute(statement.on_conflict_do_update(index_elements=["org", "id"], set_={"title": "mine now"}))
    async with database.read("south") as read:
        assert (await read.execute(select(books.c.title).where(books.c.id == "south"))).scalar_one() == "south"


async def test_a_row_cannot_change_hands(database: Database, library: Any) -> None:
    with pytest.raises(DBAPIError):
        async with database.unit("north") as unit:
            await unit.execute(update(library.books).where(library.books.c.id == "north").values(org="south"))


async def test_a_reference_cannot_cross(database: Database, library: Any) -> None:
    with pytest.raises(DBAPIError):
        async with database.unit("north") as unit:
            await unit.execute(insert(library.loans).values(id="x", book="south"))


@pytest.mark.parametrize(
    "statement",
    [
        lambda books: text("SELECT * FROM books"),
        lambda books: text("SELECT org FROM books").columns(books.c.org),
        lambda books: insert(books).values([{"id": "x", "title": "t"}, {"id": "y", "title": "t"}]),
        lambda books: insert(books).from_select(["id", "title"], select(books.c.id, books.c.title)),
    ],
    ids=["text", "text with columns", "rows in values", "insert from select"],
)
async def test_what_cannot_be_bound_is_refused(database: Database, library: Any, statement: Any) -> None:
    unbound: Executable = statement(library.books)
    with pytest.raises(UnboundStatement):
        async with database.unit("north") as unit:
            await unit.execute(unbound)  # type: ignore[arg-type] # the point of the test


@pytest.mark.parametrize("change", [select, lambda books: insert(books).values(id="x", title="t"), delete, update])
async def test_platform_units_touch_no_tenant_table(database: Database, library: Any, change: Any) -> None:
    with pytest.raises(UnboundStatement):
        async with database.platform_unit() as unit:
            await unit.execute(change(library.books))


async def test_a_unit_needs_an_organisation(database: Database) -> None:
    with pytest.raises(ValueError, match="organisation"):
        database.unit("")
    with pytest.raises(ValueError, match="organisation"):
        database.read("")


def database_is_sqlite(database: Database) -> bool:
    return database.dialect == "sqlite"
