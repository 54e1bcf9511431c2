"""What a database may do to a call: the drivers' exceptions become few of our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from trustmesh_chassis.errors import Aborted, DataLoss, Unavailable
from trustmesh_chassis.storage.tenancy import UnboundStatement


class StorageUnusable(RuntimeError):
    """The database cannot be used until an operator mends it; the text is one sentence for them."""


class UniqueViolation(Exception):
    """A row with that key exists. Repositories turn it into their own AlreadyExists."""


_RETRY_AFTER = 1.0
_DAMAGED = ("malformed", "not a database")
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})  # serialisation failure, deadlock, lock not available
_UNIQUE = "23505"
_OUTAGES = ("database is locked", "disk I/O error", "disk is full", "unable to open", "readonly database")


@contextmanager
def translated() -> Iterator[None]:
    """Raise UniqueViolation, Aborted, Unavailable or DataLoss for what the drivers raise; programming errors pass as they are."""
    try:
        yield
    except IntegrityError as error:
        if _sqlstate(error) == _UNIQUE or "UNIQUE constraint failed" in str(error.orig):
            raise UniqueViolation(str(error.orig)) from error
        raise
    except DBAPIError as error:
        text = str(error.orig)
        if any(mark in text for mark in _DAMAGED):
            raise DataLoss("The database is damaged; restore it from a backup.") from error
        if _sqlstate(error) in _CONFLICTS:
            raise Aborted("The change met another one; repeat the call.", retry_after=0) from error
        if error.connection_invalidated or _is_outage(error):
            raise Unavailable("The database is not available.", retry_after=_RETRY_AFTER) from error
        raise
    except StatementError as error:
        if isinstance(error.orig, UnboundStatement):
            raise error.orig from None
        raise
    except (PoolTimeout, OSError) as error:
        raise Unavailable("The database is not available.", retry_after=_RETRY_AFTER) from error


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _is_outage(error: DBAPIError) -> bool:
    """PostgreSQL's classes 08 (connection), 53 (resources), 57P (shutdown), 25006 (a standby); what SQLite says of its file."""
    state = _sqlstate(error)
    return state.startswith(("08", "53", "57P", "25006")) if state else any(mark in str(error.orig) for mark in _OUTAGES)
