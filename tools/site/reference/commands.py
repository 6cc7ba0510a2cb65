"""The three command lines, from their parsers."""

import argparse
from typing import Final

from authenticator_sim.commands.options import new_parser
from ciba_client.flags import argument_parser
from ciba_service.cli import build_parser
from tools.site.reference.tables import cell, code, table

__all__ = ["command_pages"]

_WIDTH: Final = 88
_HOME: Final = {"XDG_STATE_HOME": "/home/you/.local/state"}


def command_pages() -> dict[str, str]:
    """A page for each program, by its path."""
    programs = (build_parser(), argument_parser(), new_parser(_HOME))
    return {f"reference/{parser.prog}.md": _page(parser) for parser in programs}


def _page(parser: argparse.ArgumentParser) -> str:
    parts = [f"# {parser.prog}\n", f"{parser.description}\n", _usage(parser), _options(parser)]
    if parser.epilog:
        parts.append(f"```text\n{parser.epilog.rstrip()}\n```\n")
    parts += [_chapter(*each) for each in _commands(parser)]
    return "\n".join(part for part in parts if part)


def _commands(
    parser: argparse.ArgumentParser,
) -> list[tuple[argparse.ArgumentParser, str]]:
    """Each command that can be given, and what it is for; groups are not commands."""
    found = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to them
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        helps = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001
        for name, command in action.choices.items():
            within = _commands(command)
            found += within or [(command, helps.get(name, ""))]
    return found


def _chapter(parser: argparse.ArgumentParser, text: str) -> str:
    sentence = text[:1].upper() + text[1:]
    return f"## {parser.prog}\n\n{sentence}.\n\n{_usage(parser)}\n{_options(parser)}"


def _usage(parser: argparse.ArgumentParser) -> str:
    formatter = _formatter(parser)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")  # noqa: SLF001
    return f"```text\n{formatter.format_help().rstrip()}\n```\n"


def _formatter(parser: argparse.ArgumentParser) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(parser.prog, width=_WIDTH)


def _options(parser: argparse.ArgumentParser) -> str:
    rows = []
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction):  # noqa: SLF001
            continue
        rows.append((_names(action), cell(_help(parser, action))))
    return table(("argument", "meaning"), rows)


def _names(action: argparse.Action) -> str:
    value = action.metavar or (" or ".join(map(str, action.choices)) if action.choices else None)
    shown = str(value or action.dest.upper())
    if not action.option_strings:
        return code(shown)
    names = ", ".join(action.option_strings)
    return code(names if action.nargs == 0 else f"{names} {shown}")


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """The help with its values in, as ``--help`` prints it."""
    if not action.help:
        return ""
    return _formatter(parser)._expand_help(action)  # noqa: SLF001
