"""The host's clients as this service knows clients (CIBA 4)."""

from collections.abc import Mapping
from typing import Final, Protocol

from ciba_service.protocol.client.metadata import Client, InvalidMetadataError, register_client
from ciba_service.protocol.names import CIBA_GRANT_TYPE, DeliveryMode
from ciba_service.protocol.profiles import ProfileName

__all__ = ["HostClient", "registered_client", "registered_metadata"]

# What the service verifies itself, where the host leaves it to ``ClientAssertions``.
_VERIFIED_HERE: Final = "private_key_jwt"
# FAPI 1.0 Part 2 5.2.2 (14), FAPI 2.0 5.3.2.1: keys, never secrets, and whether the host or this
# service verifies them.
_BY_KEYS: Final = frozenset({_VERIFIED_HERE, "tls_client_auth", "self_signed_tls_client_auth"})
# All that a client needs which only proves here who it is, for other grants of the host.
_IDENTITY: Final = frozenset(
    {"client_name", "profile", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg"}
    | {"jwks", "jwks_uri"}
)
# It registers as one that asks for nothing, and nothing has this name.
_NO_RESOURCE: Final = ("urn:ciba-service:no-resource",)


class HostClient(Protocol):
    """A client of Authlib's with metadata, as ``OAuth2ClientMixin`` has them."""

    @property
    def client_metadata(self) -> Mapping[str, object]:
        """What was registered (RFC 7591 2, CIBA 4)."""
        ...

    def get_client_id(self) -> str:
        """Its identifier."""
        ...

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may use a grant."""
        ...

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether it authenticates by a method."""
        ...


def registered_client(client: HostClient) -> Client:
    """What CIBA needs of a client's metadata; without a ``profile`` that is ``ciba-core``.

    How it authenticates is the host's business, unless that is ``private_key_jwt``; but it does
    (CIBA 7.1), and in a profile of FAPI by a key. A client without the grant is one that can do no
    more than authenticate.

    Raises:
        InvalidMetadataError: naming the member that breaks a rule; push is one, since tokens of the
            host are only made when they are asked for.
    """
    metadata = client.client_metadata
    if not client.check_grant_type(CIBA_GRANT_TYPE):
        identity = {name: value for name, value in metadata.items() if name in _IDENTITY}
        identity["protected_resources"] = _NO_RESOURCE
        return _registered(client.get_client_id(), identity)
    return registered_metadata(client.get_client_id(), metadata)


def registered_metadata(client_id: str, metadata: Mapping[str, object]) -> Client:
    """The same for metadata of a client that uses CIBA; raises ``InvalidMetadataError``."""
    registered = _registered(client_id, metadata)
    if registered.delivery_mode is DeliveryMode.PUSH:
        raise InvalidMetadataError("backchannel_token_delivery_mode: push is not offered here")
    method = metadata.get("token_endpoint_auth_method")
    is_fapi = registered.profile.name is not ProfileName.CIBA_CORE
    if method == "none" or (is_fapi and method not in _BY_KEYS):
        raise InvalidMetadataError("token_endpoint_auth_method is too weak for its profile")
    return registered


def _registered(client_id: str, metadata: Mapping[str, object]) -> Client:
    return register_client(
        {"profile": ProfileName.CIBA_CORE.value, **metadata, "client_id": client_id},
        authenticates_elsewhere=metadata.get("token_endpoint_auth_method") != _VERIFIED_HERE,
    )
