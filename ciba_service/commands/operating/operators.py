"""``ciba-service operators``: a token for somebody who looks after the service."""

import hashlib
import secrets
import sys
from typing import Final

import msgspec

from ciba_service.protocol.jose.encoding import base64url

__all__ = ["new_operator_token"]

_TOKEN_BYTES: Final = 32


class _TokenRow(msgspec.Struct, frozen=True):
    operator_token: str
    sha256: str


def new_operator_token(*, as_json: bool) -> None:
    """Make a token of 256 random bits; only its hash belongs into the configuration."""
    token = base64url(secrets.token_bytes(_TOKEN_BYTES))
    row = _TokenRow(token, hashlib.sha256(token.encode("ascii")).hexdigest())
    if as_json:
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        return
    sys.stdout.write(f"operator token  {token}  (for the operator; it is shown once)\n")
    sys.stdout.write('\nfor the configuration:\n\n[[operators]]\nname = "who"\nroles = ["read"]\n')
    sys.stdout.write(f'tokens = [{{ sha256 = "{row.sha256}" }}]\n')
