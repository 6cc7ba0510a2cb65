"""``ciba-service keys``: make what is missing, list what is there."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from ciba_service.commands.opening import make_keys
from ciba_service.commands.outcome import CommandFailed, print_rows
from ciba_service.settings import Settings
from ciba_service.stores.key_files import KeyFileError, KeyListing, list_keys

__all__ = ["generate", "show"]


class _KeyRow(msgspec.Struct, frozen=True):
    kid: str
    purpose: str
    alg: str
    created_at: str


def generate(settings: Settings, *, as_json: bool) -> None:
    """Make missing keys and print them; raises ``CommandFailed``."""
    made = make_keys(settings)
    if not made and not as_json:
        sys.stdout.write("all keys are there already\n")
        return
    print_rows(_rows(made), as_json=as_json)


def show(settings: Settings, *, as_json: bool) -> None:
    """Print the keys without their secrets; raises ``CommandFailed``."""
    try:
        print_rows(_rows(list_keys(settings.keys_directory)), as_json=as_json)
    except KeyFileError as error:
        raise CommandFailed(str(error)) from error


def _rows(keys: Sequence[KeyListing]) -> list[_KeyRow]:
    return [
        _KeyRow(
            key.kid,
            key.purpose,
            key.alg,
            datetime.fromtimestamp(key.created_at / 1000, UTC).isoformat(timespec="seconds"),
        )
        for key in keys
    ]
