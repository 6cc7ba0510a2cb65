"""What the phone tells its user, or a program reading ``--json``; no event holds a secret.

A login handle is there to be shown: it names the user once, and approves nothing. So is an
invitation: the phone it enrols waits for approval.
"""

from enum import StrEnum

import msgspec

from authenticator_sim.core.deciding.challenges import ChallengeRefusal
from authenticator_sim.core.deciding.rules import Action
from ciba_service.sca.messages import (
    Challenge,
    CreationOptions,
    DenialReason,
    HandleRefusal,
    OrderAction,
    OrderRefusal,
    PasskeyRefusal,
    RefusalReason,
    ShownDetail,
    Verdict,
    WakeUpRefusal,
)

__all__ = [
    "AccessListCompleted",
    "AccessNotFound",
    "AccessShown",
    "AccessStopped",
    "ApprovalAwaited",
    "AttemptsRunOut",
    "ChallengeIgnored",
    "ChallengeShown",
    "Closed",
    "Connected",
    "Decided",
    "DecisionPostponed",
    "DecisionRefused",
    "DecisionUnconfirmed",
    "DeviceListCompleted",
    "DeviceShown",
    "Disconnected",
    "Enrolled",
    "Event",
    "FetchCompleted",
    "FetchFailed",
    "HandleNotMade",
    "HandleShown",
    "InvitationShown",
    "KeysIgnored",
    "KeysPinned",
    "Listening",
    "NameNotTaken",
    "NotDecided",
    "OrderDone",
    "OrderNotDone",
    "OrderPostponed",
    "OtherDeviceEnrolled",
    "OtherDeviceRevoked",
    "OtherPasskeyAdded",
    "OtherPasskeyRemoved",
    "PasskeyForgotten",
    "PasskeyInvited",
    "PasskeyListCompleted",
    "PasskeyNotFound",
    "PasskeyNotOffered",
    "PasskeyShown",
    "PhoneNotWaiting",
    "PhoneRejected",
    "PhoneStopped",
    "PhoneWaiting",
    "PushIgnored",
    "PushListening",
    "Renamed",
    "RuleApplied",
    "StopReason",
    "ThisDeviceRevoked",
    "WakeUpKept",
    "WakeUpNotKept",
    "WakeUpStopped",
    "WakeUpWays",
    "Withdrawal",
    "Woken",
]


class Withdrawal(StrEnum):
    """Why an open challenge left the screen."""

    DECIDED = "decided"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"
    GONE = "gone"
    """It was no longer listed after a reconnect."""


class StopReason(StrEnum):
    """Why the phone does not connect again."""

    REVOKED = "revoked"
    REPLACED = "replaced"


class Enrolled(msgspec.Struct, frozen=True, tag="enrolled", tag_field="event"):
    """The phone is enrolled."""

    device_id: str
    issuer: str
    subject: str


class Listening(msgspec.Struct, frozen=True, tag="listening", tag_field="event"):
    """The automation endpoint is open on this port of the loopback address."""

    port: int


class Connected(msgspec.Struct, frozen=True, tag="connected", tag_field="event"):
    """The service knows this phone."""

    device_id: str


class Disconnected(
    msgspec.Struct, frozen=True, tag="disconnected", tag_field="event", omit_defaults=True
):
    """The connection ended; the phone tries again after ``retry_in_ms`` milliseconds."""

    retry_in_ms: int
    close_code: int | None = None
    detail: str | None = None


class PhoneStopped(msgspec.Struct, frozen=True, tag="stopped", tag_field="event"):
    """The service ended the connection for good."""

    reason: StopReason


class ChallengeShown(msgspec.Struct, frozen=True, tag="challenge", tag_field="event"):
    """A verified challenge waits for the user; said once for each transaction.

    ``seconds_left`` is the time until it expires, by the service's clock.
    """

    transaction_id: str
    challenge: Challenge
    seconds_left: int


class ChallengeIgnored(msgspec.Struct, frozen=True, tag="ignored", tag_field="event"):
    """A challenge was not believed, and is not shown."""

    reason: ChallengeRefusal


class Closed(msgspec.Struct, frozen=True, tag="withdrawn", tag_field="event"):
    """An open challenge needs no answer any more."""

    transaction_id: str
    reason: Withdrawal


class Decided(msgspec.Struct, frozen=True, tag="decided", tag_field="event", omit_defaults=True):
    """The service accepted this phone's decision; ``decided_at`` is in milliseconds."""

    transaction_id: str
    verdict: Verdict
    decided_at: int
    challenge: Challenge
    reason: DenialReason | None = None


class DecisionRefused(
    msgspec.Struct, frozen=True, tag="refused", tag_field="event", omit_defaults=True
):
    """The decision does not count; with reason ``factors`` the challenge stays open."""

    transaction_id: str
    reason: RefusalReason
    attempts_left: int | None = None
    retry_after: int | None = None


class DecisionPostponed(msgspec.Struct, frozen=True, tag="postponed", tag_field="event"):
    """The service cannot decide now; the same decision is sent again later."""

    transaction_id: str


class DecisionUnconfirmed(msgspec.Struct, frozen=True, tag="unconfirmed", tag_field="event"):
    """A decision was made, and is not sent again: whether it counts the phone never heard."""

    transaction_id: str
    client: str


class NotDecided(msgspec.Struct, frozen=True, tag="not_decided", tag_field="event"):
    """The phone could not make a decision; ``detail`` is a sentence."""

    transaction_id: str
    detail: str


class RuleApplied(msgspec.Struct, frozen=True, tag="rule", tag_field="event"):
    """A rule says what is done with a challenge; ``rule`` is its name."""

    transaction_id: str
    rule: str
    action: Action


class FetchCompleted(msgspec.Struct, frozen=True, tag="fetched", tag_field="event"):
    """All open challenges were sent; ``open`` lists their transactions."""

    open: tuple[str, ...]


class KeysPinned(msgspec.Struct, frozen=True, tag="keys_pinned", tag_field="event"):
    """The service announced other keys; ``announced_at`` is in seconds."""

    challenge: tuple[dict[str, str], ...]
    encryption: dict[str, str]
    announced_at: int


class KeysIgnored(msgspec.Struct, frozen=True, tag="keys_ignored", tag_field="event"):
    """An announcement of keys was not believed; ``detail`` is a sentence."""

    detail: str


class OtherDeviceEnrolled(msgspec.Struct, frozen=True, tag="device_enrolled", tag_field="event"):
    """A further phone of this user was enrolled: unexpected, it is an alarm."""

    device_id: str
    name: str


class AttemptsRunOut(msgspec.Struct, frozen=True, tag="attempts_warning", tag_field="event"):
    """Wrong factors came from a phone of this user; ``at`` is in seconds.

    One attempt is left before an operator must unlock, or none (0).
    """

    device_id: str
    name: str
    attempts_left: int
    at: int


class ApprovalAwaited(msgspec.Struct, frozen=True, tag="approval_awaited", tag_field="event"):
    """This phone waits until another one approves it; ``code`` is to be typed there.

    ``until`` is in seconds.
    """

    device_id: str
    code: str
    until: int


class PhoneWaiting(msgspec.Struct, frozen=True, tag="device_waiting", tag_field="event"):
    """A further phone waits to be approved; it shows ``code`` itself. ``until`` is in seconds."""

    device_id: str
    name: str
    code: str
    until: int


class PhoneRejected(msgspec.Struct, frozen=True, tag="device_rejected", tag_field="event"):
    """A phone that waited was turned away."""

    device_id: str
    name: str


class PhoneNotWaiting(msgspec.Struct, frozen=True, tag="device_unknown", tag_field="event"):
    """No such phone waits any more."""

    device_id: str


class InvitationShown(msgspec.Struct, frozen=True, tag="invitation", tag_field="event"):
    """An activation code for the next phone, and the same as a link; good for ``expires_in`` s."""

    order: str
    activation_code: str
    link: str
    expires_in: int


class HandleShown(msgspec.Struct, frozen=True, tag="handle", tag_field="event"):
    """A one-time ``login_hint`` to be shown to a client; ``expires_in`` is in seconds."""

    handle: str
    expires_in: int


class HandleNotMade(msgspec.Struct, frozen=True, tag="handle_refused", tag_field="event"):
    """The service gives this user no handle now."""

    reason: HandleRefusal


class AccessShown(msgspec.Struct, frozen=True, tag="access", tag_field="event", omit_defaults=True):
    """A client has access that lasts; both times are in seconds, ``until`` unless it is used."""

    transaction_id: str
    client: str
    shares: tuple[str, ...]
    since: int
    until: int
    details: tuple[ShownDetail, ...] = ()


class AccessListCompleted(msgspec.Struct, frozen=True, tag="accesses", tag_field="event"):
    """All lasting accesses were sent; ``lasting`` lists their transactions."""

    lasting: tuple[str, ...]


class AccessStopped(msgspec.Struct, frozen=True, tag="access_ended", tag_field="event"):
    """The service ended an access, now or before."""

    transaction_id: str


class AccessNotFound(msgspec.Struct, frozen=True, tag="access_unknown", tag_field="event"):
    """There is no such access of this user."""

    transaction_id: str


class OtherDeviceRevoked(msgspec.Struct, frozen=True, tag="device_revoked", tag_field="event"):
    """Another phone of this user counts no more: unexpected, it is an alarm."""

    device_id: str
    name: str


class ThisDeviceRevoked(msgspec.Struct, frozen=True, tag="given_up", tag_field="event"):
    """This phone gave itself up."""


class DeviceShown(msgspec.Struct, frozen=True, tag="device", tag_field="event"):
    """A phone of this user; ``enrolled_at`` is in seconds."""

    device_id: str
    name: str
    enrolled_at: int
    this: bool


class DeviceListCompleted(msgspec.Struct, frozen=True, tag="devices", tag_field="event"):
    """All phones were sent; ``enrolled`` lists their names."""

    enrolled: tuple[str, ...]


class Renamed(msgspec.Struct, frozen=True, tag="renamed", tag_field="event"):
    """This phone has another name."""

    name: str


class NameNotTaken(msgspec.Struct, frozen=True, tag="name_refused", tag_field="event"):
    """The service does not take the name: it is no plain text."""


class OrderDone(msgspec.Struct, frozen=True, tag="order_done", tag_field="event"):
    """The service carried an order of this phone out; ``order`` is its ``jti``."""

    order: str
    action: OrderAction


class OrderNotDone(
    msgspec.Struct, frozen=True, tag="order_refused", tag_field="event", omit_defaults=True
):
    """The order counts for nothing."""

    order: str
    reason: OrderRefusal
    attempts_left: int | None = None
    retry_after: int | None = None


class OrderPostponed(msgspec.Struct, frozen=True, tag="order_postponed", tag_field="event"):
    """The service cannot carry the order out now; the same one is sent again later."""

    order: str


class FetchFailed(msgspec.Struct, frozen=True, tag="not_fetched", tag_field="event"):
    """The service could not be asked for open challenges; ``detail`` is a sentence."""

    detail: str


class PushListening(msgspec.Struct, frozen=True, tag="push_listening", tag_field="event"):
    """The phone's own push service is open on this port of the loopback address."""

    port: int


class PushIgnored(msgspec.Struct, frozen=True, tag="push_ignored", tag_field="event"):
    """Something came that was no push for this phone; ``detail`` says why."""

    detail: str


class Woken(msgspec.Struct, frozen=True, tag="woken", tag_field="event"):
    """A push came: the phone looks what is open."""


class WakeUpWays(
    msgspec.Struct, frozen=True, tag="wake_up_offered", tag_field="event", omit_defaults=True
):
    """How the service can wake this phone; without a key it sends no pushes."""

    web_push_key: str | None = None


class WakeUpKept(msgspec.Struct, frozen=True, tag="wake_up_set", tag_field="event"):
    """The service wakes this phone from now on."""


class WakeUpNotKept(msgspec.Struct, frozen=True, tag="wake_up_refused", tag_field="event"):
    """The service does not wake this phone at that address."""

    reason: WakeUpRefusal


class WakeUpStopped(msgspec.Struct, frozen=True, tag="wake_up_dropped", tag_field="event"):
    """The service wakes this phone no more."""


class PasskeyInvited(msgspec.Struct, frozen=True, tag="passkey_options", tag_field="event"):
    """The service says what to make another passkey with."""

    options: CreationOptions


class PasskeyNotOffered(msgspec.Struct, frozen=True, tag="passkey_refused", tag_field="event"):
    """This phone can have no further passkey now."""

    reason: PasskeyRefusal


class PasskeyShown(msgspec.Struct, frozen=True, tag="passkey", tag_field="event"):
    """A passkey of this phone; ``registered_at`` is in seconds."""

    passkey_id: str
    registered_at: int
    synced: bool
    backed_up: bool


class PasskeyListCompleted(msgspec.Struct, frozen=True, tag="passkeys", tag_field="event"):
    """All passkeys were sent; ``registered`` lists their ids."""

    registered: tuple[str, ...]


class PasskeyForgotten(msgspec.Struct, frozen=True, tag="passkey_removed", tag_field="event"):
    """A passkey of this phone counts no more."""

    passkey_id: str


class PasskeyNotFound(msgspec.Struct, frozen=True, tag="passkey_unknown", tag_field="event"):
    """The service knows no such passkey of this phone."""

    passkey_id: str


class OtherPasskeyAdded(msgspec.Struct, frozen=True, tag="other_passkey_added", tag_field="event"):
    """Another phone of this user got a passkey: unexpected, it is an alarm."""

    device_id: str
    name: str
    passkey_id: str


class OtherPasskeyRemoved(
    msgspec.Struct, frozen=True, tag="other_passkey_removed", tag_field="event"
):
    """A passkey of another phone of this user counts no more."""

    device_id: str
    name: str
    passkey_id: str


Event = (
    Enrolled
    | Listening
    | Connected
    | Disconnected
    | PhoneStopped
    | ChallengeShown
    | ChallengeIgnored
    | Closed
    | Decided
    | DecisionRefused
    | DecisionPostponed
    | DecisionUnconfirmed
    | NotDecided
    | RuleApplied
    | FetchCompleted
    | KeysPinned
    | KeysIgnored
    | OtherDeviceEnrolled
    | AttemptsRunOut
    | ApprovalAwaited
    | PhoneWaiting
    | PhoneRejected
    | PhoneNotWaiting
    | InvitationShown
    | HandleShown
    | HandleNotMade
    | AccessShown
    | AccessListCompleted
    | AccessStopped
    | AccessNotFound
    | OtherDeviceRevoked
    | ThisDeviceRevoked
    | DeviceShown
    | DeviceListCompleted
    | Renamed
    | NameNotTaken
    | OrderDone
    | OrderNotDone
    | OrderPostponed
    | FetchFailed
    | PushListening
    | PushIgnored
    | Woken
    | WakeUpWays
    | WakeUpKept
    | WakeUpNotKept
    | WakeUpStopped
    | PasskeyInvited
    | PasskeyNotOffered
    | PasskeyShown
    | PasskeyListCompleted
    | PasskeyForgotten
    | PasskeyNotFound
    | OtherPasskeyAdded
    | OtherPasskeyRemoved
)
