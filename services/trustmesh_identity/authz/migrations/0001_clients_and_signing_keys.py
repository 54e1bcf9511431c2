"""Clients and signing keys."""

import sqlalchemy as sa
from alembic import op

from trustmesh_chassis.storage import ByteText, UtcTime
from trustmesh_chassis.storage.migration import create_chassis_tables, create_tenant_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    create_tenant_table(
        "clients",
        sa.Column("id", ByteText(63), primary_key=True),
        sa.Column("client_id", ByteText(96), nullable=False),
        sa.Column("display_name", sa.String(128), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("orgs", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("secret_create_time", UtcTime, nullable=False),
        sa.Column("previous_secret", sa.LargeBinary),
        sa.Column("previous_secret_expires", UtcTime),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("update_time", UtcTime, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("clients_by_client_id", "clients", ["org", "client_id"], unique=True)
    op.create_table(
        "signing_keys",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kid", ByteText(64), nullable=False),
        sa.Column("state", ByteText(16), nullable=False),
        sa.Column("x", sa.LargeBinary, nullable=False),
        sa.Column("y", sa.LargeBinary, nullable=False),
        sa.Column("sealed_private", sa.LargeBinary, nullable=False),
        sa.Column("create_time", UtcTime, nullable=False),
        sa.Column("publish_time", UtcTime),
        sa.Column("activate_time", UtcTime),
        sa.Column("expire_time", UtcTime),
    )
