"""Who looks after the service, and where: ``[operator]`` and ``[[operators]]``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from ciba_service.protocol.operators.tokens import Operator, OperatorToken, Role
from ciba_service.settings.issuer import is_loopback, issuer_defect

__all__ = [
    "OperatorAccountSettings",
    "OperatorSettings",
    "OperatorTokenSettings",
    "operator_token",
    "operators_defect",
]

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class OperatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The listener for operators: ``base_url`` is where a proxy in front is reached.

    ``session_seconds`` is how long a session in a browser lasts.
    """

    host: _Text = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8090
    tls_certificate: _Text | None = None
    tls_key: _Text | None = None
    base_url: _Text | None = None
    session_seconds: Annotated[int, msgspec.Meta(ge=60, le=43_200)] = 3_600


class OperatorTokenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token: its SHA-256 in hexadecimal, and when it ends, with an offset from UTC."""

    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    expires: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    def __repr__(self) -> str:
        return f"OperatorTokenSettings(expires={self.expires!r}, ...)"


class OperatorAccountSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """An operator; two tokens let one be replaced by the other."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,64}\Z")]
    roles: Annotated[tuple[Literal["read", "write"], ...], msgspec.Meta(min_length=1)]
    tokens: Annotated[tuple[OperatorTokenSettings, ...], msgspec.Meta(min_length=1, max_length=8)]

    def operator(self) -> Operator:
        """As the rules know it."""
        return Operator(
            self.name, frozenset(map(Role, self.roles)), tuple(map(operator_token, self.tokens))
        )


def operators_defect(
    listener: OperatorSettings, accounts: Sequence[OperatorAccountSettings]
) -> str | None:
    """What is wrong with listener or operators, as a sentence that begins with the key."""
    if not accounts:
        unused = listener != OperatorSettings()
        return "operator goes with at least one of [[operators]]" if unused else None
    return _listener_defect(listener) or _accounts_defect(accounts)


def _listener_defect(listener: OperatorSettings) -> str | None:
    if (listener.tls_certificate is None) != (listener.tls_key is None):
        return "operator.tls_certificate and operator.tls_key go together"
    if listener.tls_certificate is None and not is_loopback(listener.host):
        return f"operator.host {listener.host} is no loopback address: set operator.tls_certificate"
    return None if listener.base_url is None else _base_url_defect(listener.base_url)


def _base_url_defect(base_url: str) -> str | None:
    defect = issuer_defect(base_url)
    if defect is not None:
        return f"operator.base_url {defect}"
    parts = urlsplit(base_url)
    if parts.scheme != "https" or parts.path:
        return "operator.base_url must be an https URL without a path"
    return None


def _accounts_defect(accounts: Sequence[OperatorAccountSettings]) -> str | None:
    names, hashes = set[str](), set[str]()
    for number, account in enumerate(accounts):
        if account.name in names:
            return f"operators[{number}].name is used twice"
        names.add(account.name)
        for token in account.tokens:
            if token.sha256 in hashes:
                return f"operators[{number}].tokens has a token that is used twice"
            hashes.add(token.sha256)
    return None


def operator_token(token: OperatorTokenSettings) -> OperatorToken:
    """As the rules know it."""
    expires = None if token.expires is None else int(token.expires.timestamp() * 1000)
    return OperatorToken(token.sha256, expires)
