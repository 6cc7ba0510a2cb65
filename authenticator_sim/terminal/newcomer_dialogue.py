"""A further phone with a user at a terminal: the code that it shows, and the PIN."""

from collections.abc import Callable
from typing import Final, TextIO

from authenticator_sim.core.events import Event, PhoneWaiting
from authenticator_sim.core.identity.pin import Pin, parse_pin
from authenticator_sim.errors import InvalidPin
from authenticator_sim.further_phones import FurtherPhones
from authenticator_sim.terminal.countdown import Countdown
from authenticator_sim.terminal.keyboard import Keyboard
from authenticator_sim.terminal.look.look import Look
from authenticator_sim.terminal.look.plain_look import PLAIN
from ciba_service.sca.messages import DenialReason

__all__ = ["NewcomerDialogue"]

_REJECTIONS: Final = {"": DenialReason.DECLINED, "n": DenialReason.NOT_ME}


class NewcomerDialogue:
    """Asks about one phone that waits; to turn it away is the default."""

    def __init__(
        self,
        further: FurtherPhones,
        *,
        keyboard: Keyboard,
        screen: TextIO,
        pin: Pin | None,
        report: Callable[[Event], None],
        look: Look = PLAIN,
    ) -> None:
        """Ask for the PIN each time unless one is given."""
        self._further = further
        self._keyboard = keyboard
        self._screen = screen
        self._pin = pin
        self._report = report
        self._look = look

    async def decide(self, waiting: PhoneWaiting) -> None:
        """Carry out the user's answer.

        The code is typed as the other phone shows it, and not shown here, so that nobody approves
        a phone without looking at it.

        Raises:
            PhoneError: The service cannot be asked.
            KeyboardClosed: There is nobody to answer.
        """
        self._screen.write(self._look.newcomer(waiting.name))
        countdown = self._look.countdown(
            self._further.clock, lambda: self._further.seconds_left(waiting)
        )
        answer = await self._ask_code(countdown)
        while answer not in _REJECTIONS and answer != waiting.code:
            self._screen.write(self._look.problem("That is not its code."))
            answer = await self._ask_code(countdown)
        if answer in _REJECTIONS:
            events = await self._further.reject(waiting.device_id, reason=_REJECTIONS[answer])
        else:
            events = await self._further.approve(answer, pin=await self._ask_pin(countdown))
        for event in events:
            self._report(event)

    async def _ask_code(self, countdown: Countdown | None) -> str:
        typed = await self._keyboard.ask("Code that it shows: ", countdown=countdown)
        return "".join(typed.split()).lower()

    async def _ask_pin(self, countdown: Countdown | None) -> Pin:
        while self._pin is None:
            try:
                typed = await self._keyboard.ask_secret("PIN: ", countdown=countdown)
                return parse_pin(typed)
            except InvalidPin as error:
                self._screen.write(self._look.problem(str(error)))
        return self._pin
