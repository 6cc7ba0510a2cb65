"""What a client may register of itself, member for member (RFC 7591 2, CIBA 4).

Whatever a client must not choose for itself, such as its profile or its polling interval, is no
member here, and is ignored like everything else that is not known.
"""

from collections.abc import Mapping

import msgspec

from ciba_service.protocol.client.metadata import InvalidMetadataError

__all__ = ["RegisteredMetadata", "parse_registration"]


class RegisteredMetadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The members that are understood; what is None was not registered."""

    client_name: str | None = None
    token_endpoint_auth_method: str | None = None
    token_endpoint_auth_signing_alg: str | None = None
    jwks: dict[str, object] | None = None
    jwks_uri: str | None = None
    grant_types: tuple[str, ...] | None = None
    response_types: tuple[str, ...] | None = None
    scope: str | None = None
    subject_type: str | None = None
    sector_identifier_uri: str | None = None
    id_token_signed_response_alg: str | None = None
    id_token_encrypted_response_alg: str | None = None
    userinfo_encrypted_response_alg: str | None = None
    introspection_signed_response_alg: str | None = None
    introspection_encrypted_response_alg: str | None = None
    backchannel_token_delivery_mode: str | None = None
    backchannel_client_notification_endpoint: str | None = None
    backchannel_authentication_request_signing_alg: str | None = None
    backchannel_user_code_parameter: bool | None = None
    tls_client_certificate_bound_access_tokens: bool | None = None
    dpop_bound_access_tokens: bool | None = None
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None
    authorization_details_types: tuple[str, ...] | None = None
    software_statement: str | None = None

    def members(self) -> dict[str, object]:
        """The members that were registered, under their names."""
        named = msgspec.structs.asdict(self)
        return {name: value for name, value in named.items() if value is not None}


def parse_registration(members: Mapping[str, object]) -> RegisteredMetadata:
    """Read what a client says of itself; a null member counts as absent (RFC 7592 2.2).

    Raises:
        InvalidMetadataError: when a member has a value of another type.
    """
    present = {name: value for name, value in members.items() if value is not None}
    try:
        return msgspec.convert(present, RegisteredMetadata)
    except msgspec.ValidationError as error:
        raise InvalidMetadataError(str(error)) from error
