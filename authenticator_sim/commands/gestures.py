"""Where a user's gesture at a passkey comes from: the keyboard, else the environment."""

from typing import Final

from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.core.identity.passkeys import Gesture
from authenticator_sim.errors import UsageError
from authenticator_sim.terminal.keyboard import KeyboardClosed

__all__ = ["GESTURE_VARIABLE", "obtain_gesture"]

GESTURE_VARIABLE: Final = "AUTHENTICATOR_SIM_GESTURE"


async def obtain_gesture(surroundings: Surroundings) -> Gesture:
    """Ask the user to confirm with the passkey, or take what the environment says.

    Raises:
        UsageError: There is neither, or the environment says something else.
    """
    given = surroundings.environment.get(GESTURE_VARIABLE)
    if given is not None:
        try:
            return Gesture(given)
        except ValueError:
            known = ", ".join(Gesture)
            raise UsageError(f"{GESTURE_VARIABLE} is one of {known}.") from None
    keyboard = surroundings.keyboard()
    if keyboard is None:
        raise UsageError(f"No gesture: set {GESTURE_VARIABLE}, or use a terminal.")
    try:
        answer = await keyboard.ask("Confirm with your passkey [y, else no]: ")
    except KeyboardClosed:
        return Gesture.NONE
    return Gesture.VERIFIED if answer.strip().lower() == "y" else Gesture.NONE
