"""What a server says on a connection is handed on as it comes, and how it ends is told."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError

from ciba_service.stores.driver.hearing import EndOfHearing, Hearing


@dataclass
class Speaker:
    """A server of one connection, that says what the test says; ``got`` is what it was sent."""

    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader
    heard: asyncio.Queue[object] = field(default_factory=asyncio.Queue)

    def say(self, data: bytes) -> None:
        """To the letter."""
        self.writer.write(data)


@asynccontextmanager
async def listening(*, ends_at: object = None) -> AsyncIterator[tuple[Hearing, Speaker]]:
    """Both ends of a connection; who hears ends it at ``ends_at``."""
    accepted: asyncio.Future[Speaker] = asyncio.get_running_loop().create_future()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(Speaker(writer, reader))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    connection = Connection(host=host, port=port, protocol=2, driver_info=None)
    await connection.connect()
    speaker = await accepted

    def hear(said: object) -> None:
        speaker.heard.put_nowait(said)
        if ends_at is not None and said == ends_at:
            raise EndOfHearing

    hearing = Hearing.over(connection, hear)
    try:
        yield hearing, speaker
    finally:
        hearing.leave()
        speaker.writer.close()
        server.close()
        await server.wait_closed()


async def test_what_is_said_arrives_whole_and_in_order():
    """However it is cut, and however much comes at once."""
    async with listening() as (_, speaker):
        speaker.say(b"*3\r\n$8\r\nsmess")
        await speaker.writer.drain()
        speaker.say(
            b"age\r\n$1\r\nc\r\n$3\r\none\r\n*3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$3\r\ntwo\r\n"
        )
        assert await speaker.heard.get() == [b"smessage", b"c", b"one"]
        assert await speaker.heard.get() == [b"smessage", b"c", b"two"]


async def test_commands_go_out_as_the_protocol_has_them():
    """Several at once, each an array of its words."""
    async with listening() as (hearing, speaker):
        hearing.send([("SSUBSCRIBE", "a", "b"), ("SSUBSCRIBE", "c")])
        expected = (
            b"*3\r\n$10\r\nSSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n"
            b"*2\r\n$10\r\nSSUBSCRIBE\r\n$1\r\nc\r\n"
        )
        assert await speaker.reader.readexactly(len(expected)) == expected


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"-NOPERM no channels for you\r\n", NoPermissionError),
        (b"?what\r\n", RedisConnectionError),
        (b"*1\r\n$3\r\nend\r\n", EndOfHearing),
    ],
    ids=["an error", "nonsense", "the word to end"],
)
async def test_an_error_nonsense_and_who_hears_end_it(said: bytes, error: type[Exception]):
    """The connection is closed, and who waits for its end learns why."""
    async with listening(ends_at=[b"end"]) as (hearing, speaker):
        speaker.say(said)
        with pytest.raises(error):
            await hearing.ended
        assert await speaker.reader.read() == b""


async def test_a_server_that_goes_away_ends_it():
    """As a connection that was lost."""
    async with listening() as (hearing, speaker):
        speaker.writer.close()
        with pytest.raises(RedisConnectionError, match="lost"):
            await hearing.ended


@pytest.mark.parametrize("says_error", [False, True])
async def test_who_leaves_need_not_ask_why_it_ended(*, says_error: bool):
    """Neither before the end nor after it does the loop complain of an error nobody looked at."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    async with listening() as (hearing, speaker):
        if says_error:
            speaker.say(b"-ERR\r\n")
            await asyncio.wait({hearing.ended})
    del hearing, speaker
    gc.collect()
    assert complaints == []


async def test_a_connection_that_ended_is_not_taken_over():
    """There is nothing to listen on."""
    with pytest.raises(RedisConnectionError, match="as soon as"):
        Hearing.over(Connection(), lambda _: None)
