"""The two names of a transaction: one secret for its client, one for everybody else (CIBA 7.3)."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from ciba_service.protocol.jose.encoding import base64url

__all__ = ["AuthReqId", "is_transaction_id", "new_auth_req_id", "parse_auth_req_id"]

_ENTROPY_BYTES: Final = 32
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TRANSACTION_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


class AuthReqId(msgspec.Struct, frozen=True):
    """``auth_req_id``: the client's secret; its ``repr`` is masked."""

    value: str

    def __repr__(self) -> str:
        return "AuthReqId(...)"


def new_auth_req_id(token_bytes: Callable[[int], bytes]) -> AuthReqId:
    """256 random bits as 43 characters of ``A-Za-z0-9-_``."""
    return AuthReqId(base64url(token_bytes(_ENTROPY_BYTES)))


def parse_auth_req_id(text: str) -> AuthReqId | None:
    """What a client presents, or None when it cannot be one of ours."""
    return AuthReqId(text) if _SHAPE.fullmatch(text) else None


def is_transaction_id(text: str) -> bool:
    """Whether a text looks like the name of a transaction."""
    return _TRANSACTION_ID.fullmatch(text) is not None
