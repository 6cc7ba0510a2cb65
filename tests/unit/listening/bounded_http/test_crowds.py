"""Requests that a crowded process refuses without a look at them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus

import pytest

from ciba_service.listening.refusals import refusal
from tests.unit.listening.bounded_http.bare_http import (
    HASTY,
    PATIENT,
    Connection,
    Listener,
    listening,
    request,
)

FORM = request("Content-Length: 4", body="form")
UNAVAILABLE = {
    "error": "temporarily_unavailable",
    "error_description": "The service is temporarily unavailable.",
}


@dataclass
class Crowding:
    """As the gate of a process."""

    is_crowded: bool = True
    has_room: bool = False
    turned_away: list[str] = field(default_factory=list)

    def lets_pass(self, address: str | None) -> None:
        """Nothing is counted."""

    def turn_away(self, address: str) -> bytes | None:
        """Refuse, or leave it to the application."""
        if self.has_room:
            return None
        self.turned_away.append(address)
        return refusal(HTTPStatus.SERVICE_UNAVAILABLE, retry=3, last=False)


@pytest.fixture
def crowd() -> Crowding:
    """A crowded process."""
    return Crowding()


@pytest.fixture
async def crowded(crowd: Crowding) -> AsyncIterator[Listener]:
    """Its listener, which waits."""
    async with listening(PATIENT, crowd=crowd) as listener:
        yield listener


async def test_a_plain_post_is_refused_at_a_glance(crowded: Listener, crowd: Crowding):
    """The application hears nothing; the connection stays, and is served when there is room."""
    async with crowded.connection() as connection:
        for _ in range(3):
            await connection.send(FORM)
            assert await connection.answer() == (503, UNAVAILABLE)
        assert crowd.turned_away == ["127.0.0.1"] * 3
        assert not crowded.application.arrived.is_set()
        crowd.is_crowded = False
        await connection.send(FORM)
        assert (await connection.answer())[0] == 200
        crowd.is_crowded = True
        await connection.send(FORM)
        head = await connection.head()
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"retry-after: 3\r\n" in head
    assert b"connection:" not in head


async def test_who_may_wait_is_left_to_the_application(crowded: Listener, crowd: Crowding):
    """Crowded is not full."""
    crowd.has_room = True
    async with crowded.connection() as connection:
        await connection.send(FORM)
        assert (await connection.answer())[0] == 200


@pytest.mark.parametrize(
    "sent", [request("Connection: close", "Content-Length: 0"), FORM + FORM, FORM[:-1]]
)
async def test_whatever_is_not_plain_is_parsed(crowded: Listener, crowd: Crowding, sent: bytes):
    """Also what is not whole yet: the rest of it is no new request."""
    async with crowded.connection() as connection:
        await connection.send(sent)
        if sent == FORM[:-1]:
            await crowded.application.arrived.wait()
            await connection.send(b"m")
        assert (await connection.answer())[0] == 200
    assert crowd.turned_away == []


async def test_the_rest_of_a_head_is_no_request_of_its_own(crowded: Listener, crowd: Crowding):
    """However much it looks like one: it is a line of the head before."""
    crowd.is_crowded = False
    async with crowded.connection() as connection:
        await connection.send(b"POST /token HTTP/1.1\r\nHost: a\r\nX: ")
        await connection.send(b"y\r\nContent-Length: 4\r\n\r\n")
        await crowded.application.arrived.wait()
        crowd.is_crowded = True
        await connection.send(b"form")
        assert (await connection.answer())[0] == 200
    assert crowd.turned_away == []


async def test_who_waits_for_an_answer_is_not_answered_out_of_turn(
    crowded: Listener, crowd: Crowding
):
    """A second request while the first is under work waits for it."""
    async with crowded.connection() as connection:
        crowd.is_crowded = False
        await connection.send(request("Content-Length: 0", target="/held"))
        await crowded.application.arrived.wait()
        crowd.is_crowded = True
        await connection.send(FORM)
        await crowded.until_queued()
        crowded.application.gate.set()
        assert [(await connection.answer())[1]["path"] for _ in "ab"] == ["/held", "/token"]
    assert crowd.turned_away == []


async def test_who_was_refused_has_its_time_again(crowd: Crowding):
    """And no more: a connection that then is silent ends."""
    async with listening(HASTY, crowd=crowd) as listener, listener.connection() as connection:
        await connection.send(FORM)
        assert (await connection.answer())[0] == 503
        assert await connection.is_ended()


async def keep_asking(connection: Connection, silent: Connection) -> None:
    """Be refused again and again until the silent one has ended."""
    ending = asyncio.create_task(silent.is_ended())
    while not ending.done():
        await connection.send(FORM)
        assert (await connection.answer())[0] == 503
    assert await ending


async def test_who_is_refused_and_asks_again_stays(crowd: Crowding):
    """Its time begins with each refusal; one that came later and says nothing ends before."""
    async with (
        listening(HASTY, crowd=crowd) as listener,
        listener.connection() as connection,
        listener.connection() as silent,
    ):
        await keep_asking(connection, silent)
        await connection.send(FORM)
        assert (await connection.answer())[0] == 503


async def test_who_was_served_and_is_refused_then_is_not_silent(crowd: Crowding):
    """What is counted after an answer ends with the next request, whoever answers that."""
    async with (
        listening(PATIENT, crowd=crowd, keep_alive=0.2) as listener,
        listener.connection() as connection,
        listener.connection() as silent,
    ):
        crowd.is_crowded = False
        for each in (connection, silent):
            await each.send(FORM)
            assert (await each.answer())[0] == 200
        crowd.is_crowded = True
        await keep_asking(connection, silent)
        await connection.send(FORM)
        assert (await connection.answer())[0] == 503


async def test_who_reads_no_refusal_is_told_no_other(crowd: Crowding):
    """Refusals do not pile up; whoever answers next waits until they are read."""

    def turn_away(address: str) -> bytes:
        crowd.turned_away.append(address)
        return bytes(20_000_000)

    crowd.turn_away = turn_away  # type: ignore[method-assign]
    async with (
        listening(PATIENT, crowd=crowd) as listener,
        listener.connection(buffer=1_024) as connection,
    ):
        await connection.send(FORM)
        await listener.until_unread()
        await connection.send(FORM)
        await listener.application.arrived.wait()
        assert len(crowd.turned_away) == 1
