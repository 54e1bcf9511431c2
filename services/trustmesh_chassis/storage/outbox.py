"""Reading what units left for others: events for their subscribers, audit records for the audit service.

Delivery is at least once: read some, hand them over, forget them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select

from trustmesh.common.v1.event_pb2 import EventEnvelope
from trustmesh_chassis.storage.database import Database
from trustmesh_chassis.storage.tables import AUDIT_OUTBOX, OUTBOX


async def pending_events(database: Database, source: str, limit: int = 100) -> Sequence[EventEnvelope]:
    """The oldest undelivered events of the service `source`, at most `limit`, in the order of their sequence."""
    async with database.platform_read() as read:
        rows = (await read.execute(select(OUTBOX).order_by(OUTBOX.c.sequence).limit(limit))).all()
    events = []
    for row in rows:
        event = EventEnvelope(id=row.id, source=source, type=row.type, resource=row.resource, org=row.org, sequence=row.sequence)
        event.event_time.FromDatetime(row.time)
        event.payload.type_url = f"type.googleapis.com/{row.payload_type}"
        event.payload.value = row.payload
        events.append(event)
    return events


async def forget_events(database: Database, delivered: Iterable[EventEnvelope]) -> None:
    """Remove events that every subscriber has."""
    async with database.platform_unit() as unit:
        await unit.execute(delete(OUTBOX).where(OUTBOX.c.id.in_([event.id for event in delivered])))


async def pending_records(database: Database, limit: int = 100) -> dict[str, bytes]:
    """The oldest audit records that are still here, by id, at most `limit`."""
    async with database.platform_read() as read:
        rows = await read.execute(select(AUDIT_OUTBOX).order_by(AUDIT_OUTBOX.c.id).limit(limit))
    return {row.id: row.record for row in rows}


async def forget_records(database: Database, ids: Iterable[str]) -> None:
    """Remove audit records that the audit service has acknowledged."""
    async with database.platform_unit() as unit:
        await unit.execute(delete(AUDIT_OUTBOX).where(AUDIT_OUTBOX.c.id.in_(list(ids))))
