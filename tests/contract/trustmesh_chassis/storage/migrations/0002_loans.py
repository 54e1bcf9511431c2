"""Loans came later."""

import sqlalchemy as sa

from trustmesh_chassis.storage import ByteText
from trustmesh_chassis.storage.migration import create_tenant_table

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_tenant_table(
        "loans",
        sa.Column("id", ByteText(63), primary_key=True),
        sa.Column("book", ByteText(63), nullable=False),
        sa.ForeignKeyConstraint(["org", "book"], ["books.org", "books.id"], name="loans_book"),
    )
