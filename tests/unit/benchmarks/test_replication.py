"""The chapter about failovers says what was measured, and when it must not be."""

from collections import Counter

from benchmarks.replication.load import Kind
from benchmarks.replication.losses import Cost, Failovers
from benchmarks.replication.run import Measured, Plan, chapter
from benchmarks.report import FILE


def failovers(**lost: int) -> Failovers:
    """Two masters that died."""
    return Failovers(
        window=1.0,
        kills=2,
        answered=Counter(dict.fromkeys(Kind, 7)),
        lost=Counter({Kind[name]: number for name, number in lost.items()}),
        silent=[2.0, 3.5],
    )


def measured(**lost: int) -> Measured:
    """So much was lost although it was waited for."""
    return Measured(
        losses={0: failovers(DECISION=3), 1: failovers(**lost)},
        failovers={0: failovers(), 1: failovers()},
        costs={(0.0, 0): Cost(90, [0.001]), (0.01, 1): Cost(30, [0.021, 0.05])},
    )


def test_what_was_lost_silent_and_paid_is_in_the_chapter():
    """Each figure once, under what it is of."""
    text = chapter(Plan(), measured())
    assert "| 0 | 3 of 7 | 0 of 7 | 0 of 7 | 0 of 7 |" in text
    assert "| 1 | 2.0 s | 3.5 s |" in text
    assert "| nothing in between | 0 | 90 | 1.0 ms | 1.0 ms |" in text
    assert "| 10.0 ms | 1 | 30 | 21.0 ms | 50.0 ms |" in text
    assert "<!-- failover: written by the benchmark -->" in FILE.read_text("utf-8")


def test_the_goal_is_missed_by_a_single_loss_that_was_waited_for():
    """Losses without the setting are what it is for."""
    assert measured().is_met
    assert not measured(REPLAY=1).is_met
