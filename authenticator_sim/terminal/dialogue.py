"""One decision with a user at a terminal: read, choose, and only then PIN and one-time code."""

from typing import Final, TextIO

from authenticator_sim.core.deciding.challenges import VerifiedChallenge
from authenticator_sim.core.identity.passkeys import Gesture, takes_pin
from authenticator_sim.core.identity.pin import Pin, parse_pin
from authenticator_sim.errors import InvalidPin
from authenticator_sim.phone import Phone
from authenticator_sim.terminal.countdown import Countdown
from authenticator_sim.terminal.keyboard import Keyboard
from authenticator_sim.terminal.look.look import Look
from authenticator_sim.terminal.look.plain_look import PLAIN
from authenticator_sim.terminal.look.text import harmless
from ciba_service.sca.messages import Challenge, DenialReason, Factor

__all__ = ["Dialogue"]

_NOT_ME: Final = "n"
_DENIALS: Final = {
    "": DenialReason.DECLINED,
    "d": DenialReason.DECLINED,
    _NOT_ME: DenialReason.NOT_ME,
}
_APPROVE: Final = "a"


class Dialogue:
    """Leads a user through the challenges of one phone."""

    def __init__(
        self,
        phone: Phone,
        *,
        keyboard: Keyboard,
        screen: TextIO,
        pin: Pin | None,
        look: Look = PLAIN,
    ) -> None:
        """Ask for the PIN each time unless one is given."""
        self._phone = phone
        self._keyboard = keyboard
        self._screen = screen
        self._pin = pin
        self._look = look
        self._countdown: Countdown | None = None

    async def decide(self, challenge: VerifiedChallenge) -> None:
        """Show a challenge and carry out the answer.

        Every approval takes an explicit key and, where asked for, the PIN (NIST SP 800-63B 3.2.8).

        Raises:
            NotOpen: The request was closed meanwhile.
            MissingGesture: A passkey is asked for and was not confirmed.
            KeyboardClosed: There is nobody to answer.
        """
        self.show(challenge)
        self._countdown = self._look.countdown(
            self._phone.clock, lambda: self._phone.seconds_left(challenge)
        )
        await self._phone.tell_shown(challenge.transaction_id)
        answer = (await self._ask("Your answer [decline]: ")).strip().lower()
        while answer not in _DENIALS and answer != _APPROVE:
            answer = (await self._ask("Enter, n or a: ")).strip().lower()
        if answer in _DENIALS:
            await self._phone.deny(challenge.transaction_id, reason=_DENIALS[answer])
        else:
            await self._approve(challenge)

    async def report(self, over: VerifiedChallenge) -> None:
        """Let the user say "not me" of a request that is over; raises as ``decide``."""
        client = harmless(over.content.display.client)
        self._countdown = None
        answer = await self._ask(f"{client} asked, and that is over. [n: this was not me]: ")
        if answer.strip().lower() == _NOT_ME:
            await self._phone.report(over.transaction_id)

    def show(self, challenge: VerifiedChallenge) -> None:
        """Write the challenge and the possible answers."""
        seconds_left = self._phone.seconds_left(challenge)
        self._screen.write(self._look.question(challenge.content, seconds_left))
        self._screen.flush()

    async def _approve(self, challenge: VerifiedChallenge) -> None:
        factors = challenge.content.factors
        gesture = await self._ask_gesture(challenge.content)
        asks_for_pin = takes_pin(challenge.content, offered=gesture is not None)
        pin = await self._ask_pin() if asks_for_pin else None
        otp = await self._ask_otp() if Factor.OTP in factors else None
        code = await self._ask_code() if Factor.VERIFICATION_CODE in factors else None
        await self._phone.approve(
            challenge.transaction_id, pin=pin, otp=otp, verification_code=code, gesture=gesture
        )

    async def _ask_gesture(self, content: Challenge) -> Gesture | None:
        if Factor.PASSKEY in content.factors:
            return Gesture.VERIFIED if await self._confirms("else no") else Gesture.NONE
        if not (content.passkey_for_pin and self._phone.has_passkey):
            return None
        return Gesture.VERIFIED if await self._confirms("else with the PIN") else None

    async def _confirms(self, otherwise: str) -> bool:
        question = f"Confirm with your passkey [y, {otherwise}]: "
        return (await self._ask(question)).strip().lower() == "y"

    async def _ask_pin(self) -> Pin:
        if self._pin is not None:
            return self._pin
        while True:
            try:
                return parse_pin(await self._ask_secret("PIN: "))
            except InvalidPin as error:
                self._screen.write(self._look.problem(str(error)))

    async def _ask_code(self) -> str:
        typed = await self._ask("Code that the other device shows: ")
        return "".join(typed.split())

    async def _ask_otp(self) -> str | None:
        typed = await self._ask_secret("One-time code [Enter: this phone fills in its own]: ")
        return typed or None

    async def _ask(self, question: str) -> str:
        return await self._keyboard.ask(question, countdown=self._countdown)

    async def _ask_secret(self, question: str) -> str:
        return await self._keyboard.ask_secret(question, countdown=self._countdown)
