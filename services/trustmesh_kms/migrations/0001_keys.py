"""The barrier, keys and their versions."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, LargeBinary

from trustmesh_chassis.storage import ByteText, UtcTime
from trustmesh_chassis.storage.migration import create_chassis_tables, create_tenant_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    op.create_table(
        "barrier",
        Column("id", Integer, primary_key=True),
        Column("wrapped_root", LargeBinary, nullable=False),
        Column("content_key", Integer, nullable=False),
        Column("sealed", Boolean, nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("create_time", UtcTime, nullable=False),
        Column("update_time", UtcTime, nullable=False),
    )
    op.create_table(
        "content_keys",
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("wrapped", LargeBinary, nullable=False),
        Column("create_time", UtcTime, nullable=False),
    )
    create_tenant_table(
        "keys",
        Column("id", ByteText(63), primary_key=True),
        Column("uid", ByteText(36), nullable=False),
        Column("purpose", Integer, nullable=False),
        Column("algorithm", Integer, nullable=False),
        Column("primary_version", Integer, nullable=False),
        Column("latest_version", Integer, nullable=False),
        Column("labels", JSON, nullable=False),
        Column("create_time", UtcTime, nullable=False),
        Column("update_time", UtcTime, nullable=False),
        Column("revision", Integer, nullable=False),
    )
    create_tenant_table(
        "key_versions",
        Column("key_id", ByteText(63), primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("state", Integer, nullable=False),
        Column("algorithm", Integer, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("messages", BigInteger, nullable=False),
        Column("create_time", UtcTime, nullable=False),
        Column("update_time", UtcTime, nullable=False),
        Column("revision", Integer, nullable=False),
    )
