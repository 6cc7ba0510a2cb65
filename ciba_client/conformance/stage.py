"""What a check works with: the provider, the clients, the user's decisions, and time."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

import httpx2

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.check import NotApplicable, Violation
from ciba_client.conformance.expectations import PENDING, expect, expect_pending
from ciba_client.conformance.parties.approver import Approver, Decision
from ciba_client.conformance.parties.client import ScriptedClient
from ciba_client.conformance.parties.desk import Desk, Notification
from ciba_client.conformance.parties.resource import call_resource
from ciba_client.conformance.parties.signer import UNCHANGED, Bent, Changes, truthful
from ciba_client.conformance.parties.wire import Busy, NoAnswer, Wire
from ciba_client.conformance.pending import Completed, Pending, acknowledged
from ciba_client.conformance.plan import Plan
from ciba_client.conformance.plan_file import Cleanup
from ciba_client.conformance.provider import Provider
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.dpop.key import DpopKey

__all__ = ["Completed", "Pending", "Stage"]

_OK: Final = 200
_TRIES: Final = 3
_FINAL: Final = frozenset({"access_denied", "expired_token", "invalid_grant"})
_LATE: Final = 0.2
"""Seconds after the interval at which a poll is sent: no two clocks agree."""


@dataclass(kw_only=True)
class Stage:
    """Set up anew for each check, and cleared after it.

    ``waiting`` hears for how many seconds, and for what, the check waits.
    """

    plan: Plan
    provider: Provider
    client: ScriptedClient
    wire: Wire
    clock: Clock
    discovery: Answer
    jwks: Answer
    anonymous: httpx2.AsyncClient
    second: ScriptedClient | None = None
    approver: Approver | None = None
    desk: Desk | None = None
    waiting: Callable[[float, str], None] = lambda _seconds, _why: None
    open: list[Pending] = field(default_factory=list)

    # -- who takes part

    @property
    def other(self) -> ScriptedClient:
        """The second client."""
        if self.second is None:
            raise NotApplicable("no [second_client] is configured")
        return self.second

    @property
    def notifications(self) -> Desk:
        """Where notifications arrive."""
        if self.desk is None:
            raise NotApplicable("no [notifications] are configured")
        return self.desk

    # -- steps of a flow

    async def wait(self, seconds: float, why: str) -> None:
        """Let time pass."""
        self.waiting(seconds, why)
        await self.clock.sleep(seconds)

    async def ask(
        self,
        changed: Changes = UNCHANGED,
        *,
        client: ScriptedClient | None = None,
        sign: Bent = truthful,
    ) -> Answer:
        """An authentication request; one that is let through is cleaned up after."""
        asking = client or self.client
        return self.noted(asking, await asking.ask(changed, sign=sign))

    def noted(self, client: ScriptedClient, answer: Answer) -> Answer:
        """Remember what was let through, so that it can be cleaned up."""
        if answer.status == _OK:
            with suppress(Violation):
                self.open.append(acknowledged(client, answer))
        return answer

    async def begin(
        self,
        changed: Changes = UNCHANGED,
        *,
        client: ScriptedClient | None = None,
        sign: Bent = truthful,
    ) -> Pending:
        """An authentication request that must be acknowledged."""
        asking = client or self.client
        pending = acknowledged(asking, await asking.ask(changed, sign=sign))
        self.open.append(pending)
        return pending

    async def decide(self, pending: Pending, decision: Decision) -> None:
        """Have the user decide."""
        if self.approver is None:
            raise NotApplicable("no approval.url is configured")
        self.waiting(1, f"the user to {decision}")
        await self.approver.decide(pending.auth_req_id, decision, self.wire)

    async def paced(self, pending: Pending) -> None:
        """Wait until the client may poll."""
        await self.wait(pending.interval + _LATE, "the polling interval")

    async def poll(self, pending: Pending) -> Answer:
        """A token request by the client that asked; sent again to a provider that is busy."""
        for _ in range(_TRIES):
            try:
                return self._settled(pending, await pending.client.poll(pending.auth_req_id))
            except Busy as busy:
                await self.wait(busy.seconds, "the provider, which is busy")
        return self._settled(pending, await pending.client.poll(pending.auth_req_id))

    async def outcome(self, pending: Pending) -> Answer:
        """The first answer after a decision that is not a pending one.

        Who polls asks now and then; who is pinged asks when it has been.
        """
        if pending.client.mode is TokenDeliveryMode.PING:
            await self.notified(pending)
            return await self.poll(pending)
        until = self.clock.monotonic() + self.plan.time.decision
        interval = pending.interval
        while self.clock.monotonic() < until:
            await self.wait(interval + _LATE, "the decision")
            answer = await self.poll(pending)
            if answer.error_code() not in PENDING:
                return answer
            expect_pending(answer)
            interval += 5 if answer.error_code() == "slow_down" else 0
        raise Violation("an outcome soon after the decision", "the request is still pending")

    async def notified(self, pending: Pending, number: int = 1) -> list[Notification]:
        """What has arrived once there are so many notifications; there must be."""
        seconds = self.plan.time.notification
        self.waiting(seconds, "a notification")
        found = await self.notifications.wait_for(
            token=pending.notification_token,
            auth_req_id=pending.auth_req_id,
            number=number,
            within=seconds,
        )
        self._write_down(found)
        expect(len(found) >= number, f"a notification within {seconds:g} s", "none arrived")
        return found

    async def silence(self, pending: Pending, after: int) -> list[Notification]:
        """What arrives in a while beyond so many notifications."""
        seconds = self.plan.time.silence
        self.waiting(seconds, "further notifications, which must not come")
        found = await self.notifications.wait_for(
            token=pending.notification_token,
            auth_req_id=pending.auth_req_id,
            number=after + 1,
            within=seconds,
        )
        self._write_down(found[after:])
        return found[after:]

    async def approved(self, pending: Pending) -> Completed:
        """Have the user allow it, and collect the tokens."""
        await self.decide(pending, Decision.ALLOW)
        return await self.collected(pending)

    async def collected(self, pending: Pending) -> Completed:
        """The tokens of what was allowed: fetched, or pushed."""
        if pending.client.mode is TokenDeliveryMode.PUSH:
            (pushed, *_) = await self.notified(pending)
            self.open.remove(pending)
            return Completed(pending, pushed.content, pushed.members())
        answer = await self.outcome(pending)
        expect(answer.status == _OK, "a token response, 200", f"the answer was {answer.summary()}")
        return Completed(pending, answer, answer.members())

    async def completed(self, changed: Changes = UNCHANGED) -> Completed:
        """A whole flow."""
        return await self.approved(await self.begin(changed))

    # -- other ways in

    def without_certificate(self, client: ScriptedClient) -> ScriptedClient:
        """The same client, on a connection on which it shows no certificate."""
        return replace(client, http=self.anonymous)

    async def call_resource(
        self,
        token: str | None,
        token_type: str,
        *,
        by: ScriptedClient | None = None,
        key: DpopKey | None = None,
        proven: bool = True,
        hashed: bool = True,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call the resource; ``key`` proves possession instead of the client's own.

        Unless ``hashed``, the proof does not say for which token it is.
        """
        resource = self.plan.resource
        if resource is None:
            raise NotApplicable("no [resource] is configured")
        client = by or self.client
        proving = (key or client.planned.dpop_key) if proven else None
        return await call_resource(
            client,
            resource,
            credentials=None if token is None else (token_type, token),
            key=proving,
            hashed=hashed,
            query=query,
            headers=headers,
        )

    # -- afterwards

    async def clear(self) -> None:
        """Take back, or deny, what is still open, as far as that can be done."""
        while self.open:
            pending = self.open.pop()
            with suppress(NoAnswer):
                await self._cleared(pending)

    async def _cleared(self, pending: Pending) -> None:
        approval = self.plan.approval
        if approval.cancel_url is not None:
            form = {"auth_req_id": pending.auth_req_id, **pending.client.credentials()}
            await pending.client.post(approval.cancel_url, form)
        elif approval.cleanup is Cleanup.DENY and self.approver is not None:
            await self.approver.decide(pending.auth_req_id, Decision.DENY, self.wire)

    def _settled(self, pending: Pending, answer: Answer) -> Answer:
        """What has ended need not be cleared."""
        is_over = answer.status == _OK or answer.error_code() in _FINAL
        if is_over and pending in self.open:
            self.open.remove(pending)
        return answer

    def _write_down(self, notifications: list[Notification]) -> None:
        self.wire.exchanges.extend(each.exchange() for each in notifications)
