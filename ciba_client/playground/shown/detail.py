"""Everything about one message of a flow, as the panel beside the diagram shows it."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ciba_client.playground.explained.claims import Explanation
from ciba_client.playground.explained.errors import ERRORS
from ciba_client.playground.explained.parameters import explain_parameter
from ciba_client.playground.explained.tokens import (
    DecodedToken,
    Keys,
    Member,
    decode_tokens,
)
from ciba_client.playground.purposes import Purpose, purpose_of
from ciba_client.playground.record import Message, Notified, Told
from ciba_client.playground.shown.curl import curl_of
from ciba_client.playground.shown.raw import RawHttp, fields_of, raw_request, raw_response
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.provider.exchange import Exchange, Headers

__all__ = ["MessageDetail", "detail_of"]

_ONE_TIME: Final = (
    "This is what was sent. Assertions, request objects and proofs are used once: sent again they"
    " are refused, and after a minute they have expired."
)
_IN_HEADERS: Final = frozenset({"authorization", "dpop"})


class MessageDetail(msgspec.Struct, frozen=True):
    """One message; ``at`` and ``took`` are in seconds, ``at`` since the flow began."""

    number: int
    title: str
    summary: str
    clause: str
    at: float
    took: float | None
    request: RawHttp | None
    response: RawHttp | None
    request_fields: tuple[Member, ...]
    response_fields: tuple[Member, ...]
    tokens: tuple[DecodedToken, ...]
    error: Member | None
    curl: str
    note: str


_ABOUT: Final[Mapping[Purpose, tuple[str, str]]] = {
    Purpose.DISCOVERY: (
        "The client asks where the provider's endpoints are, and what it can do.",
        "OpenID Connect Discovery 1.0, 4",
    ),
    Purpose.KEYS: (
        "The public keys by which the provider's tokens are verified.",
        "OpenID Connect Core 1.0, 10.1.1",
    ),
    Purpose.RECEIPT_KEYS: ("The public keys by which receipts are verified.", "this service"),
    Purpose.REQUEST: (
        "The client asks the provider to let the user approve on the phone.",
        "CIBA Core 1.0, 7.1",
    ),
    Purpose.POLL: (
        "The client asks whether there is a decision, and for the tokens if so.",
        "CIBA Core 1.0, 10.1",
    ),
    Purpose.REFRESH: ("A further access token, without asking the user.", "RFC 6749, 6"),
    Purpose.CANCEL: (
        "The client takes its request back: the prompt vanishes from the phone.",
        "this service, cancelling",
    ),
    Purpose.RECEIPT: (
        "The provider's signed word about what was approved, for the files.",
        "this service, SCA receipts",
    ),
    Purpose.INTROSPECTION: ("Whether a token counts at this moment.", "RFC 7662, 2"),
    Purpose.RESOURCE: (
        "The access token is shown at the userinfo endpoint.",
        "OpenID Connect Core 1.0, 5.3",
    ),
}
_EVENTS: Final[Mapping[str, str]] = {
    "requested": "The service has stored the request.",
    "announced": "The service has sent the signed challenge to the user's phones.",
    "received": "A phone has the challenge, and says so.",
    "shown": "A phone shows to the user what is asked.",
    "approved": "The phone has signed the user's approval of exactly what was shown.",
    "denied": "The user has said no on the phone. Why is not told to clients.",
    "failed": "The request cannot succeed any more. Why is not told to clients.",
    "cancelled": "The request was taken back: prompts vanish from the phones.",
    "expired": "Nobody decided in time.",
    "redeemed": "The tokens were issued, once and for all.",
    "callback_due": "The client's endpoint did not take the notification; it is made again.",
    "callback_delivered": "The client's endpoint has taken the notification.",
    "callback_abandoned": "The service has given up calling this client back.",
}


def detail_of(
    message: Message, *, began_at: float, configuration: ClientConfiguration, keys: Keys
) -> MessageDetail:
    """Take a message apart."""
    at = max(0.0, message.at - began_at)
    match message.seen:
        case Exchange() as exchange:
            purpose = purpose_of(exchange)
            shown = _exchanged(message.number, at, exchange, keys)
            summary, clause = _ABOUT[purpose]
            return msgspec.structs.replace(
                shown,
                title=purpose,
                summary=summary,
                clause=clause,
                curl=curl_of(exchange, configuration),
            )
        case Notified(exchange=exchange, as_told=as_told):
            shown = _exchanged(message.number, at, exchange, keys)
            return msgspec.structs.replace(
                shown, summary=_called(as_told), curl=curl_of(exchange, None)
            )
        case Told() as told:
            return _told(message.number, at, told)


def _called(as_told: str | None) -> str:
    if as_told is None:
        return "The provider calls this client's notification endpoint."
    return f"The provider calls this client, whose endpoint is switched to: {as_told}."


def _exchanged(number: int, at: float, exchange: Exchange, keys: Keys) -> MessageDetail:
    """As of a notification; what this client asked is told apart by its purpose."""
    sent = fields_of(exchange.request_body, exchange.request_headers)
    answered = fields_of(exchange.response_body, exchange.response_headers)
    texts = (
        *_secret_headers(exchange.request_headers),
        *((name, value) for name, value in (*sent, *answered) if isinstance(value, str)),
    )
    return MessageDetail(
        number=number,
        title="Notification",
        summary="",
        clause="CIBA Core 1.0, 10.2 and 10.3",
        at=at,
        took=exchange.seconds,
        request=raw_request(exchange),
        response=raw_response(exchange),
        request_fields=_explained(sent),
        response_fields=_explained(answered),
        tokens=decode_tokens(texts, keys),
        error=_error(answered),
        curl="",
        note=_ONE_TIME,
    )


def _told(number: int, at: float, told: Told) -> MessageDetail:
    text = told.entry.text
    members = msgspec.json.decode(text, type=dict[str, object])
    pretty = json.dumps(members, indent=2)
    return MessageDetail(
        number=number,
        title=told.entry.event,
        summary=_EVENTS.get(told.entry.event, "The service tells of something new."),
        clause="this service, POST /bc-authorize/events",
        at=at,
        took=None,
        request=None,
        response=RawHttp("Told by the service's ledger, as a server-sent event", (), text, pretty),
        request_fields=(),
        response_fields=(),
        tokens=(),
        error=None,
        curl="",
        note="",
    )


def _secret_headers(headers: Headers) -> Sequence[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() in _IN_HEADERS]


def _explained(fields: Sequence[tuple[str, object]]) -> tuple[Member, ...]:
    return tuple(Member(name, value, explain_parameter(name)) for name, value in fields)


def _error(fields: Sequence[tuple[str, object]]) -> Member | None:
    code = dict(fields).get("error")
    if not isinstance(code, str):
        return None
    return Member("error", code, ERRORS.get(code, Explanation()))
