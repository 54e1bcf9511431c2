"""Storage of a service: SQLAlchemy Core on SQLite or PostgreSQL, in units of work that are bound to one organisation.

A statement of a tenant unit sees and changes rows of the unit's organisation only, whatever it says: see `tenancy`.
"""

from trustmesh_chassis.storage.database import Database, Reading, UnitOfWork
from trustmesh_chassis.storage.failures import StorageUnusable, UniqueViolation
from trustmesh_chassis.storage.idempotency import RequestIdReused
from trustmesh_chassis.storage.paging import EtagMismatch, InvalidPageToken, PageTokens, etag_of, page_size, require_etag
from trustmesh_chassis.storage.tenancy import tenant_table
from trustmesh_chassis.storage.types import ByteText, UtcTime, uuid7

__all__ = [
    "ByteText",
    "Database",
    "EtagMismatch",
    "InvalidPageToken",
    "PageTokens",
    "Reading",
    "RequestIdReused",
    "StorageUnusable",
    "UniqueViolation",
    "UnitOfWork",
    "UtcTime",
    "etag_of",
    "page_size",
    "require_etag",
    "tenant_table",
    "uuid7",
]
