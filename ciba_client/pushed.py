"""What a push says, fit to be shown: tokens decoded but not verified, and no secret among it."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

import msgspec

from ciba_client.sdk.jose.id_token import AUTH_REQ_ID_CLAIM

__all__ = ["HIDDEN", "shown_claims", "shown_push"]

HIDDEN: Final = "(hidden)"
_TOKENS: Final = ("id_token", "access_token", "refresh_token")
_PLAIN: Final = (
    "token_type",
    "expires_in",
    "scope",
    "authorization_details",
    "error",
    "error_description",
)


def shown_push(body: bytes, *, show_tokens: bool) -> dict[str, object]:
    """The members of a push (CIBA 10.3.1, 12); ``body`` is of bounded size."""
    try:
        members = msgspec.json.decode(body, type=dict[str, object])
    except (ValueError, RecursionError):
        return {"malformed": True}
    shown: dict[str, object] = {name: members[name] for name in _PLAIN if name in members}
    for name in _TOKENS:
        if name in members:
            shown[name] = _shown_token(members[name], show_tokens=show_tokens)
    return shown


def shown_claims(claims: Mapping[str, object], *, show_tokens: bool) -> dict[str, object]:
    """Claims without the name of the request, which is a secret like the tokens."""
    hidden = {} if show_tokens or AUTH_REQ_ID_CLAIM not in claims else {AUTH_REQ_ID_CLAIM: HIDDEN}
    return {**claims, **hidden}


def _shown_token(token: object, *, show_tokens: bool) -> object:
    if not isinstance(token, str):
        return "no token: not a string"
    raw = {"token": token} if show_tokens else {}
    claims = _claims(token)
    if claims is None:
        return {"opaque": True, **raw}
    return {"claims": shown_claims(claims, show_tokens=show_tokens), **raw}


def _claims(token: str) -> dict[str, object] | None:
    """What stands in a JWT; None for any other kind of token."""
    header, _, rest = token.partition(".")
    payload, dot, _ = rest.partition(".")
    try:
        content = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_")
        return msgspec.json.decode(content, type=dict[str, object]) if header and dot else None
    except (binascii.Error, ValueError, RecursionError):
        return None
