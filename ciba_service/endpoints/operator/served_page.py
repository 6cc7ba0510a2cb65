"""The operators' page (docs/operator-api.md): a closed table of files, read once.

It holds nothing of the service, so it is for whoever asks; all that it shows it asks the API for.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final, Self

from starlette.types import Scope, Send

from ciba_service.endpoints.body import header
from ciba_service.protocol.operators.problems import OperatorRefused, Problem

__all__ = ["PAGE_METHODS", "PageFile", "ServedPage"]

PAGE_METHODS: Final = ("GET", "HEAD")

_MEDIA_TYPES: Final = {
    "html": b"text/html; charset=utf-8",
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Final = (
    (b"content-security-policy", _POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),
)
_HOME: Final = b"/operator/"
_FOLDER: Final = b"/operator/page/"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file as it is answered; ``is_document``: it may be opened from anywhere, by a link.

    One without a body leads to the page.
    """

    body: bytes = field(repr=False)
    media_type: bytes
    is_document: bool
    tag: bytes

    @classmethod
    def of(cls, name: str, body: bytes) -> Self:
        """A file of the folder."""
        suffix = name.rpartition(".")[2]
        tag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode("ascii")
        return cls(body, _MEDIA_TYPES[suffix], suffix == "html", tag)


_WAY_HOME: Final = PageFile(b"", b"", is_document=True, tag=b"")


class ServedPage:
    """All files by their paths, as they are sent."""

    def __init__(self) -> None:
        folder = resources.files("ciba_service.endpoints.operator") / "page"
        read = {name.encode("ascii"): PageFile.of(name, body) for name, body in _read(folder, "")}
        files = {_FOLDER + name: file for name, file in read.items() if not file.is_document}
        home = {_HOME: read[b"index.html"], b"/": _WAY_HOME, b"/operator": _WAY_HOME}
        self._files: Mapping[bytes, PageFile] = {**files, **home}

    def find(self, scope: Scope) -> PageFile | None:
        """What stands at the path of a request, if it is the page's."""
        raw: bytes = scope["raw_path"]
        return self._files.get(raw.partition(b"?")[0])

    async def respond(self, file: PageFile, scope: Scope, send: Send) -> None:
        """Answer with a file, or that it is the one that the browser has.

        Raises:
            OperatorRefused: for any method but GET and HEAD.
        """
        if scope["method"] not in PAGE_METHODS:
            raise OperatorRefused(Problem.METHOD_NOT_ALLOWED)
        if file is _WAY_HOME:
            headers = [(b"location", _HOME), (b"content-length", b"0")]
            await _send(send, HTTPStatus.TEMPORARY_REDIRECT, headers)
        elif header(scope, b"if-none-match") == file.tag:
            await _send(send, HTTPStatus.NOT_MODIFIED, [(b"etag", file.tag)])
        else:
            length = b"%d" % len(file.body)
            headers = [
                (b"content-type", file.media_type),
                (b"content-length", length),
                (b"etag", file.tag),
            ]
            body = file.body if scope["method"] == "GET" else b""
            await _send(send, HTTPStatus.OK, headers, body)


def _read(folder: Traversable, prefix: str) -> Iterable[tuple[str, bytes]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _read(each, f"{prefix}{each.name}/")
        else:
            yield prefix + each.name, each.read_bytes()


async def _send(
    send: Send, status: HTTPStatus, headers: Iterable[tuple[bytes, bytes]], body: bytes = b""
) -> None:
    start = {"type": "http.response.start", "status": int(status), "headers": [*_HEADERS, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
