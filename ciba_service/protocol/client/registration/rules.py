"""What the provider makes of a registration: what it refuses, and what it puts in its place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.protocol.client.metadata import Client, InvalidMetadataError, register_client
from ciba_service.protocol.client.offer import Offer
from ciba_service.protocol.client.registration.metadata import (
    RegisteredMetadata,
    parse_registration,
)
from ciba_service.protocol.names import (
    CIBA_GRANT_TYPE,
    PRIVATE_KEY_JWT,
    REFRESH_TOKEN_GRANT_TYPE,
    DeliveryMode,
    SubjectType,
)
from ciba_service.protocol.outbound.url import InvalidUrlError, parse_outbound_url
from ciba_service.protocol.profiles import ProfileName

__all__ = ["Registered", "RegistrationPolicy", "client_of", "register"]

_GRANT_TYPES: Final = frozenset({CIBA_GRANT_TYPE, REFRESH_TOKEN_GRANT_TYPE})


@dataclass(frozen=True, slots=True)
class RegistrationPolicy:
    """What the operator grants to clients that register themselves."""

    profile: ProfileName
    scope: frozenset[str]
    offer: Offer


@dataclass(frozen=True, slots=True)
class Registered:
    """A client with the metadata under which it is registered, the provider's values included."""

    client: Client
    metadata: RegisteredMetadata


def register(
    members: Mapping[str, object],
    *,
    client_id: str,
    policy: RegistrationPolicy,
    notification_hosts: frozenset[str],
) -> Registered:
    """Decide about the metadata of a client.

    ``notification_hosts`` are the hosts that whoever let the client register vouches for; when
    there are none, any host is taken (CIBA 14).

    Raises:
        InvalidMetadataError: naming the member that cannot be registered.
    """
    requested = parse_registration(members)
    _verify_grants(requested)
    _verify_encryption(requested)
    _verify_notification_host(requested, notification_hosts)
    chosen = msgspec.structs.replace(
        requested,
        token_endpoint_auth_method=requested.token_endpoint_auth_method or PRIVATE_KEY_JWT,
        response_types=(),
        scope=_scope(requested, policy),
        subject_type=requested.subject_type or SubjectType.PUBLIC,
    )
    client = client_of(chosen, client_id=client_id, profile=policy.profile)
    _verify_pushed_sector(client, notification_hosts)
    lack = policy.offer.lack(client)
    if lack is not None:
        raise InvalidMetadataError(f"{lack}: this provider does not offer it")
    return Registered(client, _completed(chosen, client))


def client_of(metadata: RegisteredMetadata, *, client_id: str, profile: ProfileName) -> Client:
    """The client of that metadata; raises ``InvalidMetadataError``."""
    return register_client({**metadata.members(), "client_id": client_id, "profile": profile})


def _verify_grants(requested: RegisteredMetadata) -> None:
    # RFC 7591 2.1: types that contradict each other are refused, and none but these are offered.
    if requested.response_types:
        raise InvalidMetadataError("response_types must be empty: there is no front channel")
    if frozenset(requested.grant_types or ()) - _GRANT_TYPES:
        raise InvalidMetadataError("grant_types has one that is not offered")
    if CIBA_GRANT_TYPE not in (requested.grant_types or ()):
        raise InvalidMetadataError(f"grant_types must contain {CIBA_GRANT_TYPE}")


def _verify_encryption(requested: RegisteredMetadata) -> None:
    # OpenID Registration 2: what is asked to be encrypted must not be sent in clear.
    for name in ("id_token_encrypted_response_alg", "userinfo_encrypted_response_alg"):
        if getattr(requested, name) is not None:
            raise InvalidMetadataError(f"{name} is not supported")


def _verify_notification_host(requested: RegisteredMetadata, hosts: frozenset[str]) -> None:
    endpoint = requested.backchannel_client_notification_endpoint
    if endpoint is None:
        return
    try:
        url = parse_outbound_url(endpoint)
    except InvalidUrlError as error:
        raise InvalidMetadataError(f"backchannel_client_notification_endpoint: {error}") from error
    if url.scheme != "https":
        raise InvalidMetadataError("backchannel_client_notification_endpoint must be https")
    if hosts and url.host not in hosts:
        raise InvalidMetadataError(
            "backchannel_client_notification_endpoint is on a host that nobody vouched for"
        )


def _verify_pushed_sector(client: Client, hosts: frozenset[str]) -> None:
    # Tokens go to the sector itself, but receipts and hints do not: nobody asks in another's name.
    if client.sector and client.delivery_mode is DeliveryMode.PUSH and not hosts:
        raise InvalidMetadataError(
            "subject_type pairwise with push is for hosts that somebody vouched for"
        )


def _scope(requested: RegisteredMetadata, policy: RegistrationPolicy) -> str:
    if requested.scope is None:
        return " ".join(sorted(policy.scope))
    allowed = [token for token in requested.scope.split(" ") if token in policy.scope]
    if not allowed:
        raise InvalidMetadataError("scope has nothing that a client may register")
    return " ".join(allowed)


def _completed(chosen: RegisteredMetadata, client: Client) -> RegisteredMetadata:
    """With what holds where the client named nothing (RFC 7591 3.2.1)."""
    return msgspec.structs.replace(
        chosen,
        client_name=client.name,
        id_token_signed_response_alg=client.id_token_alg.value,
        backchannel_user_code_parameter=client.asks_for_user_codes,
        tls_client_certificate_bound_access_tokens=client.binding.certificate_bound,
        dpop_bound_access_tokens=client.binding.dpop_bound,
    )
