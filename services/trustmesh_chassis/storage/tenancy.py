"""Binding statements to one organisation.

A tenant table carries its organisation as `org`, first in its primary key. Wherever a statement reads one, in a FROM, a join, a
subquery or a CTE, the compiler writes the table's rows of the running unit's organisation instead of the table; `bound` does the
same to what a statement changes. So no repository can forget the filter, and PostgreSQL's row-level security stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    CompoundSelect,
    Delete,
    FromClause,
    Insert,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    UniqueConstraint,
    Update,
    bindparam,
)
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import SchemaItem

from trustmesh_chassis.storage.types import ByteText

Statement = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | Insert | Update | Delete

ORG_LENGTH = 63
SETTING = "trustmesh.org"  # PostgreSQL's per-transaction setting that the policies read

_TENANT = "trustmesh.tenant"
_org: ContextVar[str | None] = ContextVar("trustmesh_storage_org", default=None)


class UnboundStatement(TypeError):
    """A statement touches a tenant table in a way, or in a unit, that is bound to no organisation."""


def tenant_table(name: str, metadata: MetaData, *items: SchemaItem) -> Table:
    """A table whose rows belong to organisations: `org` is put before `items`, first in the primary key.

    Raises UnboundStatement when a unique or foreign key could reach across organisations because it leaves `org` out.
    """
    table = Table(name, metadata, Column("org", ByteText(ORG_LENGTH), primary_key=True), *items, info={_TENANT: True})
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint) and "org" not in constraint.columns:
            raise UnboundStatement(f"{name}: every unique constraint needs org")
    for index in table.indexes:
        if index.unique and "org" not in index.columns:
            raise UnboundStatement(f"{name}: unique index {index.name} needs org")
    for reference in table.foreign_key_constraints:
        if "org" not in reference.column_keys:
            raise UnboundStatement(f"{name}: every foreign key needs org")
    return table


def is_tenant(table: FromClause | None) -> bool:
    return isinstance(table, Table) and _TENANT in table.info


@contextmanager
def bound_to(org: str | None) -> Iterator[None]:
    """Statements executed inside belong to `org`; to none when it is None."""
    token = _org.set(org)
    try:
        yield
    finally:
        _org.reset(token)


def bound(
    statement: Statement, rows: Sequence[Mapping[str, Any]] | None, org: str | None
) -> tuple[Statement, Sequence[Mapping[str, Any]] | None]:
    """The statement and its rows with the changes it makes bound to `org`.

    Raises UnboundStatement for textual SQL, for INSERT forms whose rows cannot be bound, and for a tenant table without `org`.
    """
    match statement:
        case Insert():
            return _bound_insert(statement, rows, org)
        case Update() | Delete():
            if is_tenant(statement.table):
                statement = statement.where(statement.table.c.org == _ORG)
            return statement, rows
        case Select() | CompoundSelect():
            return statement, rows
        case _:
            raise UnboundStatement("only select, insert, update and delete constructs can be bound to an organisation")


def _bound_insert(
    statement: Insert, rows: Sequence[Mapping[str, Any]] | None, org: str | None
) -> tuple[Statement, Sequence[Mapping[str, Any]] | None]:
    if not is_tenant(statement.table):
        return statement, rows
    if org is None:
        raise UnboundStatement(f"{statement.table.name} belongs to organisations; write it in unit(org)")
    if statement.select is not None or statement._multi_values:
        raise UnboundStatement("insert rows of a tenant table through execute's second argument")
    if rows is not None:
        return statement, [{**row, "org": org} for row in rows]
    return statement.values(org=org), None


def _running_org() -> str:
    org = _org.get()
    if org is None:
        raise UnboundStatement("the statement touches a tenant table; run it in unit(org) or read(org)")
    return org


_ORG = bindparam("trustmesh_org", type_=String(), callable_=_running_org)

if TYPE_CHECKING:
    _Compiler = SQLCompiler
else:
    _Compiler = object


class _TenantCompiler(_Compiler):
    """Renders a tenant table that is read as `(SELECT * FROM t WHERE t.org = :org) AS t`; both databases flatten it."""

    def visit_table(self, table: Any, asfrom: Any = False, *args: Any, **kwargs: Any) -> str:
        rendered: str = super().visit_table(table, asfrom, *args, **kwargs)  # type: ignore[no-untyped-call] # SQLAlchemy's is untyped
        if not asfrom or kwargs.get("iscrud") or not is_tenant(table):
            return rendered
        rows = f"(SELECT * FROM {rendered} WHERE {rendered}.org = {self.process(_ORG)})"  # noqa: S608 - quoted identifiers and a bind
        alias = kwargs.get("enclosing_alias")
        return rows if alias is not None and alias.element is table else f"{rows} AS {rendered}"


def tenant_compiler(base: type[SQLCompiler]) -> type[SQLCompiler]:
    """The dialect's statement compiler with tenant tables bound."""
    return type(f"Tenant{base.__name__}", (_TenantCompiler, base), {})
