"""The command lines in docker-compose.yml and the Dockerfile are ones that our programs take."""

import argparse
from pathlib import Path
from typing import Any

import pytest
import yaml

from authenticator_sim.commands.options import new_parser
from ciba_service.cli import build_parser as service_parser

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def command_of(service: str) -> list[str]:
    """The arguments that a container is started with."""
    command: list[str] = COMPOSE["services"][service]["command"]
    return command


@pytest.mark.parametrize(
    ("service", "parser"),
    [
        ("ciba", service_parser()),
        ("phone-enrol", new_parser({})),
        ("phone", new_parser({})),
        ("phone-web", new_parser({})),
    ],
)
def test_the_program_takes_its_command_line(service: str, parser: argparse.ArgumentParser):
    """Parsing ends in options, not in a usage error."""
    options = parser.parse_args(command_of(service))
    assert options.command == command_of(service)[0]


def test_a_wrong_command_line_would_be_noticed():
    """The parser refuses an option that does not exist."""
    with pytest.raises(SystemExit):
        new_parser({}).parse_args([*command_of("phone"), "--no-such-option"])
