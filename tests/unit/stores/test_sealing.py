"""Sealed values open in their place, under their ring, unchanged, and nowhere else."""

import hashlib
import hmac
import itertools
import secrets

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.ports import StoreUnavailable, UnknownRecordFormat
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.stores.sealing import Ring, Sealer, SealingError

OLD, NEW = b"o" * 32, b"n" * 32
PLACE = {"key": "ciba:{u1}:devices", "name": "pin_key", "owner": "phone"}


def sealer(*keys: bytes) -> Sealer:
    """A sealer under a ring."""
    return Sealer(Ring.of(*(keys or (OLD,))), secrets.token_bytes)


@given(plaintext=st.binary(max_size=300), key=st.text(), name=st.text(), owner=st.text())
def test_what_is_sealed_opens_in_its_place(plaintext: bytes, key: str, name: str, owner: str):
    """Any value comes back whole from where it was put."""
    sealed = sealer().seal(plaintext, key=key, name=name, owner=owner)
    assert sealer().open(sealed, key=key, name=name, owner=owner) == plaintext


@pytest.mark.parametrize("moved", ["key", "name", "owner"])
def test_a_moved_value_does_not_open(moved: str):
    """Another key, another field or another owner is another place."""
    sealed = sealer().seal(b"secret", **PLACE)
    with pytest.raises(SealingError):
        sealer().open(sealed, **{**PLACE, moved: "elsewhere"})


def test_places_that_read_alike_are_different():
    """Key, field and owner cannot be shifted into each other."""
    sealed = sealer().seal(b"secret", key="ab", name="c", owner="d")
    for key, name, owner in (("a", "bc", "d"), ("ab", "cd", ""), ("abc", "", "d")):
        with pytest.raises(SealingError):
            sealer().open(sealed, key=key, name=name, owner=owner)


def test_a_changed_value_does_not_open():
    """Whichever byte is changed, from the format to the tag."""
    sealed = sealer().seal(b"secret", **PLACE)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealingError):
            sealer().open(bytes(changed), **PLACE)


def test_a_shortened_or_lengthened_value_does_not_open():
    """At whatever length it was cut, and with anything behind it."""
    sealed = sealer().seal(b"secret", **PLACE)
    for wrong in (*(sealed[:length] for length in range(len(sealed))), sealed + b"\0"):
        with pytest.raises(SealingError):
            sealer().open(wrong, **PLACE)


def test_what_does_not_open_is_refused_as_an_unknown_format():
    """Callers meet the same clean refusal as for a record they do not know."""
    assert issubclass(SealingError, UnknownRecordFormat)
    assert issubclass(SealingError, StoreUnavailable)


def test_the_same_value_is_sealed_differently_each_time():
    """Equal secrets cannot be told from their sealed forms, and all have the same length."""
    sealed = {sealer().seal(b"secret", **PLACE) for _ in range(100)}
    assert len(sealed) == 100
    assert len({len(value) for value in sealed}) == 1
    assert not any(b"secret" in value for value in sealed)


def test_a_ring_opens_with_all_its_keys_and_seals_with_the_first():
    """After a rotation old values still open; new ones need the new key."""
    before = sealer(OLD).seal(b"secret", **PLACE)
    rotated = sealer(NEW, OLD)
    assert rotated.open(before, **PLACE) == b"secret"
    after = rotated.seal(b"secret", **PLACE)
    assert sealer(NEW).open(after, **PLACE) == b"secret"
    with pytest.raises(SealingError):
        sealer(OLD).open(after, **PLACE)


def test_keyed_hashes_outlive_a_rotation():
    """What was stored under its hash is found after a new key came before the old one."""
    assert sealer(OLD).keyed_hash("code", "x") == sealer(NEW, OLD).keyed_hash("code", "x")


def test_keyed_hashes_are_of_their_ring_and_purpose():
    """Another ring, purpose, text or split of the text is another hash."""
    hashes = [
        sealer(OLD).keyed_hash("code", "x"),
        sealer(NEW).keyed_hash("code", "x"),
        sealer(OLD).keyed_hash("secret", "x"),
        sealer(OLD).keyed_hash("code", "y"),
        sealer(OLD).keyed_hash("code", "x", ""),
    ]
    assert all(one != other for one, other in itertools.combinations(hashes, 2))


def test_a_ring_has_a_key_of_its_own_for_each_purpose():
    """By its oldest key alone (RFC 5869): what hangs on it is found after upgrade and rotation."""
    derived = {purpose: Ring.of(OLD).derive(purpose) for purpose in ("pepper", "device-nonces")}
    for purpose, key in derived.items():
        info = f"ciba-{purpose}.v1".encode()
        assert key == HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(OLD)
        assert key == Ring.of(NEW, OLD).derive(purpose)
    keyed = hmac.digest(derived["pepper"], b"code\0x", "sha256")
    assert sealer(OLD).keyed_hash("code", "x") == base64url(keyed)


@pytest.mark.parametrize("keys", [(), (b"short",), (OLD, b"x" * 33)], ids=["none", "short", "long"])
def test_a_ring_needs_whole_keys(keys: tuple[bytes, ...]):
    """No key, or one that is not 256 bits long, makes no ring."""
    with pytest.raises(ValueError, match="32 bytes"):
        Ring.of(*keys)


def test_a_ring_does_not_show_its_keys():
    """Neither its text nor its parts in a log give a key away."""
    assert "ooo" not in repr(Ring.of(OLD))


def test_a_key_seals_so_many_values_and_then_there_is_another():
    """No key gets near the values that AES-256-GCM bears under one (NIST SP 800-38D 8.3)."""
    one = sealer()
    sealed = [one.seal(b"secret", **PLACE) for _ in range(65_537)]
    salts = [value[5:21] for value in sealed]
    assert len(set(salts[:-1])) == 1
    assert salts[-1] != salts[0]
    assert len({value[21:33] for value in sealed}) == len(sealed)
    assert sealer().open(sealed[0], **PLACE) == sealer().open(sealed[-1], **PLACE) == b"secret"


def test_processes_seal_with_keys_of_their_own():
    """Nothing but chance is needed to keep keys and nonces of processes apart."""
    assert sealer().seal(b"secret", **PLACE)[5:21] != sealer().seal(b"secret", **PLACE)[5:21]


def test_one_opens_what_more_processes_sealed_than_it_remembers():
    """Each has a salt of its own, and those that were forgotten are derived anew."""
    sealed = [sealer().seal(b"secret", **PLACE) for _ in range(514)]
    one = sealer()
    assert {one.open(value, **PLACE) for value in (*sealed, *sealed)} == {b"secret"}


def test_a_value_is_what_its_format_says():
    """Format, name of the ring's key, salt, nonce, AES-256-GCM under HKDF-SHA-256 (RFC 5869)."""
    sealed = sealer(OLD).seal(b"secret", **PLACE)
    assert sealed[:5] == b"\x02" + hashlib.sha256(b"ciba-ring\0" + OLD).digest()[:4]
    derivation = HKDF(algorithm=SHA256(), length=32, salt=sealed[5:21], info=b"ciba-record.v2")
    place = b"ciba:{u1}:devices\0pin_key\0phone"
    assert AESGCM(derivation.derive(OLD)).decrypt(sealed[21:33], sealed[33:], place) == b"secret"


OF_THE_FIRST_FORMAT = bytes.fromhex(
    "0155cbf6c3000102030405060708090a0b0c0d0e0fa1bb11577300f83dcba4bdcb1b8468a8f2f21eb97049"
)


def test_what_an_older_version_sealed_opens():
    """Each version reads what all earlier ones wrote (docs/versioning.md)."""
    assert sealer(NEW, OLD).open(OF_THE_FIRST_FORMAT, **PLACE) == b"secret"


@pytest.mark.parametrize("position", range(len(OF_THE_FIRST_FORMAT)))
def test_of_what_an_older_version_sealed_nothing_may_be_changed(position: int):
    """Neither made a value of the new format, nor anywhere else."""
    for flipped in (1, 3, 0x80):
        changed = bytearray(OF_THE_FIRST_FORMAT)
        changed[position] ^= flipped
        with pytest.raises(SealingError):
            sealer().open(bytes(changed), **PLACE)
