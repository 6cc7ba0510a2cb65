"""How a command ends, and what it prints."""

import sys
from collections.abc import Sequence

import msgspec

from ciba_service.protocol.instants import moment
from ciba_service.settings import Settings

__all__ = ["CommandFailed", "CommandMisused", "print_rows", "reason", "require_user", "written"]


class CommandFailed(Exception):
    """The command could not do its work; the text is for the person who typed it."""


class CommandMisused(CommandFailed):
    """What the command was given is not what it needs."""


def reason(error: Exception) -> str:
    """What an error says, without numbers and file names that stand in the sentence anyway."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def written(at: int) -> str:
    """An instant as commands print it: in UTC, to the second."""
    return moment(at).isoformat(timespec="seconds")


def require_user(settings: Settings, subject: str) -> None:
    """Raise ``CommandFailed`` when the configuration has no such user."""
    if all(user.sub != subject for user in settings.users):
        raise CommandFailed(f"there is no user {subject}")


def print_rows(rows: Sequence[msgspec.Struct], *, as_json: bool) -> None:
    """Print a table with a header, or one JSON array."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(rows).decode() + "\n")
        return
    if not rows:
        sys.stdout.write("none\n")
        return
    names = rows[0].__struct_fields__
    lines = [names, *(tuple(str(getattr(row, name)) for name in names) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
