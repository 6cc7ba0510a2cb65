"""Subject identifiers: who a token of another issuer is about (RFC 9493)."""

from collections.abc import Mapping

from ciba_service.protocol.jose.claims import Claims, InvalidClaimsError
from ciba_service.protocol.request.hints import (
    IdentifierKind,
    UserIdentifier,
    is_name,
    parse_login_hint,
)

__all__ = ["parse_subject"]


def parse_subject(claims: Claims, *, issuer: str) -> UserIdentifier:
    """Whom ``sub_id`` names, or else ``sub``; ``issuer`` is this service.

    ``iss_sub`` must name a subject of this service. ``opaque`` identifiers and ``sub`` are names
    that the other issuer and the directory agreed on.

    Raises:
        InvalidClaimsError: when neither is there, or it is malformed or of another format.
    """
    value = claims.get("sub_id")
    if value is None:
        return UserIdentifier(IdentifierKind.NAME, _name(claims, "sub"))
    if not isinstance(value, Mapping):
        raise InvalidClaimsError("sub_id is not a JSON object")
    return _subject_identifier(Claims(value), issuer)


def _subject_identifier(identifier: Claims, issuer: str) -> UserIdentifier:
    match identifier.text("format"):
        case "iss_sub":
            if identifier.text("iss") != issuer:
                raise InvalidClaimsError("sub_id is about a subject of another issuer")
            return UserIdentifier(IdentifierKind.SUBJECT, _name(identifier, "sub"))
        case "opaque":
            return UserIdentifier(IdentifierKind.NAME, _name(identifier, "id"))
        case "email":
            return _address(identifier, IdentifierKind.EMAIL)
        case "phone_number":
            return _address(identifier, IdentifierKind.PHONE_NUMBER)
        case _:
            raise InvalidClaimsError("sub_id has a format that is not supported")


def _address(identifier: Claims, kind: IdentifierKind) -> UserIdentifier:
    found = parse_login_hint(_name(identifier, kind.value))
    if found.kind is not kind:
        raise InvalidClaimsError(f"sub_id has no {kind}")
    return found


def _name(claims: Claims, member: str) -> str:
    text = claims.text(member)
    if not is_name(text):
        raise InvalidClaimsError(f"{member} is too long or has control characters")
    return text
