"""The limits in force: the settings', with what the mesh's configuration says over them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any, Protocol

from trustmesh_ratelimit.rates import Rates, RatesError, parse_rates

log = logging.getLogger(__name__)

KEY = "ratelimit/classes"


class WatchedValues(Protocol):
    """The mesh's configuration, as far as it is needed here."""

    def watch(self, prefix: str) -> AsyncIterator[dict[str, Any]]: ...


class Table:
    """`rates` is replaced as a whole."""

    def __init__(self, settings: Rates) -> None:
        self._settings = settings
        self.rates = settings

    def use(self, configured: Any) -> None:
        """Take the configured table, or None for none, over the settings'. Raises RatesError and changes nothing."""
        self.rates = {**self._settings, **parse_rates({} if configured is None else configured)}


async def follow(table: Table, configuration: WatchedValues) -> None:
    """Keep the table as the configuration has it; what is unusable is logged, and what was in force stays."""
    async for values in configuration.watch(KEY):
        try:
            table.use(values.get(KEY))
        except RatesError as error:
            log.error("configuration %s is unusable, the limits before stay in force: %s", KEY, error)
        else:
            log.info("%d limits in force", len(table.rates))
