"""A service as a process: its settings, its logs, its signals and its exit code."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trustmesh_chassis.lifecycle import serve
from trustmesh_chassis.service import ServiceDefinition
from trustmesh_chassis.settings import ServiceSettings, SettingsError, load_settings
from trustmesh_chassis.telemetry.logs import configure_logs

log = logging.getLogger(__name__)

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_SETTINGS = 2

YOUNG_OBJECTS = 10_000
"""Objects made and kept between two looks at the youngest; Python's own 700 is a look every few calls."""


def run(definition: ServiceDefinition[Any], home: Path, on_ready: Callable[[], None] = lambda: None) -> int:
    """Run a service until SIGTERM or SIGINT; `on_ready` is called once when it is ready for calls.

    Returns the process's exit code: 0 after a drain, 1 when the service failed, 2 for unusable settings.
    """
    try:
        settings = load_settings(definition.settings, definition.name, home.resolve(), os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_SETTINGS
    configure_logs(definition.name, settings.log_level)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own lines are not JSON, and every failure reaches us as a status
    try:
        asyncio.run(_until_signal(definition, settings, on_ready))
    except Exception as error:
        log.critical("%s cannot go on: %s", definition.name, error, exc_info=error)
        return EXIT_FAILED
    return EXIT_OK


async def _until_signal(definition: ServiceDefinition[Any], settings: ServiceSettings, on_ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def ready() -> None:
        gc.freeze()  # what is there now lives as long as the process: the collector need not look at it again
        gc.set_threshold(YOUNG_OBJECTS)
        on_ready()

    await serve(definition, settings, stop, ready)
