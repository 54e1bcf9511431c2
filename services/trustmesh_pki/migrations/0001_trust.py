"""Roots, intermediates, join tokens and issued identities."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, LargeBinary

from trustmesh_chassis.storage import ByteText, UtcTime
from trustmesh_chassis.storage.migration import create_chassis_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    op.create_table(
        "bundles",
        Column("trust_domain", ByteText(255), primary_key=True),
        Column("sequence", BigInteger, nullable=False),
    )
    op.create_table(
        "roots",
        Column("trust_domain", ByteText(255), primary_key=True),
        Column("id", ByteText(64), primary_key=True),
        Column("certificate", LargeBinary, nullable=False),
        Column("create_time", UtcTime, nullable=False),
        Column("issue_after", UtcTime, nullable=False),
    )
    op.create_table(
        "intermediates",
        Column("id", ByteText(63), primary_key=True),
        Column("csr", LargeBinary, nullable=False),
        Column("sealed_key", LargeBinary, nullable=False),
        Column("certificate", LargeBinary),
        Column("root", ByteText(64), nullable=False),
        Column("create_time", UtcTime, nullable=False),
        Column("update_time", UtcTime, nullable=False),
        Column("issue_after", UtcTime),
    )
    op.create_table(
        "join_tokens",
        Column("id", ByteText(63), primary_key=True),
        Column("digest", LargeBinary, nullable=False, unique=True),
        Column("service", ByteText(63), nullable=False),
        Column("dns_names", JSON, nullable=False),
        Column("ip_addresses", JSON, nullable=False),
        Column("create_time", UtcTime, nullable=False),
        Column("expire_time", UtcTime, nullable=False),
        Column("redeem_time", UtcTime),
        Column("key_digest", LargeBinary),
        Column("identity", ByteText(40), nullable=False),
    )
    op.create_index("join_tokens_by_service", "join_tokens", ["service"])
    op.create_table(
        "identities",
        Column("id", ByteText(40), primary_key=True),
        Column("service", ByteText(63), nullable=False),
        Column("cause", ByteText(16), nullable=False),
        Column("intermediate", ByteText(63), nullable=False),
        Column("certificate", LargeBinary, nullable=False),
        Column("create_time", UtcTime, nullable=False),
        Column("expire_time", UtcTime, nullable=False),
    )
    op.create_index("identities_by_time", "identities", ["create_time", "id"])
    op.create_index("identities_by_service", "identities", ["service", "create_time"])
