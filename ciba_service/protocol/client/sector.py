"""Pairwise clients: what they must register, and whose identifiers they share (CIBA 4).

Clients of one sector call a user alike, clients of two sectors differently (OpenID Connect
Core 8.1). Who polls or is pinged has no redirect URI that would vouch for a sector: the key set
that it publishes does, together with the proof that one of its keys is the client's.
"""

from typing import Final

from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json
from ciba_service.protocol.names import DeliveryMode, SubjectType
from ciba_service.protocol.outbound.url import InvalidUrlError, parse_outbound_url

__all__ = ["InvalidSectorError", "parse_sector_document", "sector_of", "vouching_uri"]

_MEDIA_TYPE: Final = "application/json"


class InvalidSectorError(ValueError):
    """What was registered makes no sector; the text names the member and says why."""


def sector_of(
    subject_type: SubjectType,
    sector_identifier_uri: str | None,
    *,
    mode: DeliveryMode,
    jwks_uri: str | None,
    notification_endpoint: str | None,
    proves_published_key: bool,
) -> str | None:
    """The host by which the client's users are told apart; None where all are called as they are.

    ``proves_published_key``: each request is signed or authenticated with a key of the client's, or
    its certificate, as published where it has a ``jwks_uri``.

    Raises:
        InvalidSectorError: when one member is missing, or no client could be known by it.
    """
    vouching = vouching_uri(mode, jwks_uri, notification_endpoint)
    if sector_identifier_uri is not None:
        _verify_https(sector_identifier_uri)
        if vouching is None:
            raise InvalidSectorError("sector_identifier_uri: there is no jwks_uri to be listed")
    if subject_type is SubjectType.PUBLIC:
        return None
    if vouching is None:
        raise InvalidSectorError("jwks_uri is required for subject_type pairwise")
    if mode is not DeliveryMode.PUSH and not proves_published_key:
        raise InvalidSectorError(
            "subject_type pairwise is for clients that prove a key of their jwks_uri"
        )
    return parse_outbound_url(sector_identifier_uri or vouching).host


def vouching_uri(
    mode: DeliveryMode, jwks_uri: str | None, notification_endpoint: str | None
) -> str | None:
    """What the document behind ``sector_identifier_uri`` must list, and whose host is the sector.

    Of who is pushed that is the notification endpoint, of all others the ``jwks_uri`` (CIBA 4).
    """
    return notification_endpoint if mode is DeliveryMode.PUSH else jwks_uri


def parse_sector_document(content_type: str | None, body: bytes) -> frozenset[str]:
    """Read what stands behind a ``sector_identifier_uri`` (OpenID Connect Registration 5).

    Raises:
        InvalidSectorError: it is no JSON array of strings.
    """
    if (content_type or "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise InvalidSectorError("sector_identifier_uri: the content type is not application/json")
    try:
        listed = parse_json(body)
    except MalformedEncodingError as error:
        raise InvalidSectorError(f"sector_identifier_uri: {error}") from error
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise InvalidSectorError("sector_identifier_uri: it is no array of strings")
    return frozenset(listed)


def _verify_https(uri: str) -> None:
    try:
        is_https = parse_outbound_url(uri).scheme == "https"
    except InvalidUrlError:
        is_https = False
    if not is_https:
        raise InvalidSectorError(
            "sector_identifier_uri must be an https URL without fragment or user"
        )
