"""Who may speak to the playground: its own page in a browser of whoever started it.

Every request must name this address as its host (no DNS rebinding) and, where it says where it
comes from, this very origin. What lies under ``/api/`` also needs the secret that was printed: it
reaches the page in the fragment of its address, which browsers send nowhere, and comes back in a
header. A cookie would not do: cookies know no ports, so that any other server of this machine that
the browser visits would be sent it.
"""

import hmac
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Gate"]

_API: Final = "/api/"
_CHANGING: Final = "POST"
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    b" connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    b" require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Final = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Gate:
    """Refuses whatever does not come from the page, and adds the headers of every answer."""

    def __init__(self, app: ASGIApp, *, secret: str) -> None:
        self._app = app
        self._authorization = f"Bearer {secret}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_headers(scope)]}
            await send(message)

        app = self._refusal(scope) or self._app
        await app(scope, receive, answer)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in _names_of(scope):
            return _refused(421, "This is not the address of the playground.")
        if not _is_own(headers, f"http://{hosts[0].lower()}", scope["method"]):
            return _refused(403, "Only the page of the playground may ask.")
        if scope["path"].startswith(_API) and not self._is_proven(headers):
            return _refused(401, "Open the address that ciba-client playground has printed.")
        return None

    def _is_proven(self, headers: Headers) -> bool:
        given = headers.getlist("authorization")
        return len(given) == 1 and hmac.compare_digest(given[0].encode(), self._authorization)


def _headers(scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
    kept = b"no-store" if scope["path"].startswith(_API) else b"no-cache"
    return (*_HEADERS, (b"cache-control", kept))


def _names_of(scope: Scope) -> frozenset[str]:
    """The names of the address that the connection came in at."""
    host, port = scope["server"]
    name = f"[{host}]" if ":" in host else host
    return frozenset({f"{name}:{port}", f"localhost:{port}"})


def _is_own(headers: Headers, origin: str, method: str) -> bool:
    origins = headers.getlist("origin")
    if headers.get("sec-fetch-site", "none") not in _OWN_SITES and method == _CHANGING:
        return False
    return origins == [origin] or (not origins and method != _CHANGING)


def _refused(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status)
