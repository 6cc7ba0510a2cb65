"""What pings and pushes have in common: how one is waited for, and its token (CIBA 10.2, 10.3)."""

from collections.abc import Callable

from ciba_client.conformance.check import CheckRun
from ciba_client.conformance.expectations import expect
from ciba_client.conformance.parties.approver import Decision
from ciba_client.conformance.parties.desk import Notification
from ciba_client.conformance.stage import Pending, Stage

__all__ = ["authorized", "judged"]

Judge = Callable[[Pending, Notification], None]


def judged(judge: Judge, decision: Decision = Decision.ALLOW) -> CheckRun:
    """The check that judges the first notification of a request that was decided so."""

    async def run(stage: Stage) -> None:
        pending = await stage.begin()
        await stage.decide(pending, decision)
        (notification, *_) = await stage.notified(pending)
        judge(pending, notification)

    return run


def authorized(pending: Pending, notification: Notification) -> None:
    """It has the notification token of the request, once; raises ``Violation``."""
    count = len(notification.authorization)
    expect(count == 1, "one Authorization header", f"there are {count}")
    same = notification.bearer == pending.notification_token
    expect(same, "the notification token of the request as Bearer", "it is another")
