"""``ciba-service keys``: make what is missing, list what is there, change those that sign."""

import secrets
import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from ciba_service.clock import SystemClock
from ciba_service.commands.opening import changing_keys, make_keys
from ciba_service.commands.operating.operator_write import tell_operator_write
from ciba_service.commands.outcome import CommandFailed, print_rows, written
from ciba_service.protocol.jose.life_cycle import token_keys_kept
from ciba_service.settings import Settings
from ciba_service.stores.service_keys.key_files import KeyFileError, KeyListing, list_keys
from ciba_service.stores.service_keys.key_rotation import RotationRefused, prune_keys, rotate_keys
from ciba_service.stores.service_keys.stored_keys import Purpose

__all__ = ["generate", "prune", "rotate", "show"]

_DAY: Final = 86_400


class _KeyRow(msgspec.Struct, frozen=True):
    kid: str
    purpose: str
    alg: str
    state: str
    since: str
    created_at: str


def generate(settings: Settings, *, as_json: bool) -> None:
    """Make missing keys and print them; raises ``CommandFailed``."""
    made = make_keys(settings)
    if not made and not as_json:
        sys.stdout.write("all keys are there already\n")
        return
    if made:
        tell_operator_write(settings, "keys generate")
    print_rows(_rows(made), as_json=as_json)


def show(settings: Settings, *, as_json: bool) -> None:
    """Print the keys without their secrets; raises ``CommandFailed``."""
    try:
        print_rows(_rows(list_keys(settings.keys_directory)), as_json=as_json)
    except KeyFileError as error:
        raise CommandFailed(str(error)) from error


def rotate(
    settings: Settings,
    *,
    purpose: Purpose | None,
    alg: str | None,
    at_once: bool,
    as_json: bool,
) -> None:
    """Make next keys or let them sign; prints what has changed. Raises ``CommandFailed``.

    An algorithm alone means keys for tokens: phones need not learn anew for one of those.
    """
    if alg is not None and purpose is None:
        purpose = "token"
    with changing_keys(settings) as directory:
        try:
            rotation = rotate_keys(
                directory,
                purpose=purpose,
                alg=alg,
                token_keys_kept=_token_keys_kept(settings),
                random=secrets.token_bytes,
                now=SystemClock().now_ms(),
                at_once=at_once,
            )
        except RotationRefused as refused:
            raise CommandFailed(str(refused)) from refused
    tell_operator_write(settings, "keys rotate")
    _print_change(rotation.changed, rotation.dropped, as_json=as_json)


def prune(settings: Settings, *, kid: str | None, as_json: bool) -> None:
    """Drop retired keys that nothing needs, or ``kid`` at once; raises ``CommandFailed``."""
    now = SystemClock().now_ms()
    with changing_keys(settings) as directory:
        try:
            dropped = prune_keys(
                directory, token_keys_kept=_token_keys_kept(settings), now=now, kid=kid
            )
        except RotationRefused as refused:
            raise CommandFailed(str(refused)) from refused
    tell_operator_write(settings, "keys prune")
    _print_change([], dropped, as_json=as_json)


def _token_keys_kept(settings: Settings) -> int:
    return token_keys_kept(
        access_token_lifetime=settings.tokens.access_token_lifetime,
        id_token_lifetime=settings.tokens.id_token_lifetime,
        id_token_hint_lifetime=settings.requests.id_token_hint_days * _DAY,
    )


def _print_change(
    changed: Sequence[KeyListing], dropped: Sequence[KeyListing], *, as_json: bool
) -> None:
    gone = [msgspec.structs.replace(row, state="dropped") for row in _rows(dropped)]
    print_rows([*_rows(changed), *gone], as_json=as_json)


def _rows(keys: Sequence[KeyListing]) -> list[_KeyRow]:
    return [
        _KeyRow(
            key.kid,
            key.purpose,
            key.alg,
            key.state.value,
            written(key.state_since),
            written(key.created_at),
        )
        for key in keys
    ]
