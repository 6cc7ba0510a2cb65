"""Taking a connection over from the driver, which opened it with its passwords, TLS and sentinels.

From then on its transport speaks to a protocol of ours: the driver's streams, with a task and a
timeout for each exchange, cost more than everything else on the way to Redis.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

__all__ = ["Handover", "hand_over"]


class Handover(NamedTuple):
    """What is left of a connection of the driver.

    ``error_of`` makes its errors of what the server says; ``kept`` closes the transport when it
    goes.
    """

    transport: asyncio.WriteTransport
    error_of: Callable[[str], Exception]
    kept: object


def hand_over(connection: AbstractConnection) -> Handover:
    """Take an open connection on which nothing is under way; its object is of no use afterwards.

    Raises:
        RedisConnectionError: it has ended already.
    """
    streams, writer = connection._reader, connection._writer  # noqa: SLF001 - no public way
    if streams is None or writer is None or writer.transport.is_closing():
        raise RedisConnectionError("the connection ended as soon as it was made")
    # The driver closes what it finds here when its object goes.
    connection._reader = connection._writer = None  # noqa: SLF001
    parser = connection._parser  # noqa: SLF001
    return Handover(writer.transport, parser.parse_error, (streams, writer))
