"""Who answers the challenges of a running phone: a rule, or a person at the terminal.

An attendant hears every event (``notice``) and works until it is cancelled (``run``).
"""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Protocol, TextIO

from authenticator_sim.core.events import (
    ChallengeShown,
    Closed,
    Decided,
    DecisionRefused,
    Event,
    NotDecided,
    OtherDeviceEnrolled,
    PhoneRejected,
    PhoneWaiting,
)
from authenticator_sim.core.identity.pin import Pin
from authenticator_sim.errors import PhoneError
from authenticator_sim.phone import Phone
from authenticator_sim.terminal.dialogue import Dialogue
from authenticator_sim.terminal.keyboard import Keyboard, KeyboardClosed
from authenticator_sim.terminal.look.look import Look
from authenticator_sim.terminal.look.plain_look import PLAIN
from authenticator_sim.terminal.newcomer_dialogue import NewcomerDialogue
from ciba_service.sca.messages import OUTCOME_WINDOW, DenialReason, RefusalReason

__all__ = ["AnswerAll", "Attendant", "TerminalAttendant"]


class Attendant(Protocol):
    """Answers challenges."""

    def notice(self, event: Event) -> None:
        """Hear of an event."""
        ...

    async def run(self) -> None:
        """Work until cancelled, or until there is nobody left to answer."""
        ...


class AnswerAll:
    """Approves or denies every challenge, several at once, each once only.

    A refused decision is not tried again: the same PIN would only use up attempts.
    """

    def __init__(
        self, phone: Phone, *, approve: bool, pin: Pin | None, report: Callable[[Event], None]
    ) -> None:
        """Choose the answer; an approval needs the PIN."""
        self._phone = phone
        self._approve = approve
        self._pin = pin
        self._report = report
        self._arrived: asyncio.Queue[str] = asyncio.Queue()

    def notice(self, event: Event) -> None:
        """Take up each new challenge."""
        if isinstance(event, ChallengeShown):
            self._arrived.put_nowait(event.transaction_id)

    async def run(self) -> None:
        """Answer until cancelled."""
        async with asyncio.TaskGroup() as answers:
            while True:
                answers.create_task(self._answer(await self._arrived.get()))

    async def _answer(self, transaction_id: str) -> None:
        try:
            if self._approve:
                await self._phone.approve(transaction_id, pin=self._pin)
            else:
                await self._phone.deny(transaction_id, reason=DenialReason.DECLINED)
        except PhoneError as error:
            self._report(NotDecided(transaction_id, str(error)))


class TerminalAttendant:
    """Shows one question after the other to a person; takes it away when it is closed.

    Questions are challenges and, where it is told how to answer them, phones that wait. When there
    are none it asks about requests that ended without an answer, whether they were the user's.
    """

    def __init__(
        self,
        phone: Phone,
        *,
        keyboard: Keyboard,
        screen: TextIO,
        pin: Pin | None,
        newcomers: NewcomerDialogue | None = None,
        look: Look = PLAIN,
    ) -> None:
        """Ask at this keyboard and screen."""
        self._newcomers = newcomers
        self._phone = phone
        self._screen = screen
        self._look = look
        self._dialogue = Dialogue(phone, keyboard=keyboard, screen=screen, pin=pin, look=look)
        self._waiting: asyncio.PriorityQueue[tuple[bool, int, str | PhoneWaiting]] = (
            asyncio.PriorityQueue()
        )
        self._numbers = itertools.count()
        self._current: str | None = None
        self._asks_of_over = False
        self._taken_away = asyncio.Event()

    def notice(self, event: Event) -> None:
        """Queue new challenges and refused attempts; interrupt what is closed."""
        match event:
            case ChallengeShown() | DecisionRefused(reason=RefusalReason.FACTORS):
                self._ask(event.transaction_id)
            case Closed() | Decided() | DecisionRefused():
                if event.transaction_id == self._current:
                    self._taken_away.set()
                if not isinstance(event, Decided):
                    self._ask(event.transaction_id, over=True)
            case PhoneWaiting():
                self._ask(event)
            case PhoneRejected() | OtherDeviceEnrolled():
                if event.device_id == self._current:
                    self._taken_away.set()
            case _:
                pass

    async def run(self) -> None:
        """Ask until cancelled or the terminal is closed."""
        while True:
            is_over, _, waiting = await self._waiting.get()
            try:
                if isinstance(waiting, PhoneWaiting):
                    await self._attend_newcomer(waiting)
                elif is_over:
                    await self._attend_over(waiting)
                else:
                    await self._attend_challenge(waiting)
            except KeyboardClosed:
                return
            except PhoneError as error:
                self._screen.write(self._look.problem(str(error)))

    def _ask(self, question: str | PhoneWaiting, *, over: bool = False) -> None:
        """Nothing waits behind a question about what is over, which may be left alone."""
        self._waiting.put_nowait((over, next(self._numbers), question))
        if self._asks_of_over and not over:
            self._taken_away.set()

    async def _attend_over(self, name: str) -> None:
        challenge = self._phone.find_over(name)
        if challenge is None:
            return
        self._asks_of_over = True
        try:
            is_answered = await self._attend(
                name,
                self._dialogue.report(challenge),
                seconds=self._phone.seconds_left(challenge) + OUTCOME_WINDOW,
            )
        finally:
            self._asks_of_over = False
        if not is_answered:
            self._ask(name, over=True)

    async def _attend_challenge(self, name: str) -> None:
        challenge = self._phone.find(name)
        if challenge is not None:
            await self._attend(
                name,
                self._dialogue.decide(challenge),
                seconds=self._phone.seconds_left(challenge),
                gone=self._look.gone(),
            )

    async def _attend_newcomer(self, waiting: PhoneWaiting) -> None:
        now_ms = self._phone.device.service_now_ms(self._phone.clock.now_ms())
        seconds = waiting.until - now_ms // 1000
        if self._newcomers is not None and seconds > 0:
            await self._attend(
                waiting.device_id,
                self._newcomers.decide(waiting),
                seconds=seconds,
                gone=self._look.gone(),
            )

    async def _attend(
        self,
        name: str,
        dialogue: Coroutine[None, None, None],
        *,
        seconds: int,
        gone: str = "",
    ) -> bool:
        """Whether it was answered before it was taken away."""
        self._current, self._taken_away = name, asyncio.Event()
        decision = asyncio.create_task(dialogue)
        ends = (
            asyncio.create_task(self._phone.clock.sleep(seconds)),
            asyncio.create_task(self._taken_away.wait()),
        )
        try:
            await asyncio.wait({decision, *ends}, return_when=asyncio.FIRST_COMPLETED)
            if decision.done():
                decision.result()
            else:
                self._screen.write(gone)
            return decision.done()
        finally:
            self._current = None
            for task in (decision, *ends):
                task.cancel()
            await asyncio.gather(decision, *ends, return_exceptions=True)
