"""``--version`` of each program."""

import runpy
import sys
from argparse import ArgumentParser
from importlib.metadata import version

import pytest

from authenticator_sim.commands.options import new_parser
from ciba_client.flags import argument_parser
from ciba_service.cli import build_parser

PARSERS = [build_parser(), argument_parser(), new_parser({})]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_a_program_says_which_version_it_is(
    parser: ArgumentParser, capsys: pytest.CaptureFixture[str]
):
    """That of the distribution, in one line, and the exit status is 0."""
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{parser.prog} {version('ciba-service')}\n"


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_a_program_is_run_by_the_name_of_its_module_too(
    parser: ArgumentParser,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """``python -m ciba_service`` is ``ciba-service``, which need not be on the path."""
    monkeypatch.setattr(sys, "argv", ["-m", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(parser.prog.replace("-", "_"), run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"{parser.prog} ")
