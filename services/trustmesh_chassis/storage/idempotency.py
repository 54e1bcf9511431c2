"""Creates that a client may repeat: a request_id is answered with what the first call made."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, insert, select

from trustmesh_chassis.errors import Aborted, FieldViolation, InvalidArgument
from trustmesh_chassis.storage.database import UnitOfWork
from trustmesh_chassis.storage.failures import UniqueViolation
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
    """Record what this call makes, before it is made, and forget calls older than a day. Of two at once, one raises Aborted."""
    if not request_id:
        return
    now = unit.now()
    await unit.execute(delete(REQUESTS).where(REQUESTS.c.create_time < now - REMEMBERED_FOR))
    try:
        await unit.execute(insert(REQUESTS).values(id=request_id, fingerprint=fingerprint, name=name, create_time=now))
    except UniqueViolation:
        raise Aborted("The same request is under way; repeat the call.", retry_after=0) from None


async def repeated(unit: UnitOfWork, request_id: str, fingerprint: str, name: str) -> str | None:
    """`recall`, and for a first call `remember`: the name that an earlier call made, None when this one is to make `name`."""
    earlier = await recall(unit, request_id, fingerprint)
    if earlier is None:
        await remember(unit, request_id, fingerprint, name)
    return earlier
