"""What ``make demo`` tells whoever is to approve by hand: commands that there are."""

import io
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from ciba_client.flags import argument_parser as client_parser
from ciba_service.cli import build_parser as service_parser

SCRIPTS = Path(__file__).parents[3] / "scripts"
PARSERS = {"ciba-client": client_parser, "ciba-service": service_parser}


def test_every_command_is_one_that_the_programs_take(monkeypatch: pytest.MonkeyPatch):
    """With the addresses of this demo, whatever its ports are; the link has the code."""
    monkeypatch.syspath_prepend(SCRIPTS)
    by_hand, places = import_module("demo_by_hand"), import_module("demo_place")
    place = places.Place(
        Path("/demo"),
        "http://127.0.0.1:18080",
        18080,
        phone_port=18070,
        playground_port=18060,
        callback_port=18050,
        code="K7QM-2RXP-9D4T",
    )
    playground = "http://127.0.0.1:18060/#let-me-in"
    told = by_hand.invitation(place, playground, io.StringIO())
    assert "\n   http://localhost:18070/#K7QM-2RXP-9D4T\n" in told
    assert f"\n   {playground}\n" in told
    commands = [
        shlex.split(line)
        for line in told.replace("\\\n", " ").splitlines()
        if line.startswith("   /")
    ]
    assert [Path(program).name for program, *_ in commands] == ["ciba-client", "ciba-service"]
    for program, *arguments in commands:
        assert PARSERS[Path(program).name]().parse_args(arguments)
