"""Files of scenarios, among them those that come with this package."""

from importlib import resources
from pathlib import Path
from typing import Final

from authenticator_sim.documents import parse_document, read_text
from authenticator_sim.errors import UsageError
from authenticator_sim.scenario.steps import Scenario

__all__ = ["parse_scenario", "read_scenario", "shipped_names", "shipped_text"]

_SUFFIX: Final = ".yaml"
_SHIPPED: Final = resources.files("authenticator_sim") / "scenarios"


def shipped_names() -> tuple[str, ...]:
    """Names of the scenarios of this package, sorted."""
    names = (entry.name for entry in _SHIPPED.iterdir() if entry.name.endswith(_SUFFIX))
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names))


def shipped_text(name: str) -> str:
    """The file of one of them; raises ``UsageError``."""
    if name not in shipped_names():
        raise UsageError(f"There is no scenario {name}: see authenticator-sim scenarios list.")
    return (_SHIPPED / f"{name}{_SUFFIX}").read_text("utf-8")


def read_scenario(given: str) -> Scenario:
    """Read a file, or a scenario of this package by its name; raises ``UsageError``."""
    if given in shipped_names():
        return parse_scenario(shipped_text(given), name=given)
    return parse_scenario(read_text(Path(given)), name=given)


def parse_scenario(text: str, *, name: str) -> Scenario:
    """Read a scenario; ``name`` is what to call it. Raises ``UsageError`` with the line."""
    return parse_document(text, Scenario, lambda scenario: scenario, name=name)
