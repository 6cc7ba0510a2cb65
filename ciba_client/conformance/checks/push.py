"""Tokens and errors that are pushed (CIBA 10.3, 12)."""

from typing import Final

from ciba_client.conformance.check import Check, CheckRun, NotApplicable, Severity, Violation
from ciba_client.conformance.checks.notified import authorized, judged
from ciba_client.conformance.expectations import expect, expect_error_texts
from ciba_client.conformance.parties.approver import Decision
from ciba_client.conformance.parties.desk import Notification
from ciba_client.conformance.stage import Pending, Stage
from ciba_client.hostile import EndpointAnswer
from ciba_client.sdk.delivery_mode import TokenDeliveryMode

__all__ = ["CHECKS"]

_PUSH: Final = frozenset({TokenDeliveryMode.PUSH})
_ERRORS: Final = ("access_denied", "expired_token", "transaction_failed")
_TOKENS: Final = frozenset({"access_token", "id_token", "refresh_token"})
_SHORT: Final = 10
_LONGEST_WAIT: Final = 900


def _sent(pending: Pending, pushed: Notification) -> None:
    expect(pushed.method == "POST", "a POST", f"it was {pushed.method}")
    expect(
        pushed.members().get("auth_req_id") == pending.auth_req_id,
        "the auth_req_id of the request",
        "it is another or none",
    )


def _denied(pending: Pending, pushed: Notification) -> None:
    members = pushed.members()
    said = members.get("error")
    expect(said == "access_denied", "error access_denied", f"it is {said!r}")
    same = members.get("auth_req_id") == pending.auth_req_id
    expect(same, "the auth_req_id of the request", "it is another or none")


def _denied_without_tokens(_pending: Pending, pushed: Notification) -> None:
    found = sorted(_TOKENS & pushed.members().keys())
    expect(not found, "no tokens", f"there is {', '.join(found)}")


def _error_texts(_pending: Pending, pushed: Notification) -> None:
    expect_error_texts(pushed.content)


async def _not_early(stage: Stage) -> None:
    pending = await stage.begin()
    early = await stage.silence(pending, 0)
    expect(not early, "nothing before the decision", "something was pushed")


async def _expired(stage: Stage) -> None:
    pending = await stage.begin({"requested_expiry": _SHORT})
    if pending.expires_in > _LONGEST_WAIT:
        raise NotApplicable(f"requests live for {pending.expires_in:g} s, whatever is asked for")
    await stage.wait(pending.expires_in, "the request to expire")
    try:
        (pushed, *_) = await stage.notified(pending)
    except Violation:  # CIBA 12: it may be left out
        raise NotApplicable("nothing is pushed when a request expires") from None
    said = pushed.members().get("error")
    expect(said in _ERRORS, "error expired_token", f"it is {said!r}")


def _sent_once(answer: EndpointAnswer) -> CheckRun:
    async def run(stage: Stage) -> None:
        stage.notifications.answer_with(stage.client.notification_token, answer)
        pending = await stage.begin()
        await stage.decide(pending, Decision.ALLOW)
        await stage.notified(pending)
        again = await stage.silence(pending, 1)
        expect(not again, f"one push, answered {answer}", "there was another")

    return run


async def _redirected(stage: Stage) -> None:
    stage.notifications.answer_with(stage.client.notification_token, EndpointAnswer.REDIRECT)
    pending = await stage.begin()
    await stage.decide(pending, Decision.ALLOW)
    found = await stage.notified(pending)
    found += await stage.silence(pending, len(found))
    followed = any(each.is_redirected for each in found)
    expect(not followed, "no request to where the redirect leads", "there was one")


CHECKS: Final = (
    Check(
        id="push-sent",
        title="When the user has allowed it, tokens are pushed with the auth_req_id",
        run=judged(_sent),
        requirements=("ciba-10.3-1",),
        modes=_PUSH,
    ),
    Check(
        id="push-authorization",
        title="A push bears the client's notification token",
        run=judged(authorized),
        requirements=("ciba-9-2",),
        modes=_PUSH,
    ),
    Check(
        id="push-denied",
        title="When the user has denied it, access_denied is pushed",
        run=judged(_denied, Decision.DENY),
        requirements=("ciba-12-1",),
        modes=_PUSH,
    ),
    Check(
        id="push-denied-without-tokens",
        title="When the user has denied it, no tokens are pushed",
        run=judged(_denied_without_tokens, Decision.DENY),
        requirements=("ciba-8-1",),
        modes=_PUSH,
    ),
    Check(
        id="push-error-texts",
        title="A pushed error is made of the characters that it may be made of",
        run=judged(_error_texts, Decision.DENY),
        requirements=("ciba-12-2",),
        modes=_PUSH,
    ),
    Check(
        id="push-not-before-decision",
        title="Before the user has decided, nothing is pushed",
        run=_not_early,
        requirements=("ciba-8-1",),
        modes=_PUSH,
    ),
    Check(
        id="push-expired",
        title="When a request expires and that is pushed, it is an error",
        run=_expired,
        requirements=("ciba-12-1", "ciba-12-3"),
        modes=_PUSH,
    ),
    Check(
        id="push-once",
        title="A push that was answered 204 is not sent again",
        run=_sent_once(EndpointAnswer.NO_CONTENT),
        requirements=("ciba-10.3-6",),
        modes=_PUSH,
        severity=Severity.WARNING,
    ),
    Check(
        id="push-answer-with-body",
        title="200 with a body is as good an answer to a push as 204",
        run=_sent_once(EndpointAnswer.OK_WITH_BODY),
        requirements=("ciba-10.3-6",),
        modes=_PUSH,
        severity=Severity.WARNING,
    ),
    Check(
        id="push-redirect-not-followed",
        title="A redirect is not followed with tokens in hand",
        run=_redirected,
        requirements=("ciba-10.3-5",),
        modes=_PUSH,
    ),
)
