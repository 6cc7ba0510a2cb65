"""Token endpoints of others that redeem grants here: ``[grants]`` and ``[[token_endpoints]]``."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from ciba_service.protocol.token_endpoints import TokenEndpointParty
from ciba_service.settings.issuer import is_loopback
from ciba_service.settings.operators import OperatorTokenSettings, operator_token

__all__ = ["GrantSettings", "TokenEndpointSettings", "grants_defect"]

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class GrantSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The listener of the grant API; without ``port`` it is the ordinary one."""

    host: _Text = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    tls_certificate: _Text | None = None
    tls_key: _Text | None = None


class TokenEndpointSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token endpoint; ``clients`` are those it may act for, without it all."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,64}\Z")]
    tokens: Annotated[tuple[OperatorTokenSettings, ...], msgspec.Meta(min_length=1, max_length=8)]
    clients: tuple[_Text, ...] | None = None

    def party(self) -> TokenEndpointParty:
        """As the rules know it."""
        clients = None if self.clients is None else frozenset(self.clients)
        return TokenEndpointParty(self.name, tuple(map(operator_token, self.tokens)), clients)


def grants_defect(
    listener: GrantSettings, endpoints: Sequence[TokenEndpointSettings]
) -> str | None:
    """What is wrong with listener or token endpoints, as a sentence that begins with the key."""
    if not endpoints:
        unused = listener != GrantSettings()
        return "grants goes with at least one of [[token_endpoints]]" if unused else None
    return _listener_defect(listener) or _endpoints_defect(endpoints)


def _listener_defect(listener: GrantSettings) -> str | None:
    if listener.port is None:
        unused = listener != GrantSettings()
        return "grants.port is needed for a listener of its own" if unused else None
    if (listener.tls_certificate is None) != (listener.tls_key is None):
        return "grants.tls_certificate and grants.tls_key go together"
    if listener.tls_certificate is None and not is_loopback(listener.host):
        return f"grants.host {listener.host} is no loopback address: set grants.tls_certificate"
    return None


def _endpoints_defect(endpoints: Sequence[TokenEndpointSettings]) -> str | None:
    names, hashes = set[str](), set[str]()
    for number, endpoint in enumerate(endpoints):
        if endpoint.name in names:
            return f"token_endpoints[{number}].name is used twice"
        names.add(endpoint.name)
        for token in endpoint.tokens:
            if token.sha256 in hashes:
                return f"token_endpoints[{number}].tokens has a token that is used twice"
            hashes.add(token.sha256)
    return None
