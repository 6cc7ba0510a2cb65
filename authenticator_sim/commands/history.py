"""``authenticator-sim history``: the last fifty decisions of this phone."""

from datetime import UTC, datetime
from pathlib import Path

from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.core.events import Decided
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore
from authenticator_sim.terminal.text import harmless
from ciba_service.sca.messages import ShownDetail, Verdict

__all__ = ["history"]


def history(state: Path, surroundings: Surroundings, *, json: bool) -> bool:
    """Show the decisions, the oldest first; raises ``PhoneError`` when there is no phone."""
    Keystore(state).load()
    for decided in Journal(state).decisions():
        if json:
            surroundings.reporter(json=True).report(decided)
        else:
            surroundings.stdout.write(f"{_line(decided)}\n")
    return True


def _line(decided: Decided) -> str:
    at = datetime.fromtimestamp(decided.decided_at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    done = "approved" if decided.verdict is Verdict.APPROVE else f"declined ({decided.reason})"
    display = decided.challenge.display
    texts = (
        display.title,
        display.client,
        display.binding_message,
        display.amount,
        display.payee,
        display.payee_account,
        display.remittance_information,
        *(text for detail in display.details for text in _texts(detail)),
    )
    return "  ".join([at, done, *(harmless(text) for text in texts if text is not None)])


def _texts(detail: ShownDetail) -> list[str]:
    return [detail.title, *(text for line in detail.lines for text in line.texts)]
