"""Exchanges without the secrets in them, and with their JWTs taken apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import msgspec
from joserfc.util import urlsafe_b64decode

from ciba_client.sdk.provider.exchange import Headers

__all__ = ["Redaction"]

_SECRETS: Final = frozenset(
    {
        "access_token",
        "auth_req_id",
        "authorization",
        "client_assertion",
        "client_notification_token",
        "dpop",
        "id_token",
        "id_token_hint",
        "login_hint_token",
        "refresh_token",
        "request",
        "set-cookie",
        "user_code",
    }
)
_HIDDEN: Final = frozenset({"user_code"})
_SHOWN: Final = 6
_SHORTEST: Final = 12
_LONGEST_BODY: Final = 8 * 1024
_SEGMENTS: Final = 3


@dataclass(frozen=True, slots=True)
class Redaction:
    """Shortens tokens unless they are to be shown; JWTs lose their signature."""

    show_tokens: bool = False

    def headers(self, headers: Headers) -> list[tuple[str, str]]:
        """All of them, in order."""
        return [(name, self._value(name, value)) for name, value in headers]

    def url(self, url: str) -> str:
        """With what its query gives away shortened."""
        parts = urlsplit(url)
        if not parts.query:
            return url
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        query = "&".join(f"{name}={self._value(name, value)}" for name, value in pairs)
        return urlunsplit(parts._replace(query=query))

    def body(self, body: bytes) -> str:
        """A form or a JSON object member by member, anything else as far as it is text."""
        text = body[:_LONGEST_BODY].decode(errors="replace")
        if not text or self.show_tokens:
            return text
        members = _json_object(body)
        if members is not None:
            return "\n".join(self._members(members))
        if "=" in text and "\n" not in text.strip() and "<" not in text:
            pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
            return "\n".join(line for pair in pairs for line in self._lines(*pair))
        return text

    def _members(self, members: Mapping[str, object]) -> list[str]:
        lines = ["{"]
        for name, value in members.items():
            shown = self._value(name, value) if isinstance(value, str) else value
            lines.append(f"  {_json(name)}: {_json(shown)}")
        return [*lines, "}"]

    def _lines(self, name: str, value: str) -> list[str]:
        """One parameter; under a JWT, what it says."""
        parts = _taken_apart(value) if name.lower() in _SECRETS else None
        if parts is None:
            return [f"{name} = {_bounded(self._value(name, value))}"]
        header, claims = parts
        shown = {key: self._claim(key, each) for key, each in claims.items()}
        return [f"{name} = a JWT", f"  header {_json(header)}", f"  claims {_json(shown)}"]

    def _claim(self, name: str, value: object) -> object:
        return self._value(name, value) if isinstance(value, str) else value

    def _value(self, name: str, value: str) -> str:
        lowered = name.lower()
        if self.show_tokens or lowered not in _SECRETS:
            return value
        if lowered in _HIDDEN:
            return "…"
        scheme, space, token = value.partition(" ")
        if lowered == "authorization" and space:
            return f"{scheme} {_shortened(token)}"
        return _shortened(value)


def _shortened(secret: str) -> str:
    if len(secret) < _SHORTEST:
        return "…"
    return f"{secret[:_SHOWN]}… ({len(secret)} characters)"


def _taken_apart(text: str) -> tuple[dict[str, object], dict[str, object]] | None:
    """Header and claims of a JWT, or None."""
    segments = text.encode(errors="replace").split(b".")
    if len(segments) != _SEGMENTS:
        return None
    try:
        header, claims = (_json_object(urlsafe_b64decode(each)) for each in segments[:2])
    except ValueError:
        return None
    return None if header is None or claims is None else (header, claims)


def _json_object(content: bytes) -> dict[str, object] | None:
    try:
        return msgspec.json.decode(content, type=dict[str, object])
    except (ValueError, RecursionError):
        return None


def _json(value: object) -> str:
    return _bounded(msgspec.json.encode(value).decode())


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST_BODY else f"{text[:_LONGEST_BODY]}…"
