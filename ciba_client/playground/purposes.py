"""What an exchange is for, read from its address and its form."""

from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from ciba_client.sdk.provider.exchange import Exchange

__all__ = ["Purpose", "form_of", "purpose_of"]

_CIBA_GRANT = "urn:openid:params:grant-type:ciba"


class Purpose(StrEnum):
    """The kinds of requests that this client sends."""

    DISCOVERY = "Discovery"
    KEYS = "Signing keys"
    RECEIPT_KEYS = "Receipt keys"
    REQUEST = "Authentication request"
    POLL = "Token request"
    REFRESH = "Refresh"
    CANCEL = "Cancel"
    RECEIPT = "Receipt"
    INTROSPECTION = "Introspection"
    RESOURCE = "Userinfo"


_BY_ENDING = {
    "/.well-known/openid-configuration": Purpose.DISCOVERY,
    "/sca-receipts/jwks": Purpose.RECEIPT_KEYS,
    "/cancel": Purpose.CANCEL,
    "/receipt": Purpose.RECEIPT,
}
_BY_GRANT = {_CIBA_GRANT: Purpose.POLL, "refresh_token": Purpose.REFRESH}


def form_of(body: bytes) -> tuple[tuple[str, str], ...]:
    """The parameters of a form, in their order."""
    text = body.decode("utf-8", "replace")
    return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=100))


def purpose_of(exchange: Exchange) -> Purpose:
    """What this client wanted."""
    path = urlsplit(exchange.url).path
    for ending, purpose in _BY_ENDING.items():
        if path.endswith(ending):
            return purpose
    if any(name.lower() == "authorization" for name, _ in exchange.request_headers):
        return Purpose.RESOURCE
    if exchange.method == "GET":
        return Purpose.KEYS
    form = dict(form_of(exchange.request_body))
    if (by_grant := _BY_GRANT.get(form.get("grant_type", ""))) is not None:
        return by_grant
    return Purpose.INTROSPECTION if "token" in form else Purpose.REQUEST
