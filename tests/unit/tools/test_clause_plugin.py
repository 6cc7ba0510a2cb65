"""The plugin on real runs of pytest: which markers it takes, and what the record says."""

from pathlib import Path

import pytest

from tools.clause_record import MarkedTest, Outcome, parse_record, proven

SUITE = """
import os, pytest

@pytest.mark.clause("row-passed", "row-shared")
def test_passed(): pass

@pytest.mark.clause("row-shared")
def test_failed(): assert False

@pytest.mark.clause("row-skipped")
@pytest.mark.skip
def test_skipped(): pass

@pytest.mark.clause("row-expected-failure")
@pytest.mark.xfail(strict=False)
def test_expected_to_fail(): assert False

@pytest.mark.clause("row-unexpected-pass")
@pytest.mark.xfail(strict=False)
def test_unexpectedly_passed(): pass

@pytest.mark.clause("row-all-cases")
@pytest.mark.parametrize("case", ["a", "b[@", "c"])
@pytest.mark.xdist_group("one")
def test_all_cases_pass(case): pass

@pytest.mark.clause("row-some-cases")
@pytest.mark.parametrize("case", [1, 2, 3])
def test_one_case_fails(case): assert case != 2

@pytest.mark.parametrize("case", [1, pytest.param(2, marks=pytest.mark.clause("row-case"))])
def test_one_marked_case(case): assert case == 2

@pytest.fixture
def breaks_at_the_end():
    yield
    raise RuntimeError

@pytest.mark.clause("row-teardown")
def test_teardown_fails(breaks_at_the_end): pass

@pytest.mark.clause("row-class")
class TestClass:
    def test_in_a_class(self): pass

@pytest.mark.clause("row-deselected")
@pytest.mark.parametrize("case", [1, 2])
def test_partly_deselected(case): pass

def test_unmarked(): pass
"""
ROWS = [
    "passed",
    "shared",
    "skipped",
    "expected-failure",
    "unexpected-pass",
    "all-cases",
    "some-cases",
    "case",
    "teardown",
    "class",
    "deselected",
    "crashed",
]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project of its own, with this plugin and xdist, and an inventory of twelve rows."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\naddopts = -p xdist\nmarkers =\n  clause(*ids): proves\n")
    pytester.makeconftest('pytest_plugins = ("tools.clause_plugin",)')
    (pytester.path / "docs").mkdir()
    (pytester.path / "docs/requirements.toml").write_text(
        "".join(f'[[requirement]]\nid = "row-{row}"\nspec = "S"\ntier = "core"\n' for row in ROWS),
        encoding="utf-8",
    )
    return pytester


def recorded(suite: pytest.Pytester) -> tuple[MarkedTest, ...]:
    """The record that the run has written."""
    return parse_record((suite.path / "build/record.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("workers", [[], ["-n", "2"], ["-n", "2", "--dist", "loadgroup"]])
def test_only_whole_passing_tests_prove(suite: pytest.Pytester, workers: list[str]):
    """The record is the same with and without workers, and counts cases, skips and teardowns."""
    suite.makepyfile(SUITE)
    suite.runpytest(
        "--clause-record=build/record.json",
        "--deselect=test_only_whole_passing_tests_prove.py::test_partly_deselected[1]",
        *workers,
    )
    tests = {test.test.rpartition("::")[2]: test.outcome for test in recorded(suite)}
    assert tests == {
        "test_passed": Outcome.PASSED,
        "test_failed": Outcome.FAILED,
        "test_skipped": Outcome.SKIPPED,
        "test_expected_to_fail": Outcome.FAILED,
        "test_unexpectedly_passed": Outcome.FAILED,
        "test_all_cases_pass": Outcome.PASSED,
        "test_one_case_fails": Outcome.FAILED,
        "test_one_marked_case": Outcome.FAILED,
        "test_teardown_fails": Outcome.FAILED,
        "test_in_a_class": Outcome.PASSED,
        "test_partly_deselected": Outcome.INCOMPLETE,
    }
    assert proven(recorded(suite)) == {"row-passed", "row-all-cases", "row-class"}


def test_a_crashed_worker_proves_nothing(suite: pytest.Pytester):
    """A case that took its process with it counts as failed."""
    suite.makepyfile(
        """
        import os, pytest

        @pytest.mark.clause("row-crashed")
        @pytest.mark.parametrize("case", [1, 2])
        def test_crashes(case):
            if case == 2:
                os._exit(1)
        """
    )
    suite.runpytest("--clause-record=build/record.json", "-n", "1")
    assert proven(recorded(suite)) == frozenset()


@pytest.mark.parametrize(
    ("marker", "reason", "workers"),
    [
        ('"row-none"', "'row-none' is not in docs/requirements.toml", []),
        ('"row-none"', "'row-none' is not in docs/requirements.toml", ["-n", "2"]),
        ('["row-passed"]', "is not in docs/requirements.toml", []),
        ("", "clause takes ids and nothing else", []),
        ('"row-passed", why="x"', "clause takes ids and nothing else", []),
    ],
)
def test_a_wrong_marker_is_an_error_that_names_the_test(
    suite: pytest.Pytester, marker: str, reason: str, workers: list[str]
):
    """Nothing runs while a test claims a row that does not exist."""
    suite.makepyfile(
        f"import pytest\n\n@pytest.mark.clause({marker})\ndef test_claims(): pass\n"
        "def test_other(): pass\n"
    )
    result = suite.runpytest(*workers)
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"*test_claims: *{reason}"])
    result.assert_outcomes(errors=1)


def test_a_run_that_was_not_asked_leaves_no_record(suite: pytest.Pytester):
    """A run of a few tests does not replace the record of the whole suite."""
    suite.makepyfile(SUITE)
    suite.runpytest("-k", "test_passed")
    assert not (suite.path / "build").exists()


def test_an_old_record_does_not_survive_a_failed_start(suite: pytest.Pytester):
    """A run that collects nothing writes an empty record over the last one."""
    record = Path(suite.path / "build/record.json")
    record.parent.mkdir()
    record.write_text("old", encoding="utf-8")
    suite.makepyfile("raise RuntimeError")
    suite.runpytest("--clause-record=build/record.json")
    assert recorded(suite) == ()
