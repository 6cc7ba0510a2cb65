"""Which transaction a form means: the parameter ``auth_req_id``, wherever a client sends it."""

from collections.abc import Mapping

from ciba_service.ports.request_notes import note_transaction
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import (
    InvalidGrantError,
    MissingParameterError,
    Reason,
    UnauthorizedClientError,
)
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import Credential, TokenMisused
from ciba_service.protocol.transaction.identifiers import parse_auth_req_id
from ciba_service.sca.messages import transaction_id

__all__ = [
    "foreign_auth_req_id",
    "requested_transaction",
    "transaction_requested_by",
    "transaction_to_redeem",
]


def requested_transaction(form: Mapping[str, str]) -> str:
    """The transaction id; whether there is such a transaction is to be seen.

    Raises:
        InvalidRequestError: when ``auth_req_id`` is missing.
        InvalidGrantError: when it cannot be one of ours.
    """
    presented = form.get("auth_req_id")
    if presented is None:
        raise MissingParameterError("auth_req_id") from Reason("auth_req_id is missing")
    auth_req_id = parse_auth_req_id(presented)
    if auth_req_id is None:
        raise InvalidGrantError from Reason("auth_req_id is none of ours")
    name = transaction_id(auth_req_id.value)
    note_transaction(name)
    return name


def transaction_requested_by(client: Client, form: Mapping[str, str]) -> str:
    """The transaction id that a client sends to an endpoint of our own.

    Raises:
        UnauthorizedClientError: first, when the client may not use CIBA; then as above.
    """
    if not client.may_use_ciba:
        raise UnauthorizedClientError from Reason("the client may not use CIBA")
    return requested_transaction(form)


def transaction_to_redeem(client: Client, form: Mapping[str, str]) -> str:
    """The transaction id that a client sends to collect its tokens.

    Raises:
        UnauthorizedClientError: first, when it may not, or gets them pushed (CIBA 11); then as
            above.
    """
    if not client.may_use_ciba or client.delivery_mode is DeliveryMode.PUSH:
        raise UnauthorizedClientError from Reason("the client may not use the CIBA grant here")
    return requested_transaction(form)


def foreign_auth_req_id(client: Client, name: str, *, peer: str | None) -> TokenMisused:
    """What is told of a client that presents another's ``auth_req_id``, from ``peer``."""
    return TokenMisused(
        credential=Credential.AUTH_REQ_ID,
        cause=Cause.FOREIGN,
        client_id=client.client_id,
        transaction_id=name,
        peer=peer,
    )
