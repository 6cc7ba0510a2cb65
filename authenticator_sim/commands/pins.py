"""Where a PIN comes from: a file, the environment or the keyboard; never the command line."""

from pathlib import Path
from typing import Final

from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.core.identity.pin import Pin, parse_chosen_pin, parse_pin
from authenticator_sim.errors import InvalidPin, UsageError
from authenticator_sim.terminal.keyboard import Keyboard, KeyboardClosed

__all__ = ["NEW_PIN_VARIABLE", "PIN_VARIABLE", "choose_pin", "given_pin", "obtain_pin"]

PIN_VARIABLE: Final = "AUTHENTICATOR_SIM_PIN"
NEW_PIN_VARIABLE: Final = "AUTHENTICATOR_SIM_NEW_PIN"
_MAX_FILE_BYTES: Final = 64


def given_pin(surroundings: Surroundings, pin_file: Path | None) -> Pin | None:
    """Take the PIN from the file, else from the environment; ``None`` when neither has one.

    Raises:
        UsageError: The file cannot be read.
        InvalidPin: What stands there is no PIN.
    """
    text = _given_text(surroundings, pin_file)
    return None if text is None else parse_pin(text)


async def obtain_pin(surroundings: Surroundings, pin_file: Path | None) -> Pin:
    """Take the given PIN or ask for it; raises as ``given_pin``, ``UsageError`` without either."""
    pin = given_pin(surroundings, pin_file)
    if pin is not None:
        return pin
    keyboard = _keyboard(surroundings)
    try:
        return parse_pin(await keyboard.ask_secret("PIN: "))
    except KeyboardClosed:
        raise UsageError("No PIN was entered.") from None


async def choose_pin(
    surroundings: Surroundings, pin_file: Path | None, *, variable: str = PIN_VARIABLE
) -> Pin:
    """Take a new PIN from where it is given, or ask for it twice; trivial ones are refused."""
    text = _given_text(surroundings, pin_file, variable)
    if text is not None:
        return parse_chosen_pin(text)
    keyboard = _keyboard(surroundings)
    try:
        while True:
            pin = await _ask_new_pin(surroundings, keyboard)
            if pin is not None:
                return pin
    except KeyboardClosed:
        raise UsageError("No PIN was entered.") from None


async def _ask_new_pin(surroundings: Surroundings, keyboard: Keyboard) -> Pin | None:
    try:
        pin = parse_chosen_pin(await keyboard.ask_secret("New PIN (6 to 12 digits): "))
    except InvalidPin as error:
        surroundings.stdout.write(f"{error}\n")
        return None
    if await keyboard.ask_secret("Once more: ") != pin.digits:
        surroundings.stdout.write("The two PINs differ.\n")
        return None
    return pin


def _keyboard(surroundings: Surroundings) -> Keyboard:
    keyboard = surroundings.keyboard()
    if keyboard is None:
        raise UsageError(f"No PIN: give --pin-file or {PIN_VARIABLE}, or use a terminal.")
    return keyboard


def _given_text(
    surroundings: Surroundings, pin_file: Path | None, variable: str = PIN_VARIABLE
) -> str | None:
    if pin_file is None:
        return surroundings.environment.get(variable)
    try:
        with pin_file.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise UsageError(f"The PIN file {pin_file} cannot be read: {error.strerror}.") from error
    return content.decode("ascii", errors="replace").strip()
