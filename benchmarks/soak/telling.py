"""What is printed: a line now and then, and a table at the end."""

import sys

from benchmarks.soak.running import Outcome

__all__ = ["say", "tell"]

_SHOWN = 20


def say(text: str) -> None:
    """Print at once: it takes long."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def tell(outcome: Outcome) -> None:
    """The table, and every violation with the history of its flow."""
    judged = outcome.judged
    flows = judged.ends.total()
    say(f"  {flows} flows in {outcome.seconds:.0f} s ({flows / outcome.seconds:.0f}/s)")
    for title, counted in (
        ("ends", judged.ends),
        ("redemptions that nobody got", judged.lost),
        ("what failovers took", judged.forgotten),
        ("faults", outcome.faults),
        ("fault points", outcome.points),
        ("sockets closed, by code", outcome.closed),
    ):
        say(f"  {title}:")
        for name, number in sorted(counted.items(), key=lambda pair: str(pair[0])):
            say(f"    {number:>8} {name}")
    for what in outcome.latencies:
        say(
            f"  {what}: p50 {outcome.milliseconds(what, 0.5):.0f} ms,"
            f" p99 {outcome.milliseconds(what, 0.99):.0f} ms"
        )
    for line in outcome.failures[:_SHOWN]:
        say(f"  LOGGED {line}")
    say(f"  violations: {len(judged.violations)}")
    for violation in judged.violations[:_SHOWN]:
        say(f"  VIOLATED in flow {violation.flow}: {violation.sentence}")
        say(outcome.histories.get(violation.flow, ""))
