"""Logs: one JSON object a line, an event name and flat fields, behind the ``Telemetry`` port.

Fields whose names could ever hold a secret are withheld, so that none reaches a log by habit; no
call here raises, whatever it is given.
"""

import asyncio
import logging
import sys
from types import TracebackType
from typing import Final, TextIO

import msgspec

from ciba_service.log_lines import LineHandler
from ciba_service.protocol.security_events.kinds import SecurityEvent

__all__ = ["SECRET_FIELDS", "LogTelemetry", "configure_logging", "log_json_lines"]

_LOGGER: Final = "ciba_service"
SECRET_FIELDS: Final = frozenset(
    {
        "access_token", "activation_code", "assertion", "auth_req_id", "authorization",
        "client_assertion", "code", "enrolment", "factors", "id_token", "nonce", "otp", "password",
        "pin", "pin_key", "pin_proof", "proof", "refresh_token", "request", "second_secret",
        "secret", "token",
    }
)  # fmt: skip
"""Names that no field of an event may have."""


class LogTelemetry:
    """``ports.Telemetry`` on the standard library's logging."""

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger(_LOGGER)

    def event(self, name: str, **fields: object) -> None:
        """Log at INFO."""
        self._log(logging.INFO, name, fields)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Log at ERROR: the type of the error, what it says of itself, and where it was raised.

        A group of errors says nothing of itself: the first one in it is told.
        """
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        text = f"{type(error).__name__}: {error}"
        self._log(
            logging.ERROR, name, {**fields, "error": text, "at": _origin(error.__traceback__)}
        )

    def security_event(self, event: SecurityEvent) -> None:
        """Log at INFO: where nobody records them, they are lines of the log."""
        fields = msgspec.to_builtins(event)
        self._log(logging.INFO, "security_event", {"severity": event.severity, **fields})

    def _log(self, level: int, name: str, fields: dict[str, object]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        present = {key: value for key, value in fields.items() if value is not None}
        if not SECRET_FIELDS.isdisjoint(fields):
            # Our mistake, but no reason to fail whatever is being logged.
            withheld = sorted(SECRET_FIELDS & fields.keys())
            present = {key: value for key, value in present.items() if key not in withheld}
            present["withheld"] = withheld
        handlers = self._logger.handlers or logging.root.handlers
        if len(handlers) == 1 and isinstance(handlers[0], LineHandler):
            handlers[0].put(level, self._logger.name, name, present)
        else:
            self._logger.log(level, name, extra={"fields": present})


def _origin(traceback: TracebackType | None) -> str | None:
    if traceback is None:
        return None
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = traceback.tb_frame.f_globals.get("__name__")
    return f"{module}:{traceback.tb_lineno}"


class _CutOff(logging.Filter):
    """Keeps back what uvicorn says of a request that it cuts off when it ends.

    That is no defect, and the request's own line tells it (``request_abandoned``).
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


_UVICORN: Final = "uvicorn.error"
_CUT_OFF: Final = _CutOff()


def configure_logging(
    level: str, stream: TextIO | None = None, *, worker: int | None = None
) -> None:
    """Send all logs as JSON lines to ``stream`` (standard error); libraries only from WARNING up.

    ``level`` is the least of our own records: debug, info, warning or error. Nobody looks for who
    called, nor for names of threads and processes (the library's own advice on speed). Each line
    of a ``worker`` has its number.
    """
    logging._srcfile = None  # noqa: SLF001 - as its documentation says
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [LineHandler(sys.stderr if stream is None else stream, worker=worker)]
    root.setLevel(logging.WARNING)
    logging.getLogger(_UVICORN).addFilter(_CUT_OFF)
    logging.getLogger(_LOGGER).setLevel(level.upper())


def log_json_lines(level: str = "info", stream: TextIO | None = None) -> None:
    """Send our own records alone as JSON lines to ``stream`` (standard error), for hosts.

    ``level`` is the least of them: debug, info, warning or error. The host's loggers stay as they
    are, and get none of ours.
    """
    logger = logging.getLogger(_LOGGER)
    logger.handlers[:] = [LineHandler(sys.stderr if stream is None else stream)]
    logger.setLevel(level.upper())
    logger.propagate = False
