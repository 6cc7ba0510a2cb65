"""Notifications of ping mode, and what the provider makes of the answer to them (CIBA 10.2)."""

from typing import Final

from ciba_client.conformance.check import Check, CheckRun, Severity
from ciba_client.conformance.checks.notified import authorized, judged
from ciba_client.conformance.expectations import expect, expect_status, expect_token_error
from ciba_client.conformance.parties.approver import Decision
from ciba_client.conformance.parties.desk import Notification
from ciba_client.conformance.stage import Pending, Stage
from ciba_client.hostile import EndpointAnswer
from ciba_client.sdk.delivery_mode import TokenDeliveryMode

__all__ = ["CHECKS"]

_PING: Final = frozenset({TokenDeliveryMode.PING})
_OK: Final = 200
_MTLS_MODULE: Final = "ping-with-mtls-ciba-notification-endpoint"


def _sent(_pending: Pending, ping: Notification) -> None:
    expect(ping.method == "POST", "a POST", f"it was {ping.method}")


def _json(_pending: Pending, ping: Notification) -> None:
    ping.members()


def _names_request(pending: Pending, ping: Notification) -> None:
    same = ping.auth_req_id == pending.auth_req_id
    expect(same, "the auth_req_id of the request", "it is another or none")


def _nothing_else(_pending: Pending, ping: Notification) -> None:
    more = sorted(ping.members().keys() - {"auth_req_id"})
    expect(not more, "auth_req_id and nothing else", f"there is {', '.join(more)}")


async def _denied(stage: Stage) -> None:
    pending = await stage.begin()
    await stage.decide(pending, Decision.DENY)
    await stage.notified(pending)
    expect_token_error(await stage.poll(pending), "access_denied")


async def _not_early(stage: Stage) -> None:
    pending = await stage.begin()
    early = await stage.silence(pending, 0)
    expect(not early, "no notification before the decision", "there is one")


async def _redeemable_at_once(stage: Stage) -> None:
    pending = await stage.begin()
    await stage.decide(pending, Decision.ALLOW)
    await stage.notified(pending)
    expect_status(await stage.poll(pending), _OK)


def _answered(answer: EndpointAnswer) -> CheckRun:
    """The flow completes whatever the client's endpoint says."""

    async def run(stage: Stage) -> None:
        stage.notifications.answer_with(stage.client.notification_token, answer)
        done = await stage.completed()
        expect_status(done.answer, _OK)

    return run


def _sent_once(answer: EndpointAnswer) -> CheckRun:
    async def run(stage: Stage) -> None:
        stage.notifications.answer_with(stage.client.notification_token, answer)
        pending = await stage.begin()
        await stage.decide(pending, Decision.ALLOW)
        await stage.notified(pending)
        again = await stage.silence(pending, 1)
        expect(not again, f"one notification, answered {answer}", "it was sent again")
        expect_status((await stage.collected(pending)).answer, _OK)

    return run


async def _redirected(stage: Stage) -> None:
    stage.notifications.answer_with(stage.client.notification_token, EndpointAnswer.REDIRECT)
    pending = await stage.begin()
    await stage.decide(pending, Decision.ALLOW)
    found = await stage.notified(pending)
    found += await stage.silence(pending, len(found))
    followed = any(each.is_redirected for each in found)
    expect(not followed, "no request to where the redirect leads", "there was one")
    expect_status((await stage.collected(pending)).answer, _OK)


CHECKS: Final = (
    Check(
        id="ping-sent",
        title="When the user has allowed it, the client is notified by POST",
        run=judged(_sent),
        requirements=("ciba-10.2-1",),
        modules=("fapi-ciba-id1",),
        modes=_PING,
    ),
    Check(
        id="ping-json",
        title="The notification is JSON",
        run=judged(_json),
        requirements=("ciba-10.2-3",),
        modules=("fapi-ciba-id1",),
        modes=_PING,
    ),
    Check(
        id="ping-authorization",
        title="The notification bears the client's notification token",
        run=judged(authorized),
        requirements=("ciba-9-2",),
        modules=("fapi-ciba-id1",),
        modes=_PING,
    ),
    Check(
        id="ping-auth-req-id",
        title="The notification names the request",
        run=judged(_names_request),
        requirements=("ciba-10.2-3",),
        modules=("fapi-ciba-id1",),
        modes=_PING,
    ),
    Check(
        id="ping-nothing-else",
        title="The notification says nothing but auth_req_id",
        run=judged(_nothing_else),
        requirements=("ciba-10.2-3", "fapi-ciba-7.8-1"),
        modules=("fapi-ciba-id1",),
        modes=_PING,
    ),
    Check(
        id="ping-denied",
        title="When the user has denied it, the client is notified as well",
        run=_denied,
        requirements=("ciba-10.2-1",),
        modules=("user-rejects-authentication",),
        modes=_PING,
    ),
    Check(
        id="ping-not-before-decision",
        title="Before the user has decided, there is no notification",
        run=_not_early,
        requirements=("ciba-10.2-1",),
        modes=_PING,
    ),
    Check(
        id="ping-redeemable-at-once",
        title="Who is notified gets tokens at once, whatever the interval",
        run=_redeemable_at_once,
        requirements=("ciba-10.1.1-1",),
        modules=("fapi-ciba-id1",),
        modes=_PING,
    ),
    Check(
        id="ping-once",
        title="A notification that was answered 204 is not sent again",
        run=_sent_once(EndpointAnswer.NO_CONTENT),
        requirements=("ciba-10.2-4",),
        modes=_PING,
        severity=Severity.WARNING,
    ),
    Check(
        id="ping-answer-with-body",
        title="200 with a body is as good an answer as 204",
        run=_sent_once(EndpointAnswer.OK_WITH_BODY),
        requirements=("ciba-10.2-4",),
        modules=("ping-backchannel-notification-endpoint-response-has-body",),
        modes=_PING,
    ),
    Check(
        id="ping-answer-401",
        title="After a 401 the tokens can be had, and the notification is not sent again",
        run=_sent_once(EndpointAnswer.UNAUTHORIZED),
        requirements=("ciba-10.2-6",),
        modules=(
            "ping-backchannel-notification-endpoint-response-401",
            f"{_MTLS_MODULE}-response-401-and-require-server-does-not-retry",
        ),
        modes=_PING,
    ),
    Check(
        id="ping-answer-403",
        title="After a 403 the tokens can be had",
        run=_answered(EndpointAnswer.FORBIDDEN),
        requirements=("ciba-10.2-6",),
        modules=("ping-backchannel-notification-endpoint-response-403",),
        modes=_PING,
    ),
    Check(
        id="ping-answer-500",
        title="After a 500 the tokens can be had",
        run=_answered(EndpointAnswer.SERVER_ERROR),
        requirements=("ciba-10.2-6",),
        modes=_PING,
    ),
    Check(
        id="ping-redirect-not-followed",
        title="A redirect is not followed, and the tokens can be had",
        run=_redirected,
        requirements=("ciba-10.2-5",),
        modules=("ping-backchannel-notification-endpoint-return-redirect-request",),
        modes=_PING,
    ),
)
