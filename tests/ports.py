"""Ports for servers that tests start: of two workers, and of two calls, none gives the same."""

import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import Final

_FIRST: Final = 15_000
_CONNECTIONS: Final = 32_768  # From here on the kernel gives ports to connections.


def _candidates() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = range(_FIRST + worker, _CONNECTIONS, workers)
    # Not always the same one first: whoever runs the tests may run them twice at a time.
    begin = random.randrange(len(share))  # noqa: S311  (a port)
    return cycle((*share[begin:], *share[:begin]))


_untried = _candidates()


def free_port() -> int:
    """A port that nobody listens at; it is this worker's, and no connection's, until it is used."""
    with held_ports(1) as (port,):
        return port


@contextmanager
def held_ports(count: int) -> Iterator[list[int]]:
    """Ports at which nobody answers until the end of the block, each another one."""
    with ExitStack() as stack:
        yield [_hold(stack.enter_context(socket.socket())) for _ in range(count)]


def _hold(held: socket.socket) -> int:
    for port in _untried:
        try:
            held.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise AssertionError("the ports never end")
