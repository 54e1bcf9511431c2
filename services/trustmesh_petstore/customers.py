"""Customers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A person who buys pets; no two of an organisation share an email. `revision` counts their changes."""

    org: str
    id: str
    display_name: str
    email: str
    create_time: datetime
    update_time: datetime
    revision: int = 1

    def changed(self, now: datetime, **changes: str) -> Customer:
        """The customer after a change of their fields."""
        return replace(self, **changes, update_time=now, revision=self.revision + 1)  # type: ignore[arg-type] # replace checks names
