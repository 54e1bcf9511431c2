"""Pets, customers, orders and their items."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, ForeignKeyConstraint, UniqueConstraint

from trustmesh_chassis.storage import ByteText, UtcTime
from trustmesh_chassis.storage.migration import create_chassis_tables, create_tenant_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    create_tenant_table(
        "pets",
        *_resource_columns(),
        Column("display_name", ByteText(100), nullable=False),
        Column("species", ByteText(16), nullable=False),
        Column("price_cents", BigInteger, nullable=False),
        Column("stock", BigInteger, nullable=False),
        Column("tags", JSON, nullable=False),
        Column("words", ByteText(2000), nullable=False),
    )
    create_tenant_table(
        "customers",
        *_resource_columns(),
        Column("display_name", ByteText(100), nullable=False),
        Column("email", ByteText(254), nullable=False),
        UniqueConstraint("org", "email", name="customers_email"),
    )
    create_tenant_table(
        "orders",
        *_resource_columns(),
        Column("customer", ByteText(192), nullable=False),
        Column("state", ByteText(16), nullable=False),
        Column("total_cents", BigInteger, nullable=False),
    )
    op.create_index("orders_by_customer", "orders", ["org", "customer"])
    create_tenant_table(
        "order_items",
        Column("order_id", ByteText(63), primary_key=True),
        Column("position", BigInteger, primary_key=True),
        Column("pet", ByteText(192), nullable=False),
        Column("quantity", BigInteger, nullable=False),
        Column("unit_price_cents", BigInteger, nullable=False),
        ForeignKeyConstraint(["org", "order_id"], ["orders.org", "orders.id"], name="order_items_order"),
    )
    op.create_index("order_items_by_pet", "order_items", ["org", "pet"])


def _resource_columns() -> tuple[Column[Any], ...]:
    return (
        Column("id", ByteText(63), primary_key=True),
        Column("create_time", UtcTime, nullable=False),
        Column("update_time", UtcTime, nullable=False),
        Column("revision", BigInteger, nullable=False),
    )
