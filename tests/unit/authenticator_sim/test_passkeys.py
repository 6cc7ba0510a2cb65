"""The software passkey: nothing without a gesture, kept on disk, alarms told once."""

import secrets
from pathlib import Path

import pytest

from authenticator_sim.core.device import Device
from authenticator_sim.core.events import (
    OtherPasskeyAdded,
    OtherPasskeyRemoved,
    PasskeyForgotten,
    PasskeyNotFound,
)
from authenticator_sim.core.identity.passkeys import (
    Gesture,
    PasskeyUse,
    SoftwarePasskey,
    new_passkey,
)
from authenticator_sim.errors import MissingGesture, UntrustedService
from authenticator_sim.keystore import Keystore
from ciba_service.sca.messages import (
    CreationOptions,
    PasskeyAdded,
    PasskeyParameters,
    PasskeyRemoved,
    PasskeyUnknown,
    RelyingPartyName,
    UserName,
)
from tests.unit.authenticator_sim.scripted_service import NOW_MS

OPTIONS = CreationOptions(
    rp=RelyingPartyName("bank.example", "The Bank"),
    user=UserName("AAEC", "alice", "alice"),
    challenge="AAEC",
    pub_key_cred_params=(PasskeyParameters(-8), PasskeyParameters(-7)),
    timeout=1,
    exclude_credentials=(),
)


def passkey(
    options: CreationOptions = OPTIONS, gesture: Gesture = Gesture.VERIFIED
) -> SoftwarePasskey:
    """A new one."""
    made, _ = new_passkey(
        options,
        origin="https://bank.example",
        gesture=gesture,
        synced=False,
        random_bytes=secrets.token_bytes,
    )
    return made


def test_without_a_gesture_it_does_nothing() -> None:
    """Neither is it made nor does it sign."""
    with pytest.raises(MissingGesture):
        passkey(gesture=Gesture.NONE)
    with pytest.raises(MissingGesture):
        PasskeyUse(passkey(), Gesture.NONE).confirm("AAEC")


def test_another_kind_of_key_is_not_made() -> None:
    """It knows ES256 alone."""
    others = CreationOptions(
        OPTIONS.rp, OPTIONS.user, OPTIONS.challenge, (PasskeyParameters(-8),), 1, ()
    )
    with pytest.raises(UntrustedService):
        passkey(others)


def test_it_is_kept_with_its_key_and_counted_before_it_is_used(
    device: Device, tmp_path: Path
) -> None:
    """The newest is used; its key is in no text of it."""
    keystore = Keystore(tmp_path / "phone")
    keystore.prepare()
    keystore.save(device.identity)
    assert keystore.use_passkey() is None
    first, second = passkey(), passkey()
    for each in (first, second):
        keystore.keep_passkey(each)
    assert keystore.use_passkey() is None
    keystore.settle_passkey(first.passkey_id, counts=True)
    keystore.settle_passkey(second.passkey_id, counts=True)
    third = passkey()
    keystore.keep_passkey(third)
    counts = [found.sign_count for _ in "ab" if (found := keystore.use_passkey())]
    assert counts == [1, 2]
    keystore.settle_passkey(third.passkey_id, counts=False)
    kept = keystore.load().passkeys
    assert [(each.passkey_id, each.sign_count) for each in kept] == [
        (first.passkey_id, 0),
        (second.passkey_id, 2),
    ]
    assert PasskeyUse(kept[1], Gesture.VERIFIED).confirm("AAEC").id == second.passkey_id
    secret = str(second.key.as_dict(private=True)["d"])
    assert secret not in repr(kept)
    keystore.settle_passkeys([first.passkey_id])
    assert [each.passkey_id for each in keystore.load().passkeys] == [first.passkey_id]


def test_what_became_of_one_whose_answer_was_lost_is_learnt_from_the_list(
    device: Device, tmp_path: Path
) -> None:
    """It is used if the service knows it, and dropped if not."""
    keystore = Keystore(tmp_path / "phone")
    keystore.prepare()
    keystore.save(device.identity)
    known, unknown = passkey(), passkey()
    for each in (known, unknown):
        keystore.keep_passkey(each)
    keystore.settle_passkeys([known.passkey_id])
    found = keystore.use_passkey()
    assert found is not None
    assert found.passkey_id == known.passkey_id
    assert len(keystore.load().passkeys) == 1


def test_alarms_of_other_phones_are_told_once(device: Device) -> None:
    """Each passkey of another phone once; what is said of this one is no alarm."""
    added = PasskeyAdded("other", "Tablet", "p1")
    removed = PasskeyRemoved("other", "Tablet", "p1")
    heard = [
        event
        for message in (
            added,
            PasskeyAdded("other", "Tablet", "p1", at=7),
            PasskeyAdded("other", "Tablet", "p2"),
            removed,
            PasskeyRemoved(device.identity.device_id, "Phone", "p3"),
            PasskeyUnknown("p4"),
        )
        for event in device.receive(message, now_ms=NOW_MS).events
    ]
    assert heard == [
        OtherPasskeyAdded("other", "Tablet", "p1"),
        OtherPasskeyAdded("other", "Tablet", "p2"),
        OtherPasskeyRemoved("other", "Tablet", "p1"),
        PasskeyForgotten("p3"),
        PasskeyNotFound("p4"),
    ]
