"""Structured logs: one JSON object a line, with the call's request and trace id, without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from trustmesh_chassis.call import current

_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_SECRET_KEY = re.compile(r"secret|password|passphrase|token|authorization|cookie|private_key", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # a JWT
    r"|(?i:bearer|basic)\s+[\w.~+/=-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
    re.DOTALL,
)
REDACTED = "[redacted]"

_TALKATIVE = ("alembic", "httpcore", "httpx", "uvicorn")
"""Libraries whose own info is of no use to an operator."""


def configure_logs(service: str, level: str, stream: TextIO | None = None) -> None:
    """Send the process's logs to `stream` (standard error by default) as JSON lines at `level` and above."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, the current call's ids, and whatever `extra` adds."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": redact_text(record.getMessage()),
        }
        call = current.get()
        if call is not None:
            entry |= {"request_id": call.request_id, "trace_id": call.trace_id, "method": call.method.full_name}
        for key, value in record.__dict__.items():
            if key not in _OWN:
                entry[key] = REDACTED if _SECRET_KEY.search(key) else _shown(value)
        if record.exc_info:
            entry["exception"] = redact_text(self.formatException(record.exc_info))
        return json.dumps(entry, default=str)


def redact_text(text: str) -> str:
    """The text without tokens, credentials and private keys."""
    return _SECRET_TEXT.sub(REDACTED, text)


def _shown(value: object) -> object:
    return redact_text(value) if isinstance(value, str) else value
