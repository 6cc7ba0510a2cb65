"""A phone takes new challenge keys from whoever holds one it has pinned, and from nobody else."""

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey

from authenticator_sim.core.deciding.challenges import ChallengeRefusal
from authenticator_sim.core.device import Device, Reaction
from authenticator_sim.core.events import (
    ChallengeIgnored,
    ChallengeShown,
    DecisionRefused,
    Event,
    KeysIgnored,
    KeysPinned,
)
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.pin import PinKey
from authenticator_sim.event_log import EventLog
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore
from authenticator_sim.terminal.reporter import JsonReporter
from ciba_service.sca.messages import (
    ChallengeOffered,
    Fetched,
    KeysAnnounced,
    RefusalReason,
    ServiceKeys,
    ServiceMessage,
    Withdrawn,
    WithdrawnReason,
)
from tests.unit.authenticator_sim.scripted_service import (
    ISSUER,
    NOW_MS,
    ScriptedBank,
    public,
    refused,
)

TYP = {"typ": "ciba-keys+jws"}
NEW_KEY = ECKey.generate_key("P-256")
NEW = public(NEW_KEY, "c2")
OTHER = public(ECKey.generate_key("P-256"), "f2")


def announcement(
    bank: ScriptedBank, *, key: ECKey | None = None, header: Any = None, **changed: Any
) -> KeysAnnounced:
    """What the service says of its next key, bent where a test wants it."""
    content = {
        "v": 1,
        "iss": ISSUER,
        "iat": 1000,
        "challenge": [NEW, *bank.service_keys.challenge],
        **changed,
    }
    token = bank.sign_bytes(msgspec.json.encode(content), key=key, header=TYP | (header or {}))
    return KeysAnnounced((token,))


def told(device: Device, announced: KeysAnnounced) -> Reaction:
    """Tell the phone."""
    return device.receive(announced, now_ms=NOW_MS)


def signed_by_the_new_key(bank: ScriptedBank) -> ChallengeOffered:
    """A challenge that only a phone with the new key believes."""
    return ChallengeOffered(bank.sign(bank.challenge(), key=NEW_KEY, header={"kid": "c2"}))


def test_announced_keys_take_the_place_of_the_pinned_ones(
    device: Device, bank: ScriptedBank
) -> None:
    """What the new key signs is shown from then on, and said once."""
    (ignored,) = device.receive(signed_by_the_new_key(bank), now_ms=NOW_MS).events
    assert ignored == ChallengeIgnored(ChallengeRefusal.NOT_AUTHENTIC)
    announced = announcement(bank)
    keys = (NEW, *bank.service_keys.challenge)
    assert told(device, announced).events == (KeysPinned(keys, bank.service_keys.encryption, 1000),)
    assert told(device, announced).events == ()
    (shown,) = device.receive(signed_by_the_new_key(bank), now_ms=NOW_MS).events
    assert isinstance(shown, ChallengeShown)


def test_factors_are_encrypted_to_the_key_that_is_announced(
    device: Device, bank: ScriptedBank
) -> None:
    """It takes the place of the one before, in an announcement like any other."""
    known = bank.service_keys.challenge
    announced = announcement(bank, challenge=known, encryption=OTHER)
    assert told(device, announced).events == (KeysPinned(known, OTHER, 1000),)
    assert told(device, announced).events == ()
    assert device.identity.service_keys == ServiceKeys(known, OTHER)
    told(device, announcement(bank, challenge=known, iat=1001))
    assert device.identity.service_keys.encryption == OTHER


def approve(device: Device) -> str:
    """Approve what is open, encrypted to the key that the phone has."""
    decide = device.approve("tx-1", pin_key=PinKey(bytes(32)), otp="492039", now_ms=NOW_MS)
    return decide.decision


def unopened(device: Device, decision: str) -> tuple[Event, ...]:
    """The service has dropped the key of an approval."""
    outcome = refused(decision, reason=RefusalReason.INVALID_DECISION)
    return device.receive(outcome, now_ms=NOW_MS).events


def test_what_could_not_be_opened_is_asked_again_with_the_next_key(
    device: Device, bank: ScriptedBank
) -> None:
    """The request is open still; shown again before, it would be refused again."""
    known = bank.service_keys.challenge
    device.receive(ChallengeOffered(bank.offer()), now_ms=NOW_MS)
    assert unopened(device, approve(device)) == (
        DecisionRefused("tx-1", RefusalReason.INVALID_DECISION),
    )
    told(device, announcement(bank, challenge=known))
    assert device.open_challenges(now_ms=NOW_MS) == ()
    _, shown = told(device, announcement(bank, challenge=known, encryption=OTHER, iat=1001)).events
    assert isinstance(shown, ChallengeShown)
    assert approve(device)


def test_a_key_that_was_heard_of_meanwhile_counts_at_once(
    device: Device, bank: ScriptedBank
) -> None:
    """As on a new connection, where keys may come before the answer."""
    device.receive(ChallengeOffered(bank.offer()), now_ms=NOW_MS)
    decision = approve(device)
    told(device, announcement(bank, encryption=OTHER))
    _, shown = unopened(device, decision)
    assert isinstance(shown, ChallengeShown)
    device.receive(Fetched(()), now_ms=NOW_MS)
    assert device.open_challenges(now_ms=NOW_MS) == ()


@pytest.mark.parametrize(
    "over", [Withdrawn("tx-1", WithdrawnReason.CANCELLED), Fetched(("tx-2",)), None]
)
def test_what_is_over_is_not_asked_again(
    device: Device, bank: ScriptedBank, over: ServiceMessage | None
) -> None:
    """Cancelled, answered elsewhere, or expired before the key came."""
    device.receive(ChallengeOffered(bank.offer()), now_ms=NOW_MS)
    unopened(device, approve(device))
    if over is not None:
        device.receive(over, now_ms=NOW_MS)
    now_ms = NOW_MS + (180_000 if over is None else 0)
    announced = announcement(bank, encryption=OTHER)
    (pinned,) = device.receive(announced, now_ms=now_ms).events
    assert isinstance(pinned, KeysPinned)


def test_a_key_that_is_left_out_is_believed_no_more(device: Device, bank: ScriptedBank) -> None:
    """Neither its challenges nor its announcements."""
    told(device, announcement(bank, challenge=[NEW]))
    (ignored,) = device.receive(ChallengeOffered(bank.offer()), now_ms=NOW_MS).events
    assert ignored == ChallengeIgnored(ChallengeRefusal.NOT_AUTHENTIC)
    (ignored,) = told(device, announcement(bank, iat=2000)).events
    assert ignored == KeysIgnored("no pinned key has signed it")


def test_one_pinned_key_among_the_signers_is_enough(device: Device, bank: ScriptedBank) -> None:
    """A phone that missed some rotations finds the signature it can verify."""
    (own,) = announcement(bank).announcements
    (other,) = announcement(bank, key=NEW_KEY, header={"kid": "c2"}).announcements
    assert told(device, KeysAnnounced((other, own))).events


@pytest.mark.parametrize(
    ("bent", "reason"),
    [
        ({"key": NEW_KEY}, "no pinned key has signed it"),
        ({"key": NEW_KEY, "header": {"kid": "c2"}}, "no pinned key has signed it"),
        ({"header": {"typ": "ciba-challenge+jws"}}, "no pinned key has signed it"),
        ({"challenge": 1}, "no pinned key has signed it"),
        ({"v": 2}, "it is of another version or issuer"),
        ({"iss": "https://other.example"}, "it is of another version or issuer"),
        ({"iat": -1}, "it is older than what is known"),
        ({"challenge": []}, "it names no key, or too many"),
        ({"challenge": [NEW] * 17}, "it names no key, or too many"),
        ({"challenge": [{**NEW, "d": "AA"}]}, "a key is unusable"),
        ({"challenge": [{**NEW, "kid": ""}]}, "a key has no name"),
        ({"encryption": {**OTHER, "crv": "P-384"}}, "a key is unusable"),
        ({"encryption": {**OTHER, "kid": ""}}, "a key has no name"),
        ({"encryption": {}}, "a key is unusable"),
    ],
)
def test_what_is_not_believed_changes_nothing(
    device: Device, bank: ScriptedBank, bent: dict[str, Any], reason: str
) -> None:
    """The keys stay, and the user is warned."""
    before = device.identity
    assert told(device, announcement(bank, **bent)).events == (KeysIgnored(reason),)
    assert device.identity is before


def test_an_old_announcement_is_not_gone_back_to(device: Device, bank: ScriptedBank) -> None:
    """Whoever kept one cannot bring a dropped key back."""
    told(device, announcement(bank, iat=2000))
    assert told(device, announcement(bank, iat=1999, challenge=[NEW])).events == (
        KeysIgnored("it is older than what is known"),
    )
    assert told(device, announcement(bank, iat=2000, challenge=[NEW])).events == (
        KeysPinned((NEW,), bank.service_keys.encryption, 2000),
    )


def test_pinned_keys_are_remembered(
    tmp_path: Path, identity: DeviceIdentity, bank: ScriptedBank
) -> None:
    """They are on disk before anybody is told, and an older event does not undo them."""
    keystore = Keystore(tmp_path)
    keystore.save(identity)
    screen = io.StringIO()
    log = EventLog(JsonReporter(screen), Journal(tmp_path), keystore)
    log.report(KeysPinned((NEW,), OTHER, 1000))
    log.report(KeysPinned(bank.service_keys.challenge, bank.service_keys.encryption, 999))
    loaded = keystore.load()
    assert (loaded.service_keys, loaded.keys_announced_at) == (ServiceKeys((NEW,), OTHER), 1000)
    assert '"event":"keys_pinned"' in screen.getvalue()
