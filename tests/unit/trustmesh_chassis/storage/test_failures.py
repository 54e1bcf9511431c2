"""What each driver raises, and what it becomes; those that a test can bring about for real are in the contract suite."""

from __future__ import annotations

import sqlite3
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from trustmesh_chassis.errors import Aborted, DataLoss, Unavailable
from trustmesh_chassis.storage import StorageUnusable, UniqueViolation
from trustmesh_chassis.storage.engines import build_engines
from trustmesh_chassis.storage.failures import translated


def driver_error(kind: type[DBAPIError], orig: BaseException, **options: Any) -> DBAPIError:
    return kind("SELECT 1", {}, orig, **options)


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (driver_error(IntegrityError, asyncpg.UniqueViolationError("taken")), UniqueViolation),
        (driver_error(IntegrityError, sqlite3.IntegrityError("UNIQUE constraint failed: pets.id")), UniqueViolation),
        (driver_error(IntegrityError, sqlite3.IntegrityError("FOREIGN KEY constraint failed")), IntegrityError),
        (driver_error(DBAPIError, asyncpg.SerializationError("again")), Aborted),
        (driver_error(DBAPIError, asyncpg.DeadlockDetectedError("again")), Aborted),
        (driver_error(DBAPIError, asyncpg.LockNotAvailableError("held")), Aborted),
        (driver_error(DBAPIError, asyncpg.TooManyConnectionsError("full")), Unavailable),
        (driver_error(DBAPIError, asyncpg.DiskFullError("full")), Unavailable),
        (driver_error(DBAPIError, asyncpg.AdminShutdownError("bye")), Unavailable),
        (driver_error(DBAPIError, asyncpg.ReadOnlySQLTransactionError("standby")), Unavailable),
        (driver_error(DBAPIError, OSError("gone"), connection_invalidated=True), Unavailable),
        (driver_error(DBAPIError, asyncpg.SyntaxOrAccessError("wrong")), DBAPIError),
        (driver_error(OperationalError, sqlite3.OperationalError("database is locked")), Unavailable),
        (driver_error(OperationalError, sqlite3.OperationalError("database or disk is full")), Unavailable),
        (driver_error(OperationalError, sqlite3.OperationalError("disk I/O error")), Unavailable),
        (driver_error(OperationalError, sqlite3.OperationalError("no such table: pets")), OperationalError),
        (driver_error(DBAPIError, sqlite3.DatabaseError("database disk image is malformed")), DataLoss),
        (driver_error(DBAPIError, sqlite3.DatabaseError("file is not a database")), DataLoss),
        (StatementError("bad value", "SELECT 1", {}, ValueError("naive")), StatementError),
        (PoolTimeout("no place in the pool"), Unavailable),
        (ConnectionRefusedError(), Unavailable),
        (TimeoutError(), Unavailable),
        (LookupError(), LookupError),
    ],
    ids=repr,
)
def test_translated(raised: Exception, becomes: type[Exception]) -> None:
    with pytest.raises(becomes) as caught, translated():
        raise raised
    assert type(caught.value) is becomes


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite://", "The database URL names no file"),
        ("sqlite:///:memory:", "The database URL names no file"),
        ("mysql://root@localhost/x", "The database URL begins with mysql"),
        ("nonsense", "The database URL cannot be read"),
    ],
)
def test_urls_that_name_no_database(url: str, sentence: str) -> None:
    with pytest.raises(StorageUnusable, match=sentence):
        build_engines(url, migration_url=None, pool_size=1)
