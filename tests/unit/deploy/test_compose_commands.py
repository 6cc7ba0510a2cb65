"""The command lines in docker-compose.yml and the Dockerfile are ones that our programs take."""

import argparse

import pytest

from authenticator_sim.commands.options import new_parser
from ciba_client.flags import argument_parser as client_parser
from ciba_service.cli import build_parser as service_parser
from tests.deployment.compose_files import command_of
from tests.deployment.prepared import program

PROGRAMS = {
    "keys": service_parser(),
    "ciba-1": service_parser(),
    "ciba-2": service_parser(),
    "phone-enrol": new_parser({}),
    "phone": new_parser({}),
    "phone-web": new_parser({}),
    "playground": client_parser(),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("service", PROGRAMS)
def test_the_program_takes_its_command_line(service: str, *, tls: bool):
    """Parsing ends in options, not in a usage error."""
    command = command_of(service, tls=tls)
    assert PROGRAMS[service].parse_args(command).command == command[0]


def test_what_prepares_takes_its_command_line():
    """It has no commands, only places."""
    options: argparse.Namespace = program("prepare").new_parser().parse_args(command_of("prepare"))
    assert str(options.configuration) == "/etc/ciba"


def test_a_wrong_command_line_would_be_noticed():
    """The parser refuses an option that does not exist."""
    with pytest.raises(SystemExit):
        new_parser({}).parse_args([*command_of("phone"), "--no-such-option"])
