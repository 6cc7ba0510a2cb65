"""Lines of the log, one JSON object each, written together at the end of a tick of the loop."""

import asyncio
import logging
import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from time import time_ns
from typing import Final, TextIO

import msgspec

__all__ = ["JsonLines", "LineHandler"]

_FIXED: Final = frozenset({"time", "level", "logger", "event", "worker"})
_encoder: Final = msgspec.json.Encoder(enc_hook=str)


def _encoded(line: Mapping[str, object]) -> bytes:
    try:
        return _encoder.encode(line)
    except UnicodeEncodeError:  # half of a surrogate pair
        return _encoder.encode({key: ascii(value) for key, value in line.items()})


def _parts(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    """In their order, as many together as a pipe takes whole, one at the least."""
    part: list[bytes] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if part and size > select.PIPE_BUF:
            yield part
            part, size = [], len(line) + 1
        part.append(line)
    if part:
        yield part


class JsonLines(logging.Formatter):
    """Formats every record, ours and those of libraries, as one JSON object."""

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self.of_worker: dict[str, object] = {} if worker is None else {"worker": worker}

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC, level, logger, event, then the fields, which cannot replace those."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **self.of_worker,
        }
        line = line | getattr(record, "fields", {}) | line
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _encoded(line).decode()


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes records as JSON lines, and events without the detour over a record.

    An event below ERROR waits for the others of its tick: a write for each costs as much as all
    else about it. Without a running loop, and before anything that is written at once, it does not.
    Workers share a stream: what one writes at once is short enough for a pipe to keep it whole.
    """

    def __init__(self, stream: TextIO, *, worker: int | None = None) -> None:
        super().__init__(stream)
        lines = JsonLines(worker)
        self.setFormatter(lines)
        self._of_worker = lines.of_worker
        self._lines: list[bytes] = []
        self._writes_on: asyncio.AbstractEventLoop | None = None
        self._second = 0
        self._prefix = ""

    def put(self, level: int, logger: str, event: str, fields: Mapping[str, object]) -> None:
        """Write an event."""
        line: dict[str, object] = {
            "time": self._now(),
            "level": logging.getLevelName(level).lower(),
            "logger": logger,
            "event": event,
            **self._of_worker,
        }
        if _FIXED.isdisjoint(fields):
            line.update(fields)
        else:
            line = {**line, **fields, **line}
        self.acquire()
        try:
            self._lines.append(_encoded(line))
        finally:
            self.release()
        if level >= logging.ERROR:
            self.flush()
        else:
            self._write_soon()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after the events that came before it."""
        self._write_out()
        super().emit(record)

    def flush(self) -> None:
        """Write whatever waits; where nobody reads any more, it is lost, and no caller fails."""
        self._write_out()
        with suppress(OSError, ValueError):
            super().flush()

    def _write_soon(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self._writes_on is not loop:
            self._writes_on = loop
            loop.call_soon(self.flush)

    def _write_out(self) -> None:
        self.acquire()
        try:
            self._writes_on = None
            lines, self._lines = self._lines, []
            with suppress(OSError, ValueError):  # it was closed
                for part in _parts(lines) if self._of_worker else [lines]:
                    self.stream.write(b"\n".join([*part, b""]).decode() if part else "")
                    if self._of_worker:
                        self.stream.flush()
        finally:
            self.release()

    def _now(self) -> str:
        second, rest = divmod(time_ns(), 1_000_000_000)
        if second != self._second:
            self._second = second
            self._prefix = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._prefix}.{rest // 1_000_000:03d}+00:00"
