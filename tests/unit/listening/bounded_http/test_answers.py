"""Answers, short ones and others, arrive as the application told them, or not at all."""

import json
from typing import Any

import pytest

from tests.unit.listening.bounded_http.bare_http import Connection, Listener, request

JSON = (b"content-type", b"application/json")


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    """The head of an answer."""
    return {"type": "http.response.start", "status": status, "headers": headers}


def length(number: int) -> tuple[bytes, bytes]:
    """A header."""
    return b"content-length", b"%d" % number


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    """The body, or a part of it."""
    return {"type": "http.response.body", "body": data, "more_body": more}


async def told(listener: Listener, connection: Connection, *messages: dict[str, Any]) -> bytes:
    """The head of the answer to a request whose answer is told so."""
    listener.application.messages = list(messages)
    await connection.send(request("Content-Length: 3", body="abc", target="/told"))
    return await connection.head()


async def test_a_short_answer_is_its_head_and_its_body(patient: Listener):
    """Status, headers in their order, and the next answer on the same connection."""
    async with patient.connection() as connection:
        for status, line in ((200, b"200 OK"), (400, b"400 Bad Request")):
            messages = start(JSON, length(2), status=status), body(b"{}")
            head = await told(patient, connection, *messages)
            assert head == (
                b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n" % line
            )
            assert await connection.reader.readexactly(2) == b"{}"


async def test_a_body_may_come_in_parts(patient: Listener):
    """Of a length that was told, and of one that was not."""
    async with patient.connection() as connection:
        parts = body(b"{", more=True), body(b"}")
        await told(patient, connection, start(length(2)), *parts)
        assert await connection.reader.readexactly(2) == b"{}"
        head = await told(patient, connection, start(JSON), *parts)
        assert b"transfer-encoding: chunked" in head
        assert await connection.reader.readexactly(17) == b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"


async def test_a_connection_ends_where_an_answer_says_so(patient: Listener):
    """Whatever comes after it is not read."""
    async with patient.connection() as connection:
        close = b"connection", b"close"
        assert close[0] in await told(patient, connection, start(length(0), close), body(b""))
        assert await connection.is_ended()


async def test_an_old_client_is_told_that_its_connection_ends(patient: Listener):
    """HTTP/1.0 keeps none."""
    patient.application.messages = [start(length(2)), body(b"{}")]
    async with patient.connection() as connection:
        await connection.send(request(target="/told").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert (await connection.head()).endswith(b"connection: close\r\n\r\n")
        assert await connection.reader.read() == b"{}"


async def test_the_head_alone_has_the_length_of_what_is_left_out(patient: Listener):
    """RFC 9110 9.3.2."""
    patient.application.messages = [start(length(2)), body(b"{}")]
    async with patient.connection() as connection:
        await connection.send(b"HEAD /told HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"content-length: 2\r\n" in await connection.head()
        assert await connection.reader.read() == b""


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\0b"])
@pytest.mark.parametrize("name", [b"x", b"content-type"])
async def test_no_value_makes_a_line_of_its_own(patient: Listener, name: bytes, value: bytes):
    """Nothing of such an answer is sent (RFC 9112 11.1)."""
    patient.application.messages = [start((name, value), length(2)), body(b"{}")]
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 0", target="/told"))
        answer = await connection.reader.read()
        assert b"set-cookie" not in answer
        assert answer == b"" or answer.startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize("data", [b"{", b"{}}"])
async def test_a_body_of_another_length_ends_the_connection(patient: Listener, data: bytes):
    """The next answer must not be taken for its rest."""
    async with patient.connection() as connection:
        await told(patient, connection, start(length(2)), body(data))
        assert len(await connection.reader.read()) < 2


async def test_an_answer_that_is_never_finished_ends_the_connection(patient: Listener):
    """Its head alone tells nobody anything."""
    patient.application.messages = [start(length(2))]
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 0", target="/told"))
        assert await connection.is_ended()


async def test_an_application_that_says_nothing_is_unavailable(patient: Listener):
    """No answer is 500: whoever asked may come again."""
    patient.application.messages = []
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 0", target="/told"))
        head = await connection.head()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in head
        assert json.loads(await connection.reader.read())["error"] == "temporarily_unavailable"


async def test_the_end_waits_for_an_answer_that_is_under_work(patient: Listener):
    """It is the last of its connection."""
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 0", target="/held"))
        await patient.application.arrived.wait()
        for each in list(patient.server.server_state.connections):
            each.shutdown()
        patient.application.gate.set()
        head = await connection.head()
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close\r\n" in head
        assert json.loads(await connection.reader.read())["path"] == "/held"


async def test_what_the_end_cuts_off_is_unavailable(patient: Listener):
    """A request that is still under work when nobody waits any longer."""
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 0", target="/held"))
        await patient.application.arrived.wait()
        for task in patient.server.server_state.tasks:
            task.cancel()
        assert (await connection.answer())[0] == 503
        assert await connection.is_ended()
