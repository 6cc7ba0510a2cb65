"""The plain look: sentences and lines, the same on a terminal, in a pipe and in a file."""

from collections.abc import Callable
from typing import Final

from authenticator_sim.core.events import ChallengeShown, Decided, Event
from authenticator_sim.ports import Clock
from authenticator_sim.terminal.look.text import harmless
from authenticator_sim.terminal.wording.sentences import sentence
from authenticator_sim.terminal.wording.view import moment, render_challenge, render_choices
from ciba_service.sca.messages import Challenge, ShownDetail, Verdict

__all__ = ["PLAIN", "PlainLook"]


class PlainLook:
    """No colours, but bold where a question is asked; no tables, no time that moves."""

    @property
    def table(self) -> None:
        """None: each row is told as it comes."""
        return

    def event(self, event: Event) -> str:
        """Write its sentence."""
        return _line(sentence(event))

    def request(self, shown: ChallengeShown) -> str:
        """Write the transaction and all that is signed for display."""
        view = render_challenge(shown.challenge, shown.seconds_left)
        return f"Transaction {harmless(shown.transaction_id)}\n{view}\n"

    def question(self, challenge: Challenge, seconds_left: int) -> str:
        """Write the challenge, in bold what matters, and the possible answers."""
        view = render_challenge(challenge, seconds_left, bold=True)
        return f"\n{view}\n{render_choices()}\n"

    def newcomer(self, name: str) -> str:
        """Write who waits and what Enter and n mean."""
        return (
            f"\nAnother phone wants to be yours: {harmless(name)}\n"
            "Enter turns it away, n says that you know nothing of it.\n"
        )

    def problem(self, sentence: str) -> str:
        """Write the sentence."""
        return f"{sentence}\n"

    def gone(self) -> str:
        """Say so on a line of its own."""
        return "\nThis request is no longer open.\n"

    def history(self, decisions: tuple[Decided, ...]) -> str:
        """Write a line for each."""
        return "".join(f"{_decision(decided)}\n" for decided in decisions)

    def countdown(self, clock: Clock, seconds_left: Callable[[], int]) -> None:  # noqa: ARG002
        """Show none: a time that moves is nothing for a plain screen."""
        return


PLAIN: Final = PlainLook()


def _line(text: str) -> str:
    return f"{text}\n" if text else ""


def _decision(decided: Decided) -> str:
    at = moment(decided.decided_at // 1000)
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
