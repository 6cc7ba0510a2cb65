"""Logs: one JSON object a line, whatever is logged, and never a secret."""

import asyncio
import io
import json
import logging
import select
from collections.abc import Iterator
from typing import Any

import pytest

from ciba_service.log_lines import JsonLines, LineHandler
from ciba_service.protocol.security_events.kinds import FactorsUnlocked
from ciba_service.telemetry import SECRET_FIELDS, LogTelemetry, configure_logging, log_json_lines


class Awkward:
    def __str__(self) -> str:
        return "awkward"


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log of a process at level info; afterwards logging is as it was before."""
    root, ours = logging.getLogger(), logging.getLogger("ciba_service")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    configure_logging("info", stream)
    yield stream
    root.handlers[:], ours_level = before[0], before[2]
    root.setLevel(before[1])
    ours.setLevel(ours_level)


def test_an_event_is_one_line_of_json(log: io.StringIO):
    """Time in UTC with milliseconds, level, logger, name, and the fields that have a value."""
    LogTelemetry().event("device_enrolled", device_id="d", count=3, nothing=None, text="a\nb")
    (line,) = lines_of(log)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "ciba_service",
        "event": "device_enrolled",
        "device_id": "d",
        "count": 3,
        "text": "a\nb",
    }


def test_a_security_event_that_nobody_records_is_a_line(log: io.StringIO):
    """Its kind, its severity and its fields."""
    LogTelemetry().security_event(FactorsUnlocked(user="tag"))
    (line,) = lines_of(log)
    del line["time"], line["logger"]
    assert line == {
        "level": "info",
        "event": "security_event",
        "severity": "info",
        "kind": "factors_unlocked",
        "user": "tag",
    }


def test_a_failure_says_what_was_raised_and_where(log: io.StringIO):
    """Type, text, module and line; it is an error."""
    try:
        json.loads("{")
    except ValueError as error:
        LogTelemetry().failure("task_failed", error, task="due_worker")
    LogTelemetry().failure("task_failed", KeyError("k"))
    raised, made = lines_of(log)
    assert raised["level"] == "error"
    assert raised["task"] == "due_worker"
    assert raised["error"].startswith("JSONDecodeError: Expecting")
    assert raised["at"].startswith("json.decoder:")
    assert made["error"] == "KeyError: 'k'"
    assert "at" not in made


def test_a_group_of_errors_says_what_is_in_it(log: io.StringIO):
    """However deep: that there was a group helps nobody."""

    def refuse() -> None:
        raise LookupError("no such thing")

    try:
        try:
            refuse()
        except LookupError as error:
            raise ExceptionGroup("inner", [error]) from None
    except ExceptionGroup as group:
        LogTelemetry().failure("defect", ExceptionGroup("outer", [group]))
    (line,) = lines_of(log)
    assert line["error"] == "LookupError: no such thing"
    assert line["at"].startswith(__name__)


@pytest.mark.parametrize("name", sorted(SECRET_FIELDS))
def test_a_field_that_could_hold_a_secret_is_withheld(log: io.StringIO, name: str):
    """The line is written without it and says so; the caller is not disturbed."""
    LogTelemetry().event("request_started", **{name: "hunter2", "client_id": "till"})
    LogTelemetry().failure("defect", ValueError("v"), **{name: "hunter2"})
    assert "hunter2" not in log.getvalue()
    event, failure = lines_of(log)
    assert event["withheld"] == failure["withheld"] == [name]
    assert event["client_id"] == "till"


def test_fields_cannot_replace_what_a_line_is(log: io.StringIO):
    """A field named as one of the fixed members is not taken for it."""
    LogTelemetry().event("x", level="debug", logger="other", time="never", event="y")
    (line,) = lines_of(log)
    assert (line["event"], line["level"], line["logger"]) == ("x", "info", "ciba_service")
    assert line["time"] != "never"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Awkward(), "awkward"),
        ((1, "a"), [1, "a"]),
        ("\ud800", "'\\ud800'"),
        (2**70, 2**70),
        ({(1, 2): 3}, {"(1, 2)": 3}),
    ],
    ids=["object", "tuple", "surrogate", "number", "key"],
)
def test_whatever_is_logged_becomes_a_line(log: io.StringIO, value: object, shown: object):
    """No value makes a log call fail or a line disappear."""
    LogTelemetry().event("x", value=value)
    (line,) = lines_of(log)
    assert line["value"] == shown


@pytest.mark.parametrize(
    ("level", "expected"),
    [("debug", 2), ("info", 2), ("warning", 1), ("error", 1)],
)
def test_the_level_is_that_of_our_own_records(log: io.StringIO, level: str, expected: int):
    """Events are info, failures are errors."""
    configure_logging(level, log)
    LogTelemetry().event("e")
    LogTelemetry().failure("f", ValueError("v"))
    assert len(lines_of(log)) == expected


def test_libraries_are_heard_from_warning_up(log: io.StringIO):
    """Their chatter is left out at any level, their tracebacks are one line."""
    configure_logging("debug", log)
    library = logging.getLogger("some.library")
    library.info("chatter")
    try:
        int("broken")
    except ValueError:
        library.exception("request %s failed", 7)
    (line,) = lines_of(log)
    assert (line["logger"], line["level"], line["event"]) == (
        "some.library", "error", "request 7 failed",
    )  # fmt: skip
    assert line["traceback"].startswith("Traceback")
    assert line["traceback"].endswith(
        "ValueError: invalid literal for int() with base 10: 'broken'"
    )


def test_a_request_that_is_cut_off_at_the_end_is_no_defect(log: io.StringIO):
    """Uvicorn says so of each, with a traceback; what else it says is written."""
    server = logging.getLogger("uvicorn.error")
    for error in (asyncio.CancelledError(), RuntimeError("odd")):
        server.error("Exception in ASGI application", exc_info=error)
    server.error("no application")
    broken, other = lines_of(log)
    assert broken["traceback"].endswith("RuntimeError: odd")
    assert other["event"] == "no application"


def test_configuring_twice_writes_each_line_once(log: io.StringIO):
    """A second start in one process replaces the first handler."""
    configure_logging("info", log)
    LogTelemetry().event("x")
    assert len(lines_of(log)) == 1


def test_standard_error_is_where_logs_go(log: io.StringIO, capsys: pytest.CaptureFixture[str]):
    """Without a stream, standard error as it is now."""
    configure_logging("info")
    LogTelemetry().event("x")
    assert json.loads(capsys.readouterr().err)["event"] == "x"
    assert log.getvalue() == ""


def only_ours() -> None:
    """Leave out whatever pytest has put beside our handler for this very test.

    The fixture puts it back; in this list, which is not to be replaced.
    """
    handlers = logging.getLogger().handlers
    handlers[:] = [handler for handler in handlers if isinstance(handler, LineHandler)]


async def test_the_lines_of_a_tick_are_written_together_and_in_order(log: io.StringIO):
    """At its end; at once with a failure, and before whatever a library says."""
    only_ours()
    LogTelemetry().event("first")
    LogTelemetry().event("second")
    assert log.getvalue() == ""
    logging.getLogger("some.library").warning("third")
    LogTelemetry().event("fourth")
    LogTelemetry().failure("fifth", ValueError("v"))
    LogTelemetry().event("sixth")
    assert [line["event"] for line in lines_of(log)] == [
        "first", "second", "third", "fourth", "fifth",
    ]  # fmt: skip
    await asyncio.sleep(0)
    assert lines_of(log)[-1]["event"] == "sixth"


async def test_a_log_that_nobody_reads_any_more_fails_no_caller(log: io.StringIO):
    """What goes on is not about the log."""
    only_ours()
    LogTelemetry().event("before")
    log.close()
    LogTelemetry().event("after")
    LogTelemetry().failure("f", ValueError("v"))
    logging.getLogger("some.library").debug("unheard")
    await asyncio.sleep(0)


def test_a_host_keeps_its_own_log(caplog: pytest.LogCaptureFixture):
    """Our records go to their stream alone, and its loggers are as they were."""
    root, ours, stream = logging.getLogger(), logging.getLogger("ciba_service"), io.StringIO()
    before = root.handlers[:], root.level
    log_json_lines("warning", stream)
    try:
        LogTelemetry().event("device_enrolled", device_id="d")
        LogTelemetry().failure("service_not_running", ValueError("why"))
        (line,) = lines_of(stream)
        assert (line["event"], line["error"]) == ("service_not_running", "ValueError: why")
        assert caplog.records == []
        assert (root.handlers[:], root.level) == before
    finally:
        ours.handlers[:], ours.propagate = [], True
        ours.setLevel(logging.NOTSET)


def test_a_logger_of_ones_own_can_be_given():
    """Those who embed the service say where events go."""
    stream = io.StringIO()
    logger = logging.Logger("mine")  # noqa: LOG001 - one outside the tree
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    LogTelemetry(logger).event("x")
    assert lines_of(stream)[0]["logger"] == "mine"


class Pieces(io.StringIO):
    """A stream that remembers what was written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = [""]

    def write(self, text: str) -> int:
        """Until it is flushed it is one piece."""
        self.pieces[-1] += text
        return super().write(text)

    def flush(self) -> None:
        """What comes now is another."""
        self.pieces.append("")


@pytest.mark.usefixtures("log")
async def test_lines_of_workers_say_whose_they_are_and_are_kept_whole():
    """A pipe takes no more at once without letting another process in between."""
    stream = Pieces()
    configure_logging("info", stream, worker=3)
    for number in range(100):
        LogTelemetry().event("x", number=number, worker="another")
    LogTelemetry().event("long", text="x" * 5_000)
    logging.getLogger("some.library").warning("heard")
    *ours, library = lines_of(stream)
    assert [line.get("number") for line in ours] == [*range(100), None]
    assert {line["worker"] for line in (*ours, library)} == {3}
    pieces = [piece for piece in stream.pieces if piece]
    assert all(piece.endswith("\n") for piece in pieces)
    sizes = [len(piece) for piece in pieces if '"long"' not in piece]
    assert max(sizes) <= select.PIPE_BUF
    assert len(sizes) < 10
