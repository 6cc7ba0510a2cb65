"""The site of the web phone: its files, where its service is, and nothing else.

It is found under one address only. A page elsewhere may let its own name lead to this machine (DNS
rebinding), so that any other ``Host`` is refused; one that names this machine otherwise is sent to
the address, since keys and passkeys of a browser belong to one origin.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from authenticator_sim.connection.addresses import is_loopback
from authenticator_sim.web.files import PageFile, page_files

__all__ = ["PhoneSite", "phone_page"]

_READING: Final = ("GET", "HEAD")
_CONFIGURATION: Final = "/configuration.json"


def phone_page() -> Mapping[str, PageFile]:
    """The files of the phone's page, as they come with this package."""
    return page_files(files("authenticator_sim.web") / "page")


class PhoneSite:
    """The ASGI application; ``address`` is where browsers find it: ``http://localhost:8070/``."""

    def __init__(self, *, issuer: str, address: str, page: Mapping[str, PageFile]) -> None:
        self._address = urlsplit(address)
        self._page = page
        self._configuration = json.dumps({"issuer": issuer}).encode()
        self._headers = {
            "content-security-policy": _policy(issuer),
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "cache-control": "no-cache",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        response = self._response(scope)
        response.headers.update(self._headers)
        await response(scope, receive, send)

    def _response(self, scope: Scope) -> Response:
        hosts = Headers(scope=scope).getlist("host")
        path: str = scope["path"]
        if len(hosts) != 1 or not self._is_address(hosts[0]):
            return self._elsewhere(hosts, scope)
        if scope["method"] not in _READING:
            return PlainTextResponse("Only GET.", 405, {"allow": ", ".join(_READING)})
        if path == _CONFIGURATION:
            return Response(self._configuration, media_type="application/json")
        found = self._page.get(path)
        if found is None:
            return PlainTextResponse("There is no such file.", 404)
        return Response(found.content, headers={"content-type": found.media_type})

    def _is_address(self, host: str) -> bool:
        return host.lower() == self._address.netloc

    def _elsewhere(self, hosts: list[str], scope: Scope) -> Response:
        path: str = scope["path"]
        if len(hosts) == 1 and path in self._page and _is_this_machine(hosts[0]):
            query = scope["query_string"].decode("latin-1")
            there = (self._address.scheme, self._address.netloc, path, query, "")
            return RedirectResponse(urlunsplit(there))
        return PlainTextResponse("This is not the address of the phone.", 421)


def _is_this_machine(host: str) -> bool:
    try:
        return is_loopback(f"http://{host}")
    except ValueError:  # brackets that are no address
        return False


def _policy(issuer: str) -> str:
    """What the page may do (CSP): run and show its own files, and talk to its service."""
    parts = urlsplit(issuer)
    socket = {"http": "ws", "https": "wss"}[parts.scheme]
    service = f"{parts.scheme}://{parts.netloc} {socket}://{parts.netloc}"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            f"connect-src 'self' {service}",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
