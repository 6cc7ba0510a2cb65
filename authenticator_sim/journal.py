"""What the phone remembers from run to run: its last decisions and the last one-time code used."""

from pathlib import Path
from typing import Final

import msgspec

from authenticator_sim.core.decoding import MalformedJson, decode_json
from authenticator_sim.core.device import HISTORY_LENGTH
from authenticator_sim.core.events import Decided
from authenticator_sim.errors import KeystoreRefused
from authenticator_sim.storage import exclusive, read_private, write_private

__all__ = ["Journal"]

_FORMAT: Final = 1


class _Entries(msgspec.Struct, frozen=True):
    format: int = _FORMAT
    otp_step: int = -1
    decisions: tuple[Decided, ...] = ()


class Journal:
    """``journal.json`` beside the keystore, shared safely by several processes of one phone."""

    def __init__(self, directory: Path) -> None:
        """Name the directory; it must exist when the journal is used."""
        self._path = directory / "journal.json"
        self._lock = directory / "journal.lock"

    def decisions(self) -> tuple[Decided, ...]:
        """Return the last fifty decisions, the oldest first; raises ``KeystoreRefused``."""
        return self._read().decisions

    def record(self, decided: Decided) -> None:
        """Add a decision the service accepted; raises ``KeystoreRefused``."""
        with exclusive(self._lock):
            entries = self._read()
            kept = (*entries.decisions, decided)[-HISTORY_LENGTH:]
            self._write(msgspec.structs.replace(entries, decisions=kept))

    def reserve_otp_step(self, step: int) -> bool:
        """Take a time step for one decision; false when it was used before.

        The service spends each step once, even where another factor fails: a second code of the
        same step would cost the user an attempt.
        """
        with exclusive(self._lock):
            entries = self._read()
            if step <= entries.otp_step:
                return False
            self._write(msgspec.structs.replace(entries, otp_step=step))
            return True

    def _read(self) -> _Entries:
        content = read_private(self._path)
        if content is None:
            return _Entries()
        try:
            entries = decode_json(content, _Entries)
        except MalformedJson as error:
            raise KeystoreRefused(f"{self._path} is damaged.") from error
        if entries.format != _FORMAT:
            raise KeystoreRefused(f"{self._path} has a format this version does not know.")
        return entries

    def _write(self, entries: _Entries) -> None:
        write_private(self._path, msgspec.json.encode(entries))
