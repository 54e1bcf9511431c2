"""Services with their contracts, instances, and the dynamic configuration."""

from alembic import op
from sqlalchemy import JSON, Column, Integer, LargeBinary, String, Text

from trustmesh_chassis.storage import ByteText, UtcTime
from trustmesh_chassis.storage.migration import create_chassis_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    op.create_table(
        "services",
        Column("name", ByteText(63), primary_key=True),
        Column("digest", ByteText(64), nullable=False),
        Column("descriptors", LargeBinary, nullable=False),
        Column("grpc_services", JSON, nullable=False),
        Column("create_time", UtcTime, nullable=False),
        Column("update_time", UtcTime, nullable=False),
    )
    op.create_table(
        "instances",
        Column("service", ByteText(63), primary_key=True),
        Column("id", ByteText(128), primary_key=True),
        Column("address", String(45), nullable=False),
        Column("port", Integer, nullable=False),
        Column("http_port", Integer, nullable=False),
        Column("version", String(64), nullable=False),
        Column("create_time", UtcTime, nullable=False),
        Column("update_time", UtcTime, nullable=False),
    )
    op.create_table(
        "configurations",
        Column("key", ByteText(200), primary_key=True),
        Column("text", Text, nullable=False),
        Column("writer", String(256), nullable=False),
        Column("create_time", UtcTime, nullable=False),
        Column("update_time", UtcTime, nullable=False),
    )
