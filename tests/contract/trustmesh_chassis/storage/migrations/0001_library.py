"""Books and their loans."""

import sqlalchemy as sa

from trustmesh_chassis.storage import ByteText, UtcTime
from trustmesh_chassis.storage.migration import create_chassis_tables, create_tenant_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    create_tenant_table(
        "books",
        sa.Column("id", ByteText(63), primary_key=True),
        sa.Column("title", ByteText(100), nullable=False),
        sa.Column("bought", UtcTime),
    )
