"""The phone without input or output: service messages in, phone messages and events out.

``receive`` is fed with everything the service says, on whatever transport; ``approve`` and
``deny`` return what to send. A decision stays with the phone until its outcome is known, and is
sent again to the byte on every new connection.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, assert_never

from authenticator_sim.core.account.accesses import AboutAccess, access_event
from authenticator_sim.core.account.newcomers import Newcomers
from authenticator_sim.core.account.orders import (
    SignedOrder,
    Wish,
    new_order,
    new_pin_change,
)
from authenticator_sim.core.account.passkey_events import AboutPasskeys, passkey_event
from authenticator_sim.core.account.phones import AboutPhones, order_event, phone_event
from authenticator_sim.core.account.wake_up import AboutWakeUp, wake_up_event
from authenticator_sim.core.deciding.anew import Anew
from authenticator_sim.core.deciding.challenges import (
    ChallengeRefused,
    VerifiedChallenge,
    verify_challenge,
)
from authenticator_sim.core.deciding.decisions import SignedDecision, new_approval, new_denial
from authenticator_sim.core.deciding.over import Over
from authenticator_sim.core.deciding.prompts import Prompts
from authenticator_sim.core.deciding.receipts import received
from authenticator_sim.core.events import (
    AttemptsRunOut,
    ChallengeIgnored,
    ChallengeShown,
    Closed,
    Connected,
    Decided,
    DecisionPostponed,
    DecisionRefused,
    DecisionUnconfirmed,
    Event,
    FetchCompleted,
    HandleNotMade,
    HandleShown,
    KeysIgnored,
    KeysPinned,
    OtherDeviceEnrolled,
    OtherDeviceRevoked,
    OtherPasskeyAdded,
    OtherPasskeyRemoved,
    PhoneRejected,
    PhoneWaiting,
    Withdrawal,
)
from authenticator_sim.core.identity.announced_keys import AnnouncementRefused, with_announced_keys
from authenticator_sim.core.identity.identity import DeviceIdentity, PendingPin
from authenticator_sim.core.identity.passkeys import PasskeyUse
from authenticator_sim.core.identity.pin import Pin, PinKey
from authenticator_sim.core.identity.sessions import new_session_proof
from authenticator_sim.errors import NotOpen, UntrustedService
from authenticator_sim.ports import RandomBytes
from ciba_service.sca.messages import (
    OUTCOME_WINDOW,
    Accepted,
    AccessEnded,
    AccessesListed,
    AccessUnknown,
    AttemptsWarning,
    Authenticate,
    ChallengeOffered,
    Decide,
    DenialReason,
    DeviceEnrolled,
    DeviceMessage,
    DeviceRejected,
    DeviceRemoved,
    DeviceRenamed,
    DevicesListed,
    DeviceUnknown,
    DeviceWaiting,
    EnrolledDevice,
    Fetched,
    GiveOrder,
    HandleMade,
    HandleRefused,
    Hello,
    KeysAnnounced,
    LastingAccess,
    MakeHandle,
    NameRefused,
    OrderCarriedOut,
    OrderRefusal,
    OrderRefused,
    RefusalReason,
    Refused,
    ServiceMessage,
    WakeUpDropped,
    WakeUpOffered,
    WakeUpRefused,
    WakeUpSet,
    Welcome,
    Withdrawn,
)

__all__ = ["HISTORY_LENGTH", "Device", "Reaction"]

HISTORY_LENGTH: Final = 50

_SaidOnce = (
    OtherDeviceEnrolled
    | OtherDeviceRevoked
    | OtherPasskeyAdded
    | OtherPasskeyRemoved
    | PhoneWaiting
    | PhoneRejected
    | AttemptsRunOut
)
_WITHOUT_USER: Final = frozenset({Withdrawal.EXPIRED, Withdrawal.CANCELLED})
_STAYS_OPEN: Final = frozenset({RefusalReason.FACTORS, RefusalReason.PAUSED})


@dataclass(frozen=True, slots=True)
class Reaction:
    """What follows from one message of the service."""

    messages: tuple[DeviceMessage, ...] = ()
    events: tuple[Event, ...] = ()


class Device:
    """One phone, from start to end of its program, over any number of connections."""

    def __init__(
        self,
        identity: DeviceIdentity,
        *,
        random_bytes: RandomBytes,
        history: Iterable[Decided] = (),
    ) -> None:
        """Begin with the decisions of earlier runs; their challenges are not shown again."""
        self.identity = identity
        self._random_bytes = random_bytes
        self._history = deque(history, maxlen=HISTORY_LENGTH)
        self._prompts = Prompts(entry.transaction_id for entry in self._history)
        self._over = Over()
        self._anew = Anew()
        self._unanswered: dict[str, SignedDecision] = {}
        self._clock_offset_ms = 0
        self._greeted = False
        self._awaits_handle = False
        self._ordered: set[str] = set()
        self._heard: set[_SaidOnce] = set()
        self._newcomers = Newcomers()

    @property
    def history(self) -> tuple[Decided, ...]:
        """The last fifty decisions the service accepted, the oldest first."""
        return tuple(self._history)

    def service_now_ms(self, now_ms: int) -> int:
        """Time of the service by its own word (``welcome``), so that a wrong clock does no harm."""
        return now_ms + self._clock_offset_ms

    def open_challenges(self, *, now_ms: int) -> tuple[VerifiedChallenge, ...]:
        """Every challenge that may be decided, the oldest first."""
        return self._prompts.open(now_ms=self.service_now_ms(now_ms))

    def find_challenge(self, transaction_id: str, *, now_ms: int) -> VerifiedChallenge | None:
        """Return the open challenge of a transaction, if there is one."""
        return self._prompts.find(transaction_id, now_ms=self.service_now_ms(now_ms))

    def seconds_left(self, challenge: VerifiedChallenge, *, now_ms: int) -> int:
        """Whole seconds until a challenge expires, by the service's clock."""
        return challenge.seconds_left(self.service_now_ms(now_ms))

    def begin_connection(self) -> None:
        """Forget what belonged to the last connection; call before the first message of a new."""
        self._greeted = False
        self._awaits_handle = False
        self._prompts.begin_connection()

    def session_proof(self, hello: Hello, *, now_ms: int, body: bytes | None = None) -> str:
        """Sign the nonce of a ``hello``; raises ``UntrustedService`` for another issuer's."""
        if hello.issuer != self.identity.issuer:
            raise UntrustedService("The service says it is another issuer.")
        return new_session_proof(
            self.identity,
            nonce=hello.nonce,
            now_ms=now_ms,
            random_bytes=self._random_bytes,
            body=body,
        )

    def approve(
        self,
        transaction_id: str,
        *,
        pin_key: PinKey | None,
        otp: str | None,
        verification_code: str | None = None,
        passkey: PasskeyUse | None = None,
        now_ms: int,
    ) -> Decide:
        """Approve an open challenge with the factors it asks for.

        Raises:
            NotOpen: It is unknown, decided or expired.
            MissingFactor: The PIN key, the passkey or one of the codes is missing.
            MissingGesture: The user did nothing at the passkey.
        """
        return self._submit(
            new_approval(
                self._decidable(transaction_id, now_ms),
                identity=self.identity,
                pin_key=pin_key,
                otp=otp,
                verification_code=verification_code,
                passkey=passkey,
                now_ms=now_ms,
                random_bytes=self._random_bytes,
            )
        )

    def deny(self, transaction_id: str, *, reason: DenialReason, now_ms: int) -> Decide:
        """Decline an open challenge; raises ``NotOpen``."""
        return self._submit(
            new_denial(
                self._decidable(transaction_id, now_ms),
                identity=self.identity,
                reason=reason,
                now_ms=now_ms,
                random_bytes=self._random_bytes,
            )
        )

    def find_over(self, transaction_id: str, *, now_ms: int) -> VerifiedChallenge | None:
        """A request that ended without the user's word, and of which "not me" still counts."""
        if transaction_id in self._unanswered:
            return None
        return self._over.find(transaction_id, now_ms=self.service_now_ms(now_ms))

    def report(self, transaction_id: str, *, now_ms: int) -> Decide:
        """Say "not me" of a request that is over; raises ``NotOpen``."""
        challenge = self.find_over(transaction_id, now_ms=now_ms)
        if challenge is None:
            raise NotOpen("This request is over, and cannot be reported any more.")
        return self._submit(
            new_denial(
                challenge,
                identity=self.identity,
                reason=DenialReason.NOT_ME,
                now_ms=now_ms,
                random_bytes=self._random_bytes,
            )
        )

    def resend(self, transaction_id: str) -> Decide | None:
        """Return the same decision again while its outcome is unknown."""
        decision = self._unanswered.get(transaction_id)
        return None if decision is None else decision.message

    def forget_unanswered(self) -> tuple[Event, ...]:
        """Send no decision again, as after close code 4400; some may have come through."""
        return self._forget(tuple(self._unanswered))

    def ask_for_handle(self) -> MakeHandle:
        """Ask for a one-time ``login_hint``; a connection that ends takes the question with it."""
        self._awaits_handle = True
        return MakeHandle()

    def order(self, wish: Wish, *, pin_key: PinKey, nonce: str, now_ms: int) -> SignedOrder:
        """Order it, to be sent as often as its outcome is unknown."""
        order = new_order(
            wish,
            identity=self.identity,
            pin_key=pin_key,
            nonce=nonce,
            now_ms=now_ms,
            random_bytes=self._random_bytes,
        )
        self._ordered.add(order.jti)
        return order

    def find_newcomer(self, code: str, *, now_ms: int) -> DeviceWaiting:
        """The one phone that waits and shows this code; raises ``NoSuchNewcomer``."""
        return self._newcomers.find(code, now=self.service_now_ms(now_ms) // 1000)

    def order_pin(self, new_pin: Pin, *, pin_key: PinKey, nonce: str, now_ms: int) -> PendingPin:
        """Order another PIN: keep what is returned safe before ``pending_order`` goes out."""
        pending = new_pin_change(
            new_pin,
            identity=self.identity,
            pin_key=pin_key,
            nonce=nonce,
            now_ms=now_ms,
            random_bytes=self._random_bytes,
        )
        self.identity = replace(self.identity, pending_pin=pending)
        return pending

    def pending_order(self) -> GiveOrder | None:
        """The order of a PIN whose outcome is not known, of this run or one before."""
        pending = self.identity.pending_pin
        if pending is None:
            return None
        self._ordered.add(pending.jti)
        return GiveOrder(pending.order)

    def receive(self, message: ServiceMessage, *, now_ms: int) -> Reaction:
        """Take in one message.

        Raises:
            UntrustedService: The other side is not this phone's service, or repeats itself where
                the protocol does not.
        """
        match message:
            case Hello() | Welcome():
                return self._handshake(message, now_ms)
            case Accepted() | Refused() | OrderCarriedOut() | OrderRefused():
                return self._outcome(message, now_ms)
            case KeysAnnounced():
                return self._announced(message, now_ms)
            case ChallengeOffered() | Fetched() | Withdrawn() | DeviceEnrolled():
                return self._announcement(message, now_ms)
            case HandleMade() | HandleRefused():
                return self._handle(message)
            case _:
                return Reaction(events=self._once(self._told(message)))

    def _once(self, event: Event) -> tuple[Event, ...]:
        """What happened to another phone is told again for days, and to the user once."""
        if not isinstance(event, _SaidOnce):
            return (event,)
        is_new = event not in self._heard
        self._heard.add(event)
        return (event,) if is_new else ()

    def _told(self, message: AboutAccess | AboutPhones | AboutPasskeys | AboutWakeUp) -> Event:
        match message:
            case WakeUpOffered() | WakeUpSet() | WakeUpRefused() | WakeUpDropped():
                return wake_up_event(message)
            case LastingAccess() | AccessesListed() | AccessEnded() | AccessUnknown():
                return access_event(message)
            case (
                DeviceRemoved()
                | EnrolledDevice()
                | DevicesListed()
                | DeviceRenamed()
                | NameRefused()
                | DeviceRejected()
                | DeviceUnknown()
                | AttemptsWarning()
            ):
                return phone_event(message, own_id=self.identity.device_id)
            case DeviceWaiting():
                self._newcomers.keep(message)
                return phone_event(message, own_id=self.identity.device_id)
            case _:
                return passkey_event(message, own_id=self.identity.device_id)

    def _order_outcome(self, message: OrderCarriedOut | OrderRefused) -> Reaction:
        if message.order not in self._ordered:
            return Reaction()
        is_final = isinstance(message, OrderCarriedOut) or (
            message.reason is not OrderRefusal.UNAVAILABLE
        )
        if is_final:
            self._ordered.discard(message.order)
            self._settle_pin(message)
        return Reaction(events=(order_event(message, issuer=self.identity.issuer),))

    def _settle_pin(self, message: OrderCarriedOut | OrderRefused) -> None:
        pending = self.identity.pending_pin
        if pending is None or pending.jti != message.order:
            return
        counts = isinstance(message, OrderCarriedOut)
        pin_key = pending.pin_key if counts else self.identity.pin_key
        self.identity = replace(self.identity, pin_key=pin_key, pending_pin=None)

    def _handshake(self, message: Hello | Welcome, now_ms: int) -> Reaction:
        if isinstance(message, Hello):
            return self._greet(message, now_ms)
        return self._welcomed(message, now_ms)

    def _outcome(
        self, message: Accepted | Refused | OrderCarriedOut | OrderRefused, now_ms: int
    ) -> Reaction:
        if isinstance(message, OrderCarriedOut | OrderRefused):
            return self._order_outcome(message)
        decision = self._unanswered.get(message.transaction_id)
        if decision is None or decision.jti != message.decision:
            return Reaction()
        if isinstance(message, Accepted):
            return self._accepted(decision, message, now_ms)
        if message.reported and decision.reason is DenialReason.NOT_ME:
            return self._counted(decision, now_ms)
        return self._refused(decision, message, now_ms)

    def _announcement(
        self, message: ChallengeOffered | Fetched | Withdrawn | DeviceEnrolled, now_ms: int
    ) -> Reaction:
        match message:
            case ChallengeOffered():
                return self._offered(message, now_ms)
            case Fetched():
                return self._fetched(message, now_ms)
            case Withdrawn():
                return self._withdrawn(message)
            case DeviceEnrolled():
                event = OtherDeviceEnrolled(device_id=message.device_id, name=message.name)
                return Reaction(events=self._once(event))
            case _:
                assert_never(message)

    def _handle(self, message: HandleMade | HandleRefused) -> Reaction:
        if not self._awaits_handle:
            return Reaction()
        self._awaits_handle = False
        if isinstance(message, HandleRefused):
            return Reaction(events=(HandleNotMade(message.reason),))
        return Reaction(events=(HandleShown(message.handle, message.expires_in),))

    def _decidable(self, transaction_id: str, now_ms: int) -> VerifiedChallenge:
        if transaction_id in self._unanswered:
            raise NotOpen("This request has been answered; its outcome is not known yet.")
        challenge = self.find_challenge(transaction_id, now_ms=now_ms)
        if challenge is None:
            raise NotOpen("There is no open request with this transaction id.")
        return challenge

    def _submit(self, decision: SignedDecision) -> Decide:
        self._unanswered[decision.challenge.transaction_id] = decision
        return decision.message

    def _greet(self, hello: Hello, now_ms: int) -> Reaction:
        if self._greeted:
            raise UntrustedService("The service asked for a second proof on one connection.")
        self._greeted = True
        return Reaction(messages=(Authenticate(self.session_proof(hello, now_ms=now_ms)),))

    def _welcomed(self, welcome: Welcome, now_ms: int) -> Reaction:
        if not self._greeted or welcome.device_id != self.identity.device_id:
            raise UntrustedService("The service welcomed another phone.")
        self._clock_offset_ms = welcome.server_time - now_ms
        oldest_exp_ms = welcome.server_time - OUTCOME_WINDOW * 1000  # of others nothing will come
        late = self._forget(
            name
            for name, decision in tuple(self._unanswered.items())
            if decision.challenge.content.exp * 1000 <= oldest_exp_ms
        )
        return Reaction(
            messages=tuple(decision.message for decision in self._unanswered.values()),
            events=(Connected(welcome.device_id), *late),
        )

    def _forget(self, names: Iterable[str]) -> tuple[Event, ...]:
        given_up = [(name, self._unanswered.pop(name).challenge.content) for name in names]
        return tuple(DecisionUnconfirmed(name, asked.display.client) for name, asked in given_up)

    def _announced(self, announced: KeysAnnounced, now_ms: int) -> Reaction:
        before = self.identity
        try:
            self.identity = with_announced_keys(before, announced)
        except AnnouncementRefused as refused:
            return Reaction(events=(KeysIgnored(str(refused)),))
        after, announced_at = self.identity.service_keys, self.identity.keys_announced_at
        if (after, announced_at) == (before.service_keys, before.keys_announced_at):
            return Reaction()
        pinned = KeysPinned(after.challenge, after.encryption, announced_at)
        return Reaction(events=(pinned, *self._asked_anew(now_ms)))

    def _asked_anew(self, now_ms: int) -> tuple[ChallengeShown, ...]:
        """Requests that could not be approved with the key that this phone had."""
        kid = self.identity.service_keys.encryption.get("kid", "")
        challenges = self._anew.take(kid, now_ms=self.service_now_ms(now_ms))
        for challenge in challenges:
            self._prompts.reopen(challenge)
        return tuple(self._shown(each, now_ms) for each in challenges)

    def _shown(self, challenge: VerifiedChallenge, now_ms: int) -> ChallengeShown:
        seconds_left = self.seconds_left(challenge, now_ms=now_ms)
        return ChallengeShown(challenge.transaction_id, challenge.content, seconds_left)

    def _offered(self, offered: ChallengeOffered, now_ms: int) -> Reaction:
        try:
            challenge = verify_challenge(
                offered.challenge, identity=self.identity, now_ms=self.service_now_ms(now_ms)
            )
            is_new = self._prompts.add(challenge)
        except ChallengeRefused as refused:
            return Reaction(events=(ChallengeIgnored(refused.reason),))
        if not is_new:
            return Reaction()
        shown = self._shown(challenge, now_ms)
        return Reaction(messages=received(challenge.transaction_id), events=(shown,))

    def _fetched(self, fetched: Fetched, now_ms: int) -> Reaction:
        self._anew.keep(fetched.open)
        expired = self._prompts.close_expired(now_ms=self.service_now_ms(now_ms))
        gone = self._prompts.close_unconfirmed(fetched.open)
        return Reaction(
            events=(
                *(self._closed(each, Withdrawal.EXPIRED) for each in expired),
                *(Closed(name, Withdrawal.GONE) for name in gone),
                FetchCompleted(fetched.open),
            )
        )

    def _withdrawn(self, withdrawn: Withdrawn) -> Reaction:
        self._anew.remove(withdrawn.transaction_id)
        challenge = self._prompts.close(withdrawn.transaction_id)
        if challenge is None:
            return Reaction()
        return Reaction(events=(self._closed(challenge, Withdrawal(withdrawn.reason.value)),))

    def _closed(self, challenge: VerifiedChallenge, reason: Withdrawal) -> Closed:
        if reason in _WITHOUT_USER:
            self._over.add(challenge)
        return Closed(challenge.transaction_id, reason)

    def _accepted(self, decision: SignedDecision, accepted: Accepted, now_ms: int) -> Reaction:
        if decision.verdict is not accepted.verdict:
            raise UntrustedService("The service recorded another verdict than the phone signed.")
        return self._counted(decision, now_ms)

    def _counted(self, decision: SignedDecision, now_ms: int) -> Reaction:
        name = decision.challenge.transaction_id
        del self._unanswered[name]
        self._prompts.close(name)
        self._over.remove(name)
        decided = Decided(
            transaction_id=name,
            verdict=decision.verdict,
            decided_at=now_ms,
            challenge=decision.challenge.content,
            reason=decision.reason,
        )
        self._history.append(decided)
        return Reaction(events=(decided,))

    def _refused(self, decision: SignedDecision, refused: Refused, now_ms: int) -> Reaction:
        if refused.reason is RefusalReason.UNAVAILABLE:
            return Reaction(events=(DecisionPostponed(refused.transaction_id),))
        del self._unanswered[refused.transaction_id]
        if refused.reason not in _STAYS_OPEN:
            self._prompts.close(refused.transaction_id)
        if decision.reason is DenialReason.NOT_ME:  # What can be said of it late, too, was said.
            self._over.remove(refused.transaction_id)
        event = DecisionRefused(
            refused.transaction_id, refused.reason, refused.attempts_left, refused.retry_after
        )
        if refused.reason is RefusalReason.INVALID_DECISION and decision.encrypted_to is not None:
            self._anew.add(decision.challenge, decision.encrypted_to)
        return Reaction(events=(event, *self._asked_anew(now_ms)))
