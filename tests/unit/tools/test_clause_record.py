"""What a record proves: tests that ran whole and passed, and nothing else."""

import itertools

import pytest

from tools.clause_record import (
    MarkedTest,
    Outcome,
    RecordError,
    combine,
    parse_record,
    proven,
    render,
)

PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED


def marked(outcome: Outcome, *clauses: str, test: str = "t.py::test_a") -> MarkedTest:
    """A test with these clauses."""
    return MarkedTest(test=test, clauses=clauses or ("ciba-1",), outcome=outcome)


@pytest.mark.parametrize(
    ("outcomes", "collected", "expected"),
    [
        ([PASSED], 1, PASSED),
        ([PASSED, PASSED], 2, PASSED),
        ([PASSED], 2, Outcome.INCOMPLETE),
        ([], 1, Outcome.INCOMPLETE),
        ([], 0, Outcome.INCOMPLETE),
        ([PASSED, SKIPPED], 2, SKIPPED),
        ([PASSED, FAILED], 2, FAILED),
        ([SKIPPED, FAILED], 2, FAILED),
    ],
)
def test_a_test_passes_only_with_all_its_cases(
    outcomes: list[Outcome], collected: int, expected: Outcome
):
    """One case that failed, was skipped or did not run decides for the whole test."""
    for order in itertools.permutations(outcomes):
        assert combine(order, collected=collected) is expected


@pytest.mark.parametrize("outcome", [FAILED, SKIPPED, Outcome.INCOMPLETE])
def test_only_a_passed_test_proves(outcome: Outcome):
    """A test that failed, was skipped or was not run whole proves nothing."""
    assert proven([marked(outcome)]) == frozenset()
    assert proven([marked(PASSED, "ciba-1", "ciba-2")]) == {"ciba-1", "ciba-2"}


def test_a_failed_test_disproves_what_another_shows():
    """A clause with a failing test is not proven, whatever its other tests say."""
    tests = [marked(PASSED, "ciba-1", "ciba-2"), marked(FAILED, "ciba-2", test="t.py::test_b")]
    assert proven(tests) == {"ciba-1"}
    assert proven(reversed(tests)) == {"ciba-1"}


def test_a_skipped_test_takes_nothing_away():
    """A clause that another test proves stays proven."""
    assert proven([marked(PASSED), marked(SKIPPED, test="t.py::test_b")]) == {"ciba-1"}


def test_the_record_comes_back_as_it_was_written():
    """Writing and reading change nothing, and the order of the run leaves no trace."""
    tests = (marked(PASSED), marked(FAILED, test="t.py::test_b"))
    assert parse_record(render(tests)) == tests
    assert render(reversed(tests)) == render(tests)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 2, "tests": []}', '{"format": 1, "tests": [{"test": "t"}]}'],
)
def test_a_broken_record_is_refused(text: str):
    """What the suite did not write is not guessed at."""
    with pytest.raises(RecordError):
        parse_record(text)
