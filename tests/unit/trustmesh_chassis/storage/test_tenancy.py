from __future__ import annotations

import pytest
from sqlalchemy import Column, Dialect, ForeignKeyConstraint, Index, MetaData, String, UniqueConstraint, column, func, select
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from trustmesh_chassis.storage import tenant_table
from trustmesh_chassis.storage.tenancy import UnboundStatement, tenant_compiler


def identity() -> Column[str]:
    return Column("id", String, primary_key=True)


def test_org_leads_the_primary_key() -> None:
    table = tenant_table("things", MetaData(), identity())
    assert [each.name for each in table.primary_key.columns] == ["org", "id"]


def test_a_unique_constraint_needs_org() -> None:
    tenant_table("things", MetaData(), identity(), Column("email", String), UniqueConstraint("org", "email"))
    with pytest.raises(UnboundStatement, match="every unique constraint needs org"):
        tenant_table("things", MetaData(), identity(), Column("email", String), UniqueConstraint("email"))


def test_a_unique_index_needs_org() -> None:
    tenant_table("things", MetaData(), identity(), Column("email", String), Index("plain", "email"))
    tenant_table("things", MetaData(), identity(), Column("email", String), Index("by_email", "org", "email", unique=True))
    with pytest.raises(UnboundStatement, match="unique index by_email needs org"):
        tenant_table("things", MetaData(), identity(), Column("email", String), Index("by_email", "email", unique=True))


def test_a_foreign_key_needs_org() -> None:
    metadata = MetaData()
    tenant_table("things", metadata, identity())
    with pytest.raises(UnboundStatement, match="every foreign key needs org"):
        tenant_table("parts", metadata, identity(), ForeignKeyConstraint(["id"], ["things.id"]))


def test_a_table_that_is_read_becomes_its_rows_of_one_organisation() -> None:
    table = tenant_table("things", MetaData(), identity())
    other = table.alias("other")
    statement = select(table.c.id).join(other, other.c.id == table.c.id).where(func.length(column("x")) > 0)
    dialect: Dialect = SQLiteDialect()
    dialect.statement_compiler = tenant_compiler(dialect.statement_compiler)
    assert " ".join(str(statement.compile(dialect=dialect)).split()) == (
        "SELECT things.id FROM (SELECT * FROM things WHERE things.org = ?) AS things "
        "JOIN (SELECT * FROM things WHERE things.org = ?) AS other ON other.id = things.id WHERE length(x) > ?"
    )
