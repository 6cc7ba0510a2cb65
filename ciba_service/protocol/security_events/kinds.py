"""The kinds of security events: one class a kind, with the fields it has and no others.

No field ever holds a secret. Names are those of stored records or of the configuration, never what
a stranger merely claims to be; ``user`` is the tag that logs have, ``peer`` the address of the
connection, which behind a proxy is the proxy's.
"""

import re
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.transaction.callbacks import AbandonReason

__all__ = [
    "KINDS",
    "ActivationIssued",
    "Actor",
    "Address",
    "AttemptedUse",
    "CallbackGivenUp",
    "CallbackRefused",
    "ClientAuthenticationFailed",
    "ClientRegistered",
    "ClientRemoved",
    "ClientReplaced",
    "ClientUnblocked",
    "Constraint",
    "Credential",
    "EnrolmentRefused",
    "EventReceiverRefused",
    "EventsLost",
    "EventsSuppressed",
    "EvidenceNotWritten",
    "FactorsLocked",
    "FactorsUnlocked",
    "InvalidDecision",
    "InvalidOrder",
    "KeysChanged",
    "KeysNotRead",
    "Limit",
    "NotMeReported",
    "OperatorAuthenticationFailed",
    "OperatorWrote",
    "OutboundRefused",
    "Outcome",
    "PasskeyCountWentBack",
    "PasskeyRegistered",
    "PasskeyRevoked",
    "PhoneEnrolled",
    "PhoneProofRefused",
    "PhoneRejected",
    "PhoneRevoked",
    "PhoneWaiting",
    "PinChanged",
    "PromptRefused",
    "RegistrationRefused",
    "RequestLimitReached",
    "RequestObjectRefused",
    "SecurityEvent",
    "SecurityEventBase",
    "SenderConstraintRefused",
    "Severity",
    "TokenEndpointRefused",
    "TokenMisused",
    "UnknownUserAsked",
    "UserCodeRefused",
    "WrongFactors",
    "kind_of",
]

Name = Annotated[str, msgspec.Meta(max_length=256)]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_WORD: re.Pattern[str] = re.compile(r"(?<!^)(?=[A-Z])")


def _kind(name: str) -> str:
    return _WORD.sub("_", name).lower()


class Severity(StrEnum):
    """How soon somebody should look: an ordinary act, something refused, an attack or a loss."""

    INFO = "info"
    WARNING = "warning"
    ALERT = "alert"


class Constraint(StrEnum):
    """What tokens are bound to."""

    DPOP = "dpop"
    CERTIFICATE = "certificate"


class Credential(StrEnum):
    """What was presented by somebody it was not issued to."""

    ACCESS_TOKEN = "access_token"  # noqa: S105 - a name
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a name
    AUTH_REQ_ID = "auth_req_id"


class Limit(StrEnum):
    """Which limit of prompts or requests was reached."""

    CLIENT = "client"
    HINT = "hint"
    OPEN = "open"
    UNANSWERED = "unanswered"
    PAUSED = "paused"
    BLOCKED = "blocked"


class Actor(StrEnum):
    """Who did it."""

    OPERATOR = "operator"
    PHONE = "phone"
    CLIENT = "client"


class AttemptedUse(StrEnum):
    """What an address was to be asked for."""

    CALLBACK = "callback"
    CLIENT_KEYS = "client_keys"
    SECTOR = "sector"


class Address(StrEnum):
    """Why an address is never asked."""

    URL = "url"
    PRIVATE = "private"


class Outcome(StrEnum):
    """What became of what an operator wanted; what failed may have been done in part."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class SecurityEventBase(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag=_kind
):
    """One thing that happened.

    ``is_limited``: strangers or clients can cause it as often as they like, so that not each one
    is told.
    """

    severity: ClassVar[Severity] = Severity.WARNING
    is_limited: ClassVar[bool] = True


class ClientAuthenticationFailed(SecurityEventBase, frozen=True, kw_only=True):
    """A client did not prove who it is; ``client_id`` only where there is such a client."""

    cause: Cause
    client_id: Name | None = None
    peer: Name | None = None


class RequestObjectRefused(SecurityEventBase, frozen=True, kw_only=True):
    """A signed authentication request did not verify, or was used before."""

    cause: Cause
    client_id: Name
    peer: Name | None = None


class SenderConstraintRefused(SecurityEventBase, frozen=True, kw_only=True):
    """A DPoP proof or a certificate that tokens are bound to is missing or does not hold."""

    constraint: Constraint
    cause: Cause
    client_id: Name | None = None
    peer: Name | None = None


class TokenMisused(SecurityEventBase, frozen=True, kw_only=True):
    """A living token or auth_req_id was presented by somebody it was not issued to."""

    severity: ClassVar[Severity] = Severity.ALERT

    credential: Credential
    cause: Cause
    client_id: Name | None = None
    transaction_id: Name | None = None
    peer: Name | None = None


class UserCodeRefused(SecurityEventBase, frozen=True, kw_only=True):
    """A client presented a wrong user code, or any code while it is locked for this client."""

    cause: Cause
    client_id: Name
    user: Name


class UnknownUserAsked(SecurityEventBase, frozen=True, kw_only=True):
    """A client asked for nobody whom it may ask; many of them are somebody who guesses names."""

    severity: ClassVar[Severity] = Severity.INFO

    client_id: Name


class RequestLimitReached(SecurityEventBase, frozen=True, kw_only=True):
    """A client asks too often, or too often for one hint."""

    limit: Limit
    client_id: Name


class PromptRefused(SecurityEventBase, frozen=True, kw_only=True):
    """A user was not asked again: too many prompts, or the user wants nothing of this client."""

    limit: Limit
    client_id: Name
    user: Name


class NotMeReported(SecurityEventBase, frozen=True, kw_only=True):
    """A user did not ask for it; the client is blocked ``blocked_until`` then (ms), or for good."""

    severity: ClassVar[Severity] = Severity.ALERT
    is_limited: ClassVar[bool] = False

    client_id: Name
    user: Name
    transaction_id: Name
    blocked_until: _Count | None = None


class ClientUnblocked(SecurityEventBase, frozen=True, kw_only=True):
    """An operator let a client ask a user again."""

    severity: ClassVar[Severity] = Severity.INFO
    is_limited: ClassVar[bool] = False

    client_id: Name
    user: Name


class PhoneProofRefused(SecurityEventBase, frozen=True, kw_only=True):
    """A phone did not prove who it is; ``device_id`` only where there is such a phone."""

    cause: Cause
    device_id: Name | None = None
    user: Name | None = None
    peer: Name | None = None


class InvalidDecision(SecurityEventBase, frozen=True, kw_only=True):
    """A phone sent a decision that does not verify, or about somebody else's request."""

    severity: ClassVar[Severity] = Severity.ALERT

    cause: Cause
    device_id: Name
    user: Name
    transaction_id: Name
    client_id: Name | None = None


class InvalidOrder(SecurityEventBase, frozen=True, kw_only=True):
    """A phone sent an order that does not verify."""

    severity: ClassVar[Severity] = Severity.ALERT

    cause: Cause
    device_id: Name
    user: Name


class WrongFactors(SecurityEventBase, frozen=True, kw_only=True):
    """PIN, passkey, one-time code or verification code were wrong."""

    attempts_left: _Count
    device_id: Name
    user: Name
    transaction_id: Name | None = None
    client_id: Name | None = None


class FactorsLocked(SecurityEventBase, frozen=True, kw_only=True):
    """The last attempt was wrong: the factors of this user are locked on every phone."""

    severity: ClassVar[Severity] = Severity.ALERT
    is_limited: ClassVar[bool] = False

    device_id: Name
    user: Name
    transaction_id: Name | None = None
    client_id: Name | None = None


class FactorsUnlocked(SecurityEventBase, frozen=True, kw_only=True):
    """An operator gave a user all attempts back."""

    severity: ClassVar[Severity] = Severity.INFO
    is_limited: ClassVar[bool] = False

    user: Name


class ActivationIssued(SecurityEventBase, frozen=True, kw_only=True):
    """A code was made with which a phone can be enrolled."""

    severity: ClassVar[Severity] = Severity.INFO
    is_limited: ClassVar[bool] = False

    user: Name
    further: bool


class EnrolmentRefused(SecurityEventBase, frozen=True, kw_only=True):
    """A phone was not enrolled: its key, its code or its second secret."""

    cause: Cause
    user: Name | None = None
    peer: Name | None = None


class PhoneEnrolled(SecurityEventBase, frozen=True, kw_only=True):
    """A phone was enrolled."""

    severity: ClassVar[Severity] = Severity.INFO
    is_limited: ClassVar[bool] = False

    device_id: Name
    user: Name


class PhoneWaiting(SecurityEventBase, frozen=True, kw_only=True):
    """A further phone waits until the user approves it on another one."""

    severity: ClassVar[Severity] = Severity.INFO

    device_id: Name
    user: Name


class PhoneRejected(SecurityEventBase, frozen=True, kw_only=True):
    """A phone that waited was turned away; ``not_me``: its user knows nothing of it."""

    severity: ClassVar[Severity] = Severity.WARNING
    is_limited: ClassVar[bool] = False

    device_id: Name
    user: Name
    by: Actor
    by_device_id: Name | None = None
    not_me: bool = False


class PhoneRevoked(SecurityEventBase, frozen=True, kw_only=True):
    """A phone was revoked, by an operator, another phone of the user, or itself."""

    severity: ClassVar[Severity] = Severity.INFO
    is_limited: ClassVar[bool] = False

    device_id: Name
    user: Name
    by: Actor
    by_device_id: Name | None = None


class PinChanged(SecurityEventBase, frozen=True, kw_only=True):
    """A user changed the PIN of a phone."""

    severity: ClassVar[Severity] = Severity.INFO
    is_limited: ClassVar[bool] = False

    device_id: Name
    user: Name


class PasskeyRegistered(SecurityEventBase, frozen=True, kw_only=True):
    """A phone registered a passkey with the PIN."""

    severity: ClassVar[Severity] = Severity.INFO
    is_limited: ClassVar[bool] = False

    device_id: Name
    user: Name


class PasskeyRevoked(SecurityEventBase, frozen=True, kw_only=True):
    """A phone removed one of its passkeys."""

    severity: ClassVar[Severity] = Severity.INFO
    is_limited: ClassVar[bool] = False

    device_id: Name
    user: Name


class PasskeyCountWentBack(SecurityEventBase, frozen=True, kw_only=True):
    """A passkey verified whose count had been higher before: there may be a copy of it."""

    severity: ClassVar[Severity] = Severity.ALERT

    device_id: Name
    user: Name
    transaction_id: Name
    client_id: Name


class CallbackRefused(SecurityEventBase, frozen=True, kw_only=True):
    """A client's endpoint refused a callback."""

    status: _Count
    client_id: Name
    transaction_id: Name


class CallbackGivenUp(SecurityEventBase, frozen=True, kw_only=True):
    """A callback was abandoned, so that the client may not know what was decided."""

    reason: AbandonReason
    transaction_id: Name
    client_id: Name | None = None


class OutboundRefused(SecurityEventBase, frozen=True, kw_only=True):
    """An address that a client registered is one that this service never asks."""

    use: AttemptedUse
    address: Address
    client_id: Name | None = None


class RegistrationRefused(SecurityEventBase, frozen=True, kw_only=True):
    """Somebody without the right token wanted to register a client, or to change one."""

    cause: Cause
    client_id: Name | None = None


class ClientRegistered(SecurityEventBase, frozen=True, kw_only=True):
    """A client registered; ``granted_by`` names the permission it had."""

    severity: ClassVar[Severity] = Severity.INFO

    client_id: Name
    granted_by: Name


class ClientReplaced(SecurityEventBase, frozen=True, kw_only=True):
    """A client replaced its metadata, its keys perhaps among them."""

    severity: ClassVar[Severity] = Severity.INFO

    client_id: Name


class ClientRemoved(SecurityEventBase, frozen=True, kw_only=True):
    """A client was removed, by itself or an operator."""

    severity: ClassVar[Severity] = Severity.INFO

    client_id: Name
    by: Actor


class KeysChanged(SecurityEventBase, frozen=True, kw_only=True):
    """A process took over other keys of its own; ``kids`` are those of tokens from now on."""

    severity: ClassVar[Severity] = Severity.INFO
    is_limited: ClassVar[bool] = False

    kids: Annotated[tuple[Name, ...], msgspec.Meta(max_length=64)]


class KeysNotRead(SecurityEventBase, frozen=True, kw_only=True):
    """The file of keys changed into something that cannot be used; the old keys go on signing."""

    severity: ClassVar[Severity] = Severity.ALERT


class OperatorWrote(SecurityEventBase, frozen=True, kw_only=True):
    """An operator changed something, or wanted to; ``operator`` is the name of who it was."""

    severity: ClassVar[Severity] = Severity.INFO
    is_limited: ClassVar[bool] = False

    action: Name
    operator: Name
    outcome: Outcome = Outcome.DONE
    user: Name | None = None
    device_id: Name | None = None
    client_id: Name | None = None
    transaction_id: Name | None = None


class OperatorAuthenticationFailed(SecurityEventBase, frozen=True, kw_only=True):
    """Somebody came to the door of the operators with a token or a cookie that is none."""

    severity: ClassVar[Severity] = Severity.ALERT

    peer: Name


class TokenEndpointRefused(SecurityEventBase, frozen=True, kw_only=True):
    """Somebody asked for grants with a token that is no token endpoint's."""

    severity: ClassVar[Severity] = Severity.ALERT

    peer: Name | None = None


class EvidenceNotWritten(SecurityEventBase, frozen=True, kw_only=True):
    """Evidence waits because its file, its key or the store is not there."""

    severity: ClassVar[Severity] = Severity.ALERT


class EventReceiverRefused(SecurityEventBase, frozen=True, kw_only=True):
    """A receiver of security event tokens refused one for good; ``error`` is its ``err``."""

    receiver: Name
    event_id: Name
    error: Name


class EventsSuppressed(SecurityEventBase, frozen=True, kw_only=True):
    """Events of one kind and source that were too many to be told one by one."""

    is_limited: ClassVar[bool] = False

    of: Name
    count: _Count
    client_id: Name | None = None
    user: Name | None = None
    device_id: Name | None = None
    peer: Name | None = None


class EventsLost(SecurityEventBase, frozen=True, kw_only=True):
    """Events that found no place while they could not be written."""

    severity: ClassVar[Severity] = Severity.ALERT
    is_limited: ClassVar[bool] = False

    count: _Count


SecurityEvent = (
    ActivationIssued
    | CallbackGivenUp
    | CallbackRefused
    | ClientAuthenticationFailed
    | ClientRegistered
    | ClientRemoved
    | ClientReplaced
    | ClientUnblocked
    | InvalidDecision
    | EnrolmentRefused
    | EventReceiverRefused
    | EventsLost
    | EventsSuppressed
    | EvidenceNotWritten
    | FactorsLocked
    | FactorsUnlocked
    | KeysChanged
    | KeysNotRead
    | NotMeReported
    | OperatorAuthenticationFailed
    | OperatorWrote
    | InvalidOrder
    | OutboundRefused
    | PasskeyCountWentBack
    | PasskeyRegistered
    | PasskeyRevoked
    | PhoneEnrolled
    | PhoneProofRefused
    | PhoneRejected
    | PhoneRevoked
    | PhoneWaiting
    | PinChanged
    | PromptRefused
    | RegistrationRefused
    | RequestLimitReached
    | RequestObjectRefused
    | SenderConstraintRefused
    | TokenEndpointRefused
    | TokenMisused
    | UnknownUserAsked
    | UserCodeRefused
    | WrongFactors
)

KINDS: tuple[type[SecurityEventBase], ...] = SecurityEvent.__args__
"""All of them."""


def kind_of(event: type[SecurityEventBase] | SecurityEventBase) -> str:
    """The word that ``kind`` has."""
    tag = event.__struct_config__.tag
    if not isinstance(tag, str):
        raise AssertionError("every kind is tagged")  # noqa: TRY004
    return tag
