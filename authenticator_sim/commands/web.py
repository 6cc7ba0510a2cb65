"""``authenticator-sim web``: phones in a browser, until it is told to stop."""

import asyncio
import re
import signal
import socket
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.connection.addresses import require_issuer, require_protected
from authenticator_sim.errors import UsageError
from authenticator_sim.loopback import (
    listen_on_localhost,
    listen_on_loopback,
    serve_on_loopback,
)
from authenticator_sim.terminal.look.qr_code import qr_code
from authenticator_sim.web.site import PhoneSite, phone_page

__all__ = ["WebOptions", "serve_web"]

_ENDING: Final = (signal.SIGINT, signal.SIGTERM)
_LOOPBACK: Final = "127.0.0.1"
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.:\[\]-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class WebOptions:
    """What the command line asks for; ``url`` is where browsers find the page, if elsewhere."""

    issuer: str
    host: str
    port: int
    url: str | None
    opens: bool
    shows_qr: bool


async def serve_web(options: WebOptions, surroundings: Surroundings) -> bool:
    """Serve the page until SIGINT or SIGTERM.

    Returns:
        True when a signal ended it.

    Raises:
        PhoneError: An address cannot be used, or the port cannot be opened.
    """
    parts = urlsplit(require_issuer(options.issuer))
    if not _ORIGIN.fullmatch(f"{parts.scheme}://{parts.netloc}"):
        raise UsageError("--issuer is an https:// URL in lower case, or http:// on this machine.")
    with ExitStack() as stack:
        listeners = [stack.enter_context(each) for each in _listeners(options)]
        stop = stack.enter_context(_signals())
        address = _address(options.url, listeners[0])
        site = PhoneSite(issuer=options.issuer, address=address, page=phone_page())
        serving = asyncio.create_task(serve_on_loopback(site, *listeners))
        _tell(address, surroundings, shows_qr=options.shows_qr)
        if options.opens:
            await asyncio.to_thread(webbrowser.open, address)
        return await _until_ended(serving, stop)


def _listeners(options: WebOptions) -> tuple[socket.socket, ...]:
    if options.host == _LOOPBACK:
        return listen_on_localhost(options.port)
    return (listen_on_loopback(options.port, options.host),)


def _address(url: str | None, listener: socket.socket) -> str:
    if url is None:
        return f"http://localhost:{listener.getsockname()[1]}/"
    origin = require_protected(url).removesuffix("/")
    if not _ORIGIN.fullmatch(origin):
        raise UsageError("--url is an http:// or https:// URL in lower case, without a path.")
    return f"{origin}/"


def _tell(address: str, surroundings: Surroundings, *, shows_qr: bool) -> None:
    screen = surroundings.stdout
    screen.write(f"The phone is at {address}\nA second one is at {address}?phone=2\n")
    if shows_qr:
        screen.write(qr_code(address, coloured=screen.isatty() and not surroundings.plain))
    screen.flush()


@contextmanager
def _signals() -> Iterator[asyncio.Event]:
    """Set when the command is to end."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _ENDING:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in _ENDING:
            loop.remove_signal_handler(number)


async def _until_ended(serving: asyncio.Task[None], stop: asyncio.Event) -> bool:
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return stopped.done()
    finally:
        for task in (serving, stopped):
            task.cancel()
        await asyncio.wait({serving, stopped})
