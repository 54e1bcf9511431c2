"""The tables that the chassis keeps in every service's database; `migration.create_chassis_tables` makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

from trustmesh_chassis.storage.tenancy import ORG_LENGTH, tenant_table
from trustmesh_chassis.storage.types import ByteText, UtcTime

METADATA = MetaData()

# Events on their way to subscribers; their shipper reads every organisation's, so the table is no tenant table.
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", ByteText(36), nullable=False, unique=True),
    Column("type", ByteText(127), nullable=False),
    Column("org", ByteText(ORG_LENGTH), nullable=False),
    Column("resource", ByteText(1024), nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("payload_type", ByteText(255), nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

# Audit records on their way to the audit service, written in the transaction that they tell of.
AUDIT_OUTBOX = Table(
    "audit_outbox",
    METADATA,
    Column("id", ByteText(36), primary_key=True),
    Column("record", LargeBinary, nullable=False),
)

# Creates that a repeated request_id must not repeat.
REQUESTS = tenant_table(
    "requests",
    METADATA,
    Column("id", ByteText(ORG_LENGTH), primary_key=True),
    Column("fingerprint", ByteText(64), nullable=False),
    Column("name", String(1024), nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Index("requests_by_time", "org", "create_time"),
)

# Keys that the instances of the service share, such as the one for page tokens.
SHARED_KEYS = Table(
    "shared_keys",
    METADATA,
    Column("name", ByteText(63), primary_key=True),
    Column("key", LargeBinary, nullable=False),
)
PAGE_TOKENS = "page_tokens"
