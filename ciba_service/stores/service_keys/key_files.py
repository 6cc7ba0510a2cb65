"""The service's keys as files hold them, made where they are missing and loaded for use.

Keys for tokens, challenges, factors, evidence, events, receipts and wake-ups are different ones,
each with one algorithm.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ciba_service.ports import Randomness, Signer
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.protocol.jose.keys import KeySet, parse_verification_key
from ciba_service.protocol.jose.life_cycle import KeyState
from ciba_service.protocol.jose.signing import SigningKey
from ciba_service.stores.sealing import Ring
from ciba_service.stores.service_keys.key_file_access import (
    KeyFileError,
    MissingKeysError,
    is_there,
)
from ciba_service.stores.service_keys.stored_keys import (
    KEYS_FILE,
    RING_FILE,
    FileStamp,
    Purpose,
    StoredKey,
    new_key,
    read_keys,
    read_ring,
    write_keys,
    write_new_ring,
)

__all__ = [
    "FileKeys",
    "FileSigner",
    "KeyFileError",
    "KeyListing",
    "MissingKeysError",
    "generate_keys",
    "list_keys",
    "load_keys",
]

_NEEDED: Final[tuple[tuple[Purpose, str], ...]] = (
    ("token", "ES256"),
    ("token", "PS256"),
    ("challenge", "ES256"),
    ("factors", "ECDH-ES"),
)
# Made with the others; only those who register for EdDSA, keep evidence, push events, wake phones
# or ask for receipts need them.
_MADE: Final[tuple[tuple[Purpose, str], ...]] = (
    *_NEEDED,
    ("token", "EdDSA"),
    ("evidence", "ES256"),
    ("wake_up", "ES256"),
    ("events", "ES256"),
    ("receipt", "ES256"),
)


@dataclass(frozen=True, slots=True)
class KeyListing:
    """A key as operators see it; instants are in milliseconds."""

    kid: str
    purpose: str
    alg: str
    created_at: int
    state: KeyState
    state_since: int

    @classmethod
    def of(cls, key: StoredKey) -> "KeyListing":
        """List a key."""
        life = key.life
        return cls(key.kid, key.purpose, key.alg, key.created_at, life.state, life.since)


@dataclass(frozen=True, slots=True)
class FileSigner:
    """``ports.Signer`` with a key at hand: awaiting it never suspends."""

    key: SigningKey

    @property
    def kid(self) -> str:
        """The key's name."""
        return self.key.kid

    @property
    def alg(self) -> SignatureAlgorithm:
        """The key's algorithm."""
        return self.key.alg

    async def signature(self, data: bytes) -> bytes:
        """Sign; it never fails."""
        return self.key.signature(data)


@dataclass(frozen=True, slots=True)
class FileKeys:
    """``ports.KeyRing`` at one instant, and the ring for data at rest.

    ``stamp`` is that of the file it was read from.
    """

    directory: Path
    stamp: FileStamp
    ring: Ring = field(repr=False)
    challenge_signer: Signer
    pinned_keys_changed_at: int | None
    factors_key: DecryptionKey
    evidence_signer: Signer | None
    wake_up_signer: Signer | None
    wake_up_key: str | None
    events_signer: Signer | None
    sca_receipt_signer: Signer | None
    token_verification_keys: KeySet = field(repr=False)
    _token_signers: dict[SignatureAlgorithm, Signer] = field(repr=False)
    _token_jwks: list[dict[str, str]] = field(repr=False)
    _challenge_jwks: tuple[dict[str, str], ...] = field(repr=False)
    _challenge_announcers: tuple[Signer, ...] = field(repr=False)
    evidence_jwks: tuple[dict[str, str], ...] = field(repr=False)
    """Public keys that sign checkpoints."""
    _events_jwks: list[dict[str, str]] = field(repr=False)
    _sca_receipt_jwks: list[dict[str, str]] = field(repr=False)
    all_challenge_jwks: tuple[dict[str, str], ...] = field(repr=False)
    """Public challenge keys that are there, retired ones among them."""

    def token_signer(self, alg: SignatureAlgorithm) -> Signer:
        """The active key for tokens of ``alg``."""
        return self._token_signers[alg]

    @property
    def token_algorithms(self) -> frozenset[SignatureAlgorithm]:
        """What tokens can be signed with."""
        return frozenset(self._token_signers)

    def challenge_jwks(self) -> tuple[dict[str, str], ...]:
        """Public challenge keys, for phones to pin: next, active, last retired."""
        return self._challenge_jwks

    def challenge_announcers(self) -> tuple[Signer, ...]:
        """Every challenge key that a phone may have pinned: active and retired ones."""
        return self._challenge_announcers

    def events_jwks(self) -> list[dict[str, str]]:
        """Public keys for security event tokens: next, active and retired ones."""
        return self._events_jwks

    def sca_receipt_jwks(self) -> list[dict[str, str]]:
        """Public keys for SCA receipts: next, active and retired ones."""
        return self._sca_receipt_jwks

    def public_jwks(self) -> list[dict[str, str]]:
        """Public token keys, as published: next, active and retired ones."""
        return self._token_jwks


def generate_keys(directory: Path, *, random: Randomness, now: int) -> list[KeyListing]:
    """Make whatever is missing; returns what was made. Existing keys are never touched.

    Raises:
        KeyFileError: when there are keys without their ring, which nothing can make again; or one
            of the files cannot be read.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_keys_without_ring(directory)
    stored = read_keys(directory) if is_there(directory / KEYS_FILE) else ()
    if not is_there(directory / RING_FILE):
        # First the ring: where there are keys, there was one.
        write_new_ring(directory, random)
    present = {key.use for key in _active(stored)}
    made = [
        new_key(purpose, alg, state=KeyState.ACTIVE, random=random, now=now)
        for purpose, alg in _MADE
        if (purpose, alg) not in present
    ]
    if made:
        write_keys(directory, (*stored, *made))
    return [KeyListing.of(key) for key in made]


def list_keys(directory: Path) -> list[KeyListing]:
    """The keys of a directory; raises ``KeyFileError``."""
    return [KeyListing.of(key) for key in read_keys(directory)]


def load_keys(directory: Path) -> FileKeys:
    """Read ring and keys; raises ``KeyFileError`` when one is missing or readable by others."""
    _refuse_keys_without_ring(directory)
    if is_there(directory / RING_FILE) and not is_there(directory / KEYS_FILE):
        raise MissingKeysError(
            f"{directory / KEYS_FILE} is missing beside its ring; if there is a backup, put it back"
        )
    stamp = FileStamp.of(directory)  # before it is read: a change in between is seen later
    stored = read_keys(directory)
    present = {key.use for key in _active(stored)}
    missing = [f"{purpose} {alg}" for purpose, alg in _NEEDED if (purpose, alg) not in present]
    if missing:
        raise MissingKeysError(f"{directory / KEYS_FILE} lacks keys: {', '.join(missing)}")
    ring = read_ring(directory)
    try:
        return _file_keys(directory, stamp, ring, stored)
    except (JoseError, ValueError, KeyError) as error:
        raise KeyFileError(f"{directory / KEYS_FILE} holds a key that is unusable") from error


def _refuse_keys_without_ring(directory: Path) -> None:
    if is_there(directory / KEYS_FILE) and not is_there(directory / RING_FILE):
        raise KeyFileError(
            f"{directory / RING_FILE} is missing beside the keys; put it back from the backup, for "
            "without it the data cannot be opened"
        )


def _active(stored: Iterable[StoredKey]) -> list[StoredKey]:
    return [key for key in stored if key.state is KeyState.ACTIVE]


def _file_keys(
    directory: Path, stamp: FileStamp, ring: Ring, stored: tuple[StoredKey, ...]
) -> FileKeys:
    _refuse_ambiguous(directory / KEYS_FILE, stored)
    active = {key.use: key for key in _active(stored)}
    evidence, events = active.get(("evidence", "ES256")), active.get(("events", "ES256"))
    wake_up, receipt = active.get(("wake_up", "ES256")), active.get(("receipt", "ES256"))
    following, challenge, retired = _challenge_keys(stored)
    factors = active["factors", "ECDH-ES"]
    known = (key for key in stored if key.purpose == "factors" and key.state is not KeyState.NEXT)
    token_jwks = [key.public_jwk() for key in stored if key.purpose == "token"]
    return FileKeys(
        directory=directory,
        stamp=stamp,
        ring=ring,
        challenge_signer=FileSigner(challenge.signing_key()),
        pinned_keys_changed_at=_changed_at([*following, challenge, *retired, *known]),
        factors_key=_factors_key(factors, (key for key in stored if key.purpose == "factors")),
        evidence_signer=None if evidence is None else FileSigner(evidence.signing_key()),
        wake_up_signer=None if wake_up is None else FileSigner(wake_up.signing_key()),
        wake_up_key=None if wake_up is None else _point(wake_up),
        events_signer=None if events is None else FileSigner(events.signing_key()),
        sca_receipt_signer=None if receipt is None else FileSigner(receipt.signing_key()),
        # A key that is still to sign here may sign already in another process.
        token_verification_keys=KeySet(map(parse_verification_key, token_jwks)),
        _token_signers={
            SignatureAlgorithm(key.alg): FileSigner(key.signing_key())
            for key in active.values()
            if key.purpose == "token"
        },
        _token_jwks=token_jwks,
        _challenge_jwks=tuple(key.public_jwk() for key in (*following, challenge, *retired[:1])),
        _challenge_announcers=tuple(FileSigner(key.signing_key()) for key in (challenge, *retired)),
        evidence_jwks=tuple(key.public_jwk() for key in stored if key.purpose == "evidence"),
        _events_jwks=[key.public_jwk() for key in stored if key.purpose == "events"],
        _sca_receipt_jwks=[key.public_jwk() for key in stored if key.purpose == "receipt"],
        all_challenge_jwks=tuple(key.public_jwk() for key in (*following, challenge, *retired)),
    )


def _point(key: StoredKey) -> str:
    """Its public half as an uncompressed point (SEC 1 2.3.3), in base64url."""
    return base64url(b"\4" + parse_base64url(key.jwk["x"]) + parse_base64url(key.jwk["y"]))


def _refuse_ambiguous(path: Path, stored: tuple[StoredKey, ...]) -> None:
    """A name is one key, a key has one use, and of each use one key signs and one is next."""
    for state in (KeyState.ACTIVE, KeyState.NEXT):
        uses = [key.use for key in stored if key.state is state]
        if len(set(uses)) < len(uses):
            raise KeyFileError(f"{path} has several {state} keys for one use")
    names = [key.kid for key in stored]
    if len(set(names)) < len(names):
        raise KeyFileError(f"{path} has several keys of one name")
    uses_of = {(key.jwk.get("d"), key.use) for key in stored}
    if len({secret for secret, _ in uses_of}) < len(uses_of):
        raise KeyFileError(f"{path} has one key for several uses")


def _challenge_keys(
    stored: Iterable[StoredKey],
) -> tuple[list[StoredKey], StoredKey, list[StoredKey]]:
    """The next keys (at most one), the active one and the retired ones, the last one first."""
    keys = [key for key in stored if key.purpose == "challenge"]
    (active,) = _active(keys)
    retired = [key for key in keys if key.state is KeyState.RETIRED]
    retired.sort(key=lambda key: key.life.since, reverse=True)
    return [key for key in keys if key.state is KeyState.NEXT], active, retired


def _factors_key(active: StoredKey, stored: Iterable[StoredKey]) -> DecryptionKey:
    """What phones are told to encrypt to, with all that they may know."""
    private = {key.kid: ECKey.import_key({**key.jwk}) for key in stored}
    for kid, key in private.items():
        if not key.is_private:
            raise KeyFileError(f"key {kid} is not private")
    return DecryptionKey(active.kid, private.pop(active.kid), private)


def _changed_at(told: Sequence[StoredKey]) -> int | None:
    """When the last of these took its place; None while all are the first of their use.

    Retired ones count too: the one after may be of a clock that was put back.
    """
    if all(key.state is KeyState.ACTIVE and key.life.since <= key.created_at for key in told):
        return None
    return max(key.life.since for key in told)
