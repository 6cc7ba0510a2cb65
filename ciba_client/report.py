"""What the command line prints: a timeline for people, JSON for results."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO, assert_never

from ciba_client.pushed import shown_claims, shown_push
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.errors import (
    AuthenticationRequestRefused,
    CibaClientError,
    TransactionEnded,
)
from ciba_client.sdk.jose.sca_receipt import ScaReceipt
from ciba_client.sdk.provider.answers import AuthReqId
from ciba_client.sdk.transaction.events import (
    Pinged,
    PollEvent,
    ProviderBusy,
    SlowedDown,
    StillUndecided,
    TokensReceived,
)
from ciba_client.sdk.transaction.pending import PendingAuthentication
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["Observation", "Report"]


@dataclass(frozen=True, slots=True)
class Observation:
    """A notification that came: which request it is of, if any, for the how manieth time.

    ``push`` is the body of one that brings the outcome.
    """

    transaction_id: str | None
    attempt: int
    problem: str | None
    answered: str
    push: bytes | None = None


class Report:
    """Writes progress to ``stderr`` and results to ``stdout``; tokens only where asked for."""

    def __init__(
        self, *, stdout: TextIO, stderr: TextIO, clock: Clock, as_json: bool, show_tokens: bool
    ) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._clock = clock
        self._started_at = clock.monotonic()
        self._as_json = as_json
        self._show_tokens = show_tokens

    def warning(self, text: str) -> None:
        """Tell people of something that works but should not stay so."""
        self._stderr.write(f"ciba-client: warning: {text}\n")

    def started(self, pending: PendingAuthentication, auth_req_id: AuthReqId) -> None:
        """Print the acknowledgement, ``auth_req_id`` in clear: ``poll`` needs it."""
        interval = {} if pending.interval is None else {"interval": int(pending.interval)}
        code = pending.verification_code
        shown = {} if code is None else {"verification_code": code}
        members = {"auth_req_id": auth_req_id.value, "expires_in": pending.expires_in}
        self._result({**members, **interval, **shown})
        self._ask_to_type(code)

    def waiting(self, pending: PendingAuthentication) -> None:
        """Say that the user is being asked."""
        match pending.delivery_mode:
            case TokenDeliveryMode.PUSH:
                next_word = "the provider will push the outcome"
            case TokenDeliveryMode.PING:
                next_word = "the provider will notify"
            case TokenDeliveryMode.POLL:
                next_word = f"a poll every {pending.interval:g} s"
            case _:
                assert_never(pending.delivery_mode)
        self._moment(f"the user is being asked: {pending.expires_in} s to decide, {next_word}")
        self._ask_to_type(pending.verification_code)

    def happened(self, event: PollEvent) -> None:
        """Say what an event means."""
        match event:
            case StillUndecided():
                self._moment("not decided yet")
            case SlowedDown(interval=interval):
                self._moment(f"slowed down: a poll every {interval:g} s from now on")
            case ProviderBusy(reason=reason, next_poll_in=seconds):
                self._moment(f"{reason}; next attempt in {seconds:.0f} s")
            case Pinged():
                self._moment("notified: the decision is there")
            case TokensReceived():
                self._moment("tokens received, the ID token is verified")
            case _:
                assert_never(event)

    def listening(self, url: str) -> None:
        """Say where notifications are awaited."""
        self._moment(f"listening for notifications at {url}")

    def notified(self, seen: Observation) -> None:
        """Print a notification, one line each, without its secrets."""
        elapsed = self._clock.monotonic() - self._started_at
        pushed = shown_push(seen.push, show_tokens=self._show_tokens) if seen.push else None
        if self._as_json:
            self._result(
                {
                    "seconds": round(elapsed, 3),
                    "transaction_id": seen.transaction_id,
                    "attempt": seen.attempt,
                    "problem": seen.problem,
                    "answered": seen.answered,
                    **({} if pushed is None else {"push": pushed}),
                }
            )
            return
        kind = "notification" if pushed is None else "push"
        subject = (
            "no notification"
            if seen.transaction_id is None
            else f"{kind} {seen.attempt} of {seen.transaction_id}"
        )
        problem = f" ({seen.problem})" if seen.problem else ""
        self._stdout.write(f"{elapsed:7.1f} s  {subject}{problem}, answer {seen.answered}\n")
        if pushed is not None:
            self._result(pushed)
        self._stdout.flush()

    def succeeded(self, tokens: TokenSet) -> None:
        """Print the verified claims, and the tokens where asked for."""
        claims = shown_claims(tokens.id_token.claims, show_tokens=self._show_tokens)
        shown = _tokens(tokens) if self._show_tokens else {}
        if self._as_json:
            self._result(
                {
                    "outcome": "tokens",
                    "id_token_claims": claims,
                    "token_type": tokens.token_type,
                    "expires_in": tokens.expires_in,
                    "scope": tokens.scope,
                    "authorization_details": tokens.authorization_details,
                    **shown,
                }
            )
        elif shown:
            self._result({"id_token_claims": claims, **shown})
        else:
            self._result(claims)

    def cancelled(self) -> None:
        """Print that the request is cancelled."""
        self._result({"outcome": "cancelled"})

    def receipt(self, receipt: ScaReceipt) -> None:
        """Print a verified receipt, and what it says."""
        claims = dict(receipt.claims)
        self._result({"outcome": "receipt", "sca_receipt": receipt.jwt, "claims": claims})

    def interrupted(self, *, cancelled: bool) -> None:
        """Say what became of a request that is not waited for any more."""
        self._moment("the request is cancelled" if cancelled else "the request was not cancelled")

    def failed(self, error: CibaClientError) -> None:
        """Print why there are no tokens."""
        if self._as_json:
            self._result({"outcome": "failed", "reason": str(error), **_oauth_error(error)})
        else:
            self._stderr.write(f"ciba-client: {error}\n")

    def _ask_to_type(self, verification_code: str | None) -> None:
        if verification_code is not None:
            self._moment(f"Type this code on the phone: {verification_code}")

    def _moment(self, text: str) -> None:
        elapsed = self._clock.monotonic() - self._started_at
        self._stderr.write(f"{elapsed:7.1f} s  {text}\n")
        self._stderr.flush()

    def _result(self, members: Mapping[str, object]) -> None:
        # ASCII with escapes: no claim can play tricks on a terminal.
        self._stdout.write(json.dumps(members, indent=None if self._as_json else 2) + "\n")
        self._stdout.flush()


def _tokens(tokens: TokenSet) -> dict[str, object]:
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "id_token": tokens.id_token.jwt,
    }


def _oauth_error(error: CibaClientError) -> dict[str, object]:
    if isinstance(error, AuthenticationRequestRefused | TransactionEnded):
        return {
            "error": error.code,
            "error_description": error.description,
            "status": error.status,
        }
    return {}
