"""Replacing a registration: everything is said anew (RFC 7592 2.2)."""

from collections.abc import Mapping
from typing import Final

from ciba_service.protocol.client.metadata import InvalidMetadataError
from ciba_service.protocol.errors import InvalidRequestError, Reason

__all__ = ["verify_update"]

# What only the provider says; a secret would be one that the client chose.
_ASSIGNED: Final = frozenset(
    {
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
        "client_secret",
    }
)


def verify_update(members: Mapping[str, object], *, client_id: str) -> None:
    """Check what an update must and must not contain.

    Raises:
        InvalidRequestError: when it contains what only the provider may say.
        InvalidMetadataError: when ``client_id`` is missing or another's.
    """
    if _ASSIGNED & members.keys():
        raise InvalidRequestError from Reason("the update has a member that the provider assigns")
    if members.get("client_id") != client_id:
        raise InvalidMetadataError("client_id is missing or another")
