"""The programs: commands, what they take, and how they end."""

import argparse
import re
from collections.abc import Iterator
from typing import Final

from authenticator_sim.commands.options import new_parser
from ciba_client.flags import argument_parser
from ciba_service.cli import build_parser
from tools.public_surface.section import Section

__all__ = ["program_sections"]

_STATUS: Final = re.compile(r"exit status:?\s*(.*)", re.IGNORECASE | re.DOTALL)
_HELP: Final = ("-h", "--help")


def program_sections() -> list[Section]:
    """A section for each program; its own entry is under the name ``""``."""
    return [_program(parser) for parser in (build_parser(), argument_parser(), new_parser({}))]


def _program(parser: argparse.ArgumentParser) -> Section:
    return Section(("commands", parser.prog), dict(_commands(parser, ())))


def _commands(
    parser: argparse.ArgumentParser, path: tuple[str, ...]
) -> Iterator[tuple[str, list[str]]]:
    groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]  # noqa: SLF001 - argparse tells it no other way
    yield " ".join(path), [*_statuses(parser), *_arguments(parser)]
    for group in groups:
        for name, command in group.choices.items():
            yield from _commands(command, (*path, name))


def _statuses(parser: argparse.ArgumentParser) -> Iterator[str]:
    found = _STATUS.search(parser.epilog or "")
    if found is not None:
        statuses = found[1].split("\n\n")[0]
        yield f"exit status: {' '.join(statuses.split())}"


def _arguments(parser: argparse.ArgumentParser) -> list[str]:
    actions = [
        action
        for action in parser._actions  # noqa: SLF001
        if not isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
        and action.option_strings != list(_HELP)
    ]
    return sorted(map(_argument, actions))


def _argument(action: argparse.Action) -> str:
    words = [", ".join(action.option_strings) or action.dest]
    if action.nargs != 0 and action.option_strings:
        words.append(str(action.metavar or action.dest.upper()))
    if action.choices is not None:
        words.append("{" + ", ".join(map(str, action.choices)) + "}")
    if action.nargs not in {None, 0}:
        words.append(f"nargs {action.nargs}")
    if action.option_strings and action.required:
        words.append("required")
    return " ".join(words)
