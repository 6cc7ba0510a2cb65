"""An attendant that answers by rules: each challenge once, several at the same time."""

import asyncio
from collections.abc import Callable

from authenticator_sim.core.deciding.rules import Action, Judgement, Rules
from authenticator_sim.core.events import (
    ChallengeShown,
    Event,
    NotDecided,
    PhoneWaiting,
    RuleApplied,
)
from authenticator_sim.core.identity.passkeys import Gesture
from authenticator_sim.core.identity.pin import Pin, other_pin
from authenticator_sim.errors import MissingFactor, PhoneError
from authenticator_sim.further_phones import FurtherPhones
from authenticator_sim.phone import Phone
from ciba_service.sca.messages import DenialReason

__all__ = ["AnswerByRules"]


class AnswerByRules:
    """Does what the first matching rule says; a refused decision is not tried again."""

    def __init__(
        self,
        phone: Phone,
        *,
        rules: Rules,
        pin: Pin | None,
        further: FurtherPhones,
        report: Callable[[Event], None],
    ) -> None:
        """Approve with this PIN, or with another where a rule wants a wrong one."""
        self._further = further
        self._phone = phone
        self._rules = rules
        self._pin = pin
        self._report = report
        self._arrived: asyncio.Queue[ChallengeShown | PhoneWaiting] = asyncio.Queue()

    def notice(self, event: Event) -> None:
        """Take up each new challenge, and each phone that waits."""
        if isinstance(event, ChallengeShown | PhoneWaiting):
            self._arrived.put_nowait(event)

    async def run(self) -> None:
        """Answer until cancelled."""
        async with asyncio.TaskGroup() as answers:
            while True:
                arrived = await self._arrived.get()
                if isinstance(arrived, PhoneWaiting):
                    answers.create_task(self._judge(arrived))
                else:
                    answers.create_task(self._answer(arrived))

    async def _judge(self, waiting: PhoneWaiting) -> None:
        action = self._rules.new_phones
        self._report(RuleApplied(waiting.device_id, "new_phones", action))
        try:
            for event in await self._about_phone(waiting, action):
                self._report(event)
        except PhoneError as error:
            self._report(NotDecided(waiting.device_id, str(error)))

    async def _about_phone(self, waiting: PhoneWaiting, action: Action) -> tuple[Event, ...]:
        pin = self._pin
        if action is Action.WRONG_PIN and pin is not None:
            pin = other_pin(pin)
        match action:
            case Action.IGNORE:
                return ()
            case Action.DENY:
                return await self._further.reject(waiting.device_id, reason=DenialReason.DECLINED)
            case Action.NOT_ME:
                return await self._further.reject(waiting.device_id, reason=DenialReason.NOT_ME)
            case _:
                if pin is None:
                    raise MissingFactor("To approve a phone takes the PIN.")
                return await self._further.approve(waiting.code, pin=pin)

    async def _answer(self, shown: ChallengeShown) -> None:
        judgement = self._rules.judge(shown.challenge)
        self._report(RuleApplied(shown.transaction_id, judgement.rule, judgement.action))
        if judgement.action is Action.IGNORE:
            return
        if judgement.slow:
            await self._phone.clock.sleep(judgement.slow)
        try:
            await self._carry_out(shown.transaction_id, judgement)
        except PhoneError as error:
            self._report(NotDecided(shown.transaction_id, str(error)))

    async def _carry_out(self, transaction_id: str, judgement: Judgement) -> None:
        match judgement.action:
            case Action.DENY:
                await self._phone.deny(transaction_id, reason=DenialReason.DECLINED)
            case Action.NOT_ME:
                await self._phone.deny(transaction_id, reason=DenialReason.NOT_ME)
            case Action.WRONG_PIN:
                wrong = None if self._pin is None else other_pin(self._pin)
                await self._phone.approve(transaction_id, pin=wrong)
            case Action.PASSKEY:
                # Whoever writes a rule makes the gesture.
                await self._phone.approve(transaction_id, pin=self._pin, gesture=Gesture.VERIFIED)
            case _:
                await self._phone.approve(transaction_id, pin=self._pin)
