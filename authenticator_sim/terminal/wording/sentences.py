"""What happens, put into a sentence for a person."""

from authenticator_sim.core.events import (
    ChallengeIgnored,
    Closed,
    Connected,
    Decided,
    DecisionPostponed,
    DecisionRefused,
    DecisionUnconfirmed,
    Disconnected,
    Enrolled,
    Event,
    FetchCompleted,
    HandleNotMade,
    HandleShown,
    KeysIgnored,
    KeysPinned,
    Listening,
    NotDecided,
    OtherDeviceEnrolled,
    PhoneStopped,
    RuleApplied,
    StopReason,
)
from authenticator_sim.terminal.look.text import harmless
from authenticator_sim.terminal.wording.accesses import about_access
from authenticator_sim.terminal.wording.attempts import about_attempts
from authenticator_sim.terminal.wording.newcomers import about_newcomers
from authenticator_sim.terminal.wording.passkeys import about_passkeys
from authenticator_sim.terminal.wording.phones import about_phones
from authenticator_sim.terminal.wording.wake_up import about_wake_up
from ciba_service.sca.messages import DenialReason, HandleRefusal, RefusalReason, Verdict

__all__ = ["sentence"]

_REFUSALS = {
    RefusalReason.FACTORS: "The PIN, the passkey or a code was not right.",
    RefusalReason.LOCKED: "Too many failed attempts: an operator must unlock this user.",
    RefusalReason.PAUSED: "One attempt is left: wait before you use it.",
    RefusalReason.NOT_OPEN: "The request was decided, cancelled or expired before.",
    RefusalReason.INVALID_DECISION: "The service could not verify this phone's decision.",
    RefusalReason.UNAVAILABLE: "The service cannot take decisions now.",
}
_NO_HANDLE = {
    HandleRefusal.LOCKED: _REFUSALS[RefusalReason.LOCKED],
    HandleRefusal.DISABLED: "This user is disabled.",
}
_STOPS = {
    StopReason.REVOKED: "The service no longer knows this phone: enrol it anew.",
    StopReason.REPLACED: "This phone is running somewhere else too: this one stops.",
}


def sentence(event: Event) -> str:
    """Put an event into a sentence; empty when it is of no interest to a person."""
    return (
        _about_connection(event)
        or _about_transaction(event)
        or _about_silence(event)
        or _about_handle(event)
        or _about_this_phone(event)
        or _about_trust(event)
        or about_access(event)
        or about_phones(event)
        or about_newcomers(event)
        or about_attempts(event)
        or about_wake_up(event)
        or about_passkeys(event)
    )


def _about_connection(event: Event) -> str:
    match event:
        case Connected():
            return "Connected."
        case Disconnected(retry_in_ms=delay, close_code=code, detail=detail):
            why = f"Closed with {code}." if code is not None else detail or "Connection lost."
            return f"{why} Next attempt in {delay / 1000:.1f} s."
        case PhoneStopped():
            return _STOPS[event.reason]
        case Listening():
            return f"Automation endpoint: http://127.0.0.1:{event.port}/decide"
        case _:
            return ""


def _about_transaction(event: Event) -> str:
    match event:
        case Closed():
            return f"Request {harmless(event.transaction_id)} is closed: {event.reason}."
        case Decided():
            return f"{_done(event)}: {harmless(event.challenge.display.client)}."
        case DecisionRefused(reason=reason, attempts_left=left):
            hint = "" if left is None else f" Attempts left: {left}."
            return f"Refused. {_REFUSALS[reason]}{hint}"
        case NotDecided():
            return f"Not decided: {event.detail}"
        case _:
            return ""


def _done(event: Decided) -> str:
    if event.reason is DenialReason.NOT_ME:
        return "Declined and reported"
    return "Approved" if event.verdict is Verdict.APPROVE else "Declined"


def _about_silence(event: Event) -> str:
    match event:
        case DecisionPostponed():
            return "The service cannot take the decision now; it is sent again."
        case DecisionUnconfirmed():
            client = harmless(event.client)
            return f"Your answer to {client} was never confirmed: look there whether it counted."
        case _:
            return ""


def _about_handle(event: Event) -> str:
    match event:
        case HandleShown():
            return f"{harmless(event.handle)}\nGood for one request within {event.expires_in} s."
        case HandleNotMade():
            return f"No handle. {_NO_HANDLE[event.reason]}"
        case _:
            return ""


def _about_this_phone(event: Event) -> str:
    match event:
        case Enrolled():
            subject, issuer = harmless(event.subject), harmless(event.issuer)
            return f"Enrolled for {subject} at {issuer} as {event.device_id}."
        case OtherDeviceEnrolled():
            return f"WARNING: another phone was enrolled for you: {harmless(event.name)}."
        case FetchCompleted() if not event.open:
            return "No open requests."
        case RuleApplied():
            return f"By {harmless(event.rule)}: {event.action}."
        case _:
            return ""


def _about_trust(event: Event) -> str:
    match event:
        case ChallengeIgnored():
            return f"WARNING: a request was not shown, since it cannot be trusted: {event.reason}."
        case KeysPinned():
            return "The service has renewed its keys."
        case KeysIgnored():
            return f"WARNING: other keys were announced and not believed: {event.detail}."
        case _:
            return ""
