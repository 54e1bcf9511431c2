"""Creates that a client may repeat: a request_id is answered with what the first call made."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, insert, select

from trustmesh_chassis.errors import FieldViolation, InvalidArgument
from trustmesh_chassis.storage.database import UnitOfWork
from trustmesh_chassis.storage.tables import REQUESTS

REMEMBERED_FOR = timedelta(days=1)


class RequestIdReused(InvalidArgument, shared=True):
    """The request_id came before with another request."""


async def recall(unit: UnitOfWork, request_id: str, fingerprint: str) -> str | None:
    """The name that an earlier call with this request_id made; None for a first call or without a request_id.

    Raises RequestIdReused when that call's fingerprint (an etag_of its request) was another.
    """
    if not request_id:
        return None
    found = (await unit.execute(select(REQUESTS.c.fingerprint, REQUESTS.c.name).where(REQUESTS.c.id == request_id))).one_or_none()
    if found is None:
        return None
    if found.fingerprint != fingerprint:
        violation = FieldViolation("request_id", "was used by a different request")
        raise RequestIdReused("The request id came before with another request; use a new one.", fields=(violation,))
    name: str = found.name
    return name


async def remember(unit: UnitOfWork, request_id: str, fingerprint: str, name: str) -> None:
    """Record what this call made, and forget calls older than a day. Of two at once, one raises UniqueViolation."""
    if not request_id:
        return
    now = unit.now()
    await unit.execute(delete(REQUESTS).where(REQUESTS.c.create_time < now - REMEMBERED_FOR))
    await unit.execute(insert(REQUESTS).values(id=request_id, fingerprint=fingerprint, name=name, create_time=now))
