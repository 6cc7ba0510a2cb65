"""Logs: one JSON object a line, an event name and flat fields, behind the ``Telemetry`` port.

Names of fields that could ever hold a secret are not accepted, so that none reaches a log by habit.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

import msgspec

__all__ = ["JsonLines", "LogTelemetry", "configure_logging"]

_LOGGER: Final = "ciba_service"
_FORBIDDEN: Final = frozenset(
    {"auth_req_id", "access_token", "id_token", "assertion", "request", "pin", "otp", "code"}
)


class LogTelemetry:
    """``ports.Telemetry`` on the standard library's logging."""

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger(_LOGGER)

    def event(self, name: str, **fields: object) -> None:
        """Log at INFO."""
        self._log(logging.INFO, name, fields)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Log at ERROR, with the type of the error and what it says of itself."""
        self._log(logging.ERROR, name, {**fields, "error": f"{type(error).__name__}: {error}"})

    def _log(self, level: int, name: str, fields: dict[str, object]) -> None:
        if _FORBIDDEN & fields.keys():
            raise AssertionError("a secret must not be logged")
        if self._logger.isEnabledFor(level):
            present = {key: value for key, value in fields.items() if value is not None}
            self._logger.log(level, name, extra={"fields": present})


class JsonLines(logging.Formatter):
    """Formats every record, ours and those of libraries, as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC, level, logger, event, fields; a traceback only of what is no event."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def configure_logging(level: str, stream: TextIO = sys.stderr) -> None:
    """Send all logs as JSON lines to ``stream``; libraries only from WARNING up."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_LOGGER).setLevel(level.upper())
