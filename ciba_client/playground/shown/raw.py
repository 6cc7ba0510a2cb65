"""HTTP as text: to the letter, and with JSON and forms spread out."""

import json
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ciba_client.playground.purposes import form_of
from ciba_client.playground.status_phrase import status_phrase
from ciba_client.sdk.provider.exchange import Exchange, Headers

__all__ = ["RawHttp", "fields_of", "raw_request", "raw_response"]

_FORM = "application/x-www-form-urlencoded"
# What is spread out may be this much longer than it came; deep lists would fill the memory.
_LONGEST_SPREAD: Final = 256 * 1024


class RawHttp(msgspec.Struct, frozen=True):
    """One direction of an exchange: first line, header fields, and its body in two forms."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: str
    pretty: str


def raw_request(exchange: Exchange) -> RawHttp:
    """What was asked."""
    parts = urlsplit(exchange.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return RawHttp(
        line=f"{exchange.method} {target} HTTP/1.1",
        headers=exchange.request_headers,
        body=_text(exchange.request_body),
        pretty=_pretty(exchange.request_body, exchange.request_headers),
    )


def raw_response(exchange: Exchange) -> RawHttp:
    """What was answered; without an answer, why there is none."""
    if exchange.status is None:
        return RawHttp(exchange.failure or "no answer", (), "", "")
    return RawHttp(
        line=f"HTTP/1.1 {exchange.status} {status_phrase(exchange.status)}".rstrip(),
        headers=exchange.response_headers,
        body=_text(exchange.response_body),
        pretty=_pretty(exchange.response_body, exchange.response_headers),
    )


def fields_of(body: bytes, headers: Headers) -> tuple[tuple[str, object], ...]:
    """The parameters of a form, or the members of a JSON object."""
    if _media_type(headers) == _FORM:
        return form_of(body)
    try:
        return tuple(msgspec.json.decode(body, type=dict[str, object]).items())
    except (ValueError, RecursionError):
        return ()


def _pretty(body: bytes, headers: Headers) -> str:
    if _media_type(headers) == _FORM:
        return "\n".join(f"{name} = {value}" for name, value in form_of(body))
    try:
        members: object = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return _text(body)
    return _spread(members) or _text(body)


def _spread(members: object) -> str | None:
    """JSON with an indent; None where that is out of proportion."""
    parts, length = [], 0
    try:
        for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(members):
            parts.append(part)
            length += len(part)
            if length > _LONGEST_SPREAD:
                return None
    except (ValueError, RecursionError):
        return None
    return "".join(parts)


def _media_type(headers: Headers) -> str:
    values = [value for name, value in headers if name.lower() == "content-type"]
    return values[0].partition(";")[0].strip().lower() if values else ""


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
