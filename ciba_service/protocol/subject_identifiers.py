"""What clients call users: as the service does, or by a name of their sector alone.

A pairwise identifier is the user's name under AES-SIV (RFC 5297), with the sector beside it: the
same each time, another in every sector, told apart from all other text by its tag, and read back
by nobody but the service (OpenID Connect Core 8.1).
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.jose.encoding import (
    MalformedEncodingError,
    base64url,
    parse_base64url,
)

__all__ = ["PAIRWISE_PURPOSE", "SubjectIdentifiers"]

PAIRWISE_PURPOSE: Final = "pairwise"
"""What the key is derived for (``Ring.derive``)."""

# 255 characters, which is what OpenID Connect Core 2 allows. Of longer names the rest is left out:
# the tag in front is of all of it, so that they stay apart, and only hints cannot name them.
_LONGEST: Final = 191


class SubjectIdentifiers:
    """Identifiers for clients, under one key of 256 bits."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def pairwise(self, client: Client, subject: str) -> str | None:
        """What a client of a sector calls the user; None where it is the ``subject`` itself."""
        if client.sector is None:
            return None
        sealed = self._cipher.encrypt(subject.encode("utf-8"), [client.sector.encode("ascii")])
        return base64url(sealed[:_LONGEST])

    def told(self, client: Client, subject: str) -> str:
        """What the client calls the user, whatever kind of client it is."""
        return self.pairwise(client, subject) or subject

    def subject(self, client: Client, name: str) -> str:
        """Whom a client means: the user of an identifier of its sector, or else ``name`` itself."""
        if client.sector is None:
            return name
        try:
            sealed, sector = parse_base64url(name), client.sector.encode("ascii")
            return self._cipher.decrypt(sealed, [sector]).decode("utf-8")
        except (MalformedEncodingError, InvalidTag):
            return name
