"""Whoever waits for an answer and goes away is noticed, whatever else it has asked for."""

import asyncio

import pytest

from tests.unit.listening.bounded_http.bare_http import Listener, request


@pytest.mark.parametrize("queued", [0, 1, 3])
async def test_a_sender_that_has_gone_is_noticed(patient: Listener, queued: int):
    """The request under work hears of it, also where others wait for their turn behind it."""
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 3", body="abc", target="/patient"))
        await patient.application.arrived.wait()
        await connection.send(request("Content-Length: 0") * queued)
        if queued:
            await patient.until_queued()
    async with asyncio.timeout(10):
        await patient.application.left.wait()


async def test_as_many_as_are_sent_at_once_have_their_answers(patient: Listener):
    """More than are read while another is under work."""
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 0", target="/held"))
        await patient.application.arrived.wait()
        for number in range(40):
            await connection.send(request("Content-Length: 3", body="abc", target=f"/{number}"))
        patient.application.gate.set()
        answers = [(await connection.answer())[1]["path"] for _ in range(41)]
    assert answers == ["/held", *(f"/{number}" for number in range(40))]


async def test_no_more_wait_than_are_read_at_once(patient: Listener):
    """However many are sent: each answer makes room for one, not for all that came meanwhile."""
    number, size, read_at_once = 3_000, 3_000, 262_144
    sent = request(f"X: {'x' * size}", "Content-Length: 0") * number
    longest = 0
    async with patient.connection() as connection:
        connection.writer.write(sent)
        for _ in range(number):
            assert (await connection.answer())[0] == 200
            longest = max(longest, patient.most_queued())
    assert 0 < longest < 2 * read_at_once // size


async def test_whoever_sends_hundreds_at_once_is_let_go(patient: Listener):
    """What has come in one read is parsed at once, and would take much more room than it took."""
    async with patient.connection() as connection:
        await connection.send(request("Content-Length: 0", target="/held"))
        await patient.application.arrived.wait()
        await connection.send(request("Content-Length: 0") * 1_000)
        async with asyncio.timeout(10):
            assert await connection.is_ended()
    await patient.until_deserted()
