"""``authenticator-sim history``: the last fifty decisions of this phone."""

from pathlib import Path

from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore

__all__ = ["history"]


def history(state: Path, surroundings: Surroundings, *, json: bool) -> bool:
    """Show the decisions, the oldest first; raises ``PhoneError`` when there is no phone."""
    Keystore(state).load()
    decisions = Journal(state).decisions()
    if not json:
        surroundings.stdout.write(surroundings.look().history(decisions))
        return True
    reporter = surroundings.reporter(json=True)
    for decided in decisions:
        reporter.report(decided)
    return True
