"""What services send, as the phone reads it; and the files that its user writes."""

import os
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from authenticator_sim.core.deciding.challenges import ChallengeRefused, verify_challenge
from authenticator_sim.core.decoding import MalformedJson, decode_json
from authenticator_sim.core.device import Device
from authenticator_sim.core.identity.announced_keys import AnnouncementRefused, with_announced_keys
from authenticator_sim.core.identity.enrolment import complete_enrolment, new_enrolment
from authenticator_sim.core.identity.pin import parse_chosen_pin
from authenticator_sim.core.identity.push import PushRefused, verify_sender
from authenticator_sim.core.jose import JoseRefused, decrypt, verify
from authenticator_sim.errors import PhoneError, UntrustedService, UsageError
from authenticator_sim.rules_file import parse_rules
from authenticator_sim.scenario.files import parse_scenario, shipped_names, shipped_text
from ciba_service.sca.messages import (
    CHALLENGE_TYP,
    KEYS_TYP,
    SECRETS_TYP,
    EnrolmentAnswer,
    KeysAnnounced,
    MessageExchange,
    decode_service_message,
)
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import altered, any_text, compact, damaged, documents, outcome
from tests.unit.authenticator_sim.scripted_service import (
    ACTIVATION_CODE,
    ISSUER,
    NOW_MS,
    PIN,
    SECOND_SECRET,
    ScriptedBank,
)
from tests.wire.signing import claims_of

BANK = ScriptedBank()
PENDING = new_enrolment(
    issuer=ISSUER,
    activation_code=ACTIVATION_CODE,
    second_secret=SECOND_SECRET,
    name="Phone",
    now_ms=NOW_MS,
    random_bytes=os.urandom,
)
ANSWER = BANK.enrol(PENDING.body)
CHOSEN = parse_chosen_pin(PIN)
IDENTITY = complete_enrolment(PENDING, ANSWER, pin=CHOSEN, random_bytes=os.urandom)
OFFER = BANK.offer()
CHALLENGE = claims_of(OFFER)
FRAMES: list[dict[str, Any]] = [
    {"type": "hello", "issuer": ISSUER, "nonce": "n"},
    {"type": "welcome", "device_id": IDENTITY.device_id, "server_time": NOW_MS},
    {"type": "challenge", "challenge": OFFER},
    {"type": "keys", "announcements": [OFFER]},
    {"type": "accepted", "transaction_id": "tx-1", "decision": "d", "verdict": "approve"},
]
YAML = "rules:\n  - when: {amount: 1..5 EUR}\n    then: approve\n"


@fuzzed
@given(st.one_of(documents({"messages": FRAMES}), *map(documents, FRAMES)))
def test_whatever_a_service_sends_a_phone_goes_on(frame: bytes) -> None:
    """A message is reacted to, by events; what is none is malformed."""
    device = Device(IDENTITY, random_bytes=os.urandom)
    message = outcome(decode_service_message, msgspec.DecodeError)(frame)
    exchange = outcome(decode_json, MalformedJson)(frame, MessageExchange)
    for each in [*([] if exchange is None else exchange.messages), *([message] if message else [])]:
        outcome(device.receive, PhoneError)(each, now_ms=NOW_MS)


@fuzzed
@given(documents(CHALLENGE))
@example(compact(CHALLENGE | {"exp": 10**4_000}))
@example(compact(CHALLENGE | {"payments": CHALLENGE["payments"] * 1_000}))
def test_a_signed_challenge_of_any_content_is_shown_or_refused(payload: bytes) -> None:
    """Even the service itself cannot make a phone show what it does not understand."""
    token = BANK.sign_bytes(payload)
    verified = outcome(verify_challenge, ChallengeRefused)(token, identity=IDENTITY, now_ms=NOW_MS)
    if verified is not None:
        assert verified.is_open(NOW_MS)
        assert verified.seconds_left(NOW_MS) >= 0


@fuzzed
@given(st.one_of(any_text, damaged(OFFER.encode()).map(lambda data: data.decode("latin-1"))))
@example("." * 100_000)
def test_a_changed_challenge_is_refused(token: str) -> None:
    """Only what the service signed is believed."""
    keys = IDENTITY.service_keys.challenge
    payload = outcome(verify, JoseRefused)(token, keys=keys, typ=CHALLENGE_TYP)
    assert payload is None or msgspec.json.decode(payload) == CHALLENGE
    outcome(decrypt, JoseRefused)(token, key=IDENTITY.encryption_key, typ=SECRETS_TYP)


ANNOUNCED: dict[str, Any] = {
    "v": 1,
    "iss": ISSUER,
    "iat": 5,
    "challenge": [dict(key) for key in IDENTITY.service_keys.challenge],
}


@fuzzed
@given(documents(ANNOUNCED))
def test_announced_keys_of_any_content_are_taken_or_refused(payload: bytes) -> None:
    """A phone is never left without a key that it can use."""
    token = BANK.sign_bytes(payload, header={"typ": KEYS_TYP})
    taken = outcome(with_announced_keys, AnnouncementRefused)(IDENTITY, KeysAnnounced((token,)))
    assert taken is None or 0 < len(taken.service_keys.challenge) <= 16


@fuzzed
@given(altered(msgspec.to_builtins(ANSWER)))
def test_an_answer_to_an_enrolment_is_usable_or_refused(said: Any) -> None:
    """Keys and secrets that cannot be used are told at once."""
    answer = outcome(decode_json, MalformedJson)(compact(said), EnrolmentAnswer)
    if answer is not None:
        complete = outcome(complete_enrolment, UntrustedService)
        complete(PENDING, answer, pin=CHOSEN, random_bytes=os.urandom)


@fuzzed
@given(
    st.one_of(
        any_text,
        damaged(f"vapid t={OFFER}, k={'A' * 87}".encode()).map(lambda data: data.decode("latin-1")),
    )
)
@example("vapid " + "," * 100_000)
def test_who_pushes_proves_it_or_is_refused(authorization: str) -> None:
    """The simulator's own push service takes pushes of its service only."""
    verify_it = outcome(verify_sender, PushRefused)
    assert verify_it(authorization, endpoint="http://127.0.0.1:1/a", key="A" * 87, now=1) is None


SCENARIO = shipped_text(shipped_names()[0])
ODD_YAML = [
    "[" * 5_000,
    "&a [*a]",
    "{? [a]: b}",
    "!!python/object:x y",
    "9" * 5_000,
    "2026-99-99",
    "\0",
]


@fuzzed
@given(
    st.one_of(
        any_text,
        st.sampled_from(ODD_YAML),
        damaged(SCENARIO.encode()).map(lambda data: data.decode("latin-1")),
        damaged(YAML.encode()).map(lambda data: data.decode("latin-1")),
    )
)
@example("a: " + "[" * 100_000)
@example("a: " + "{b: " * 10_000)
@example("- " * 10_000)
@example("rules:\n - when: {amount: " + "9" * 5_000 + "..1}")
@example("rules: 0x" + "f" * 10_000)
@example("rules: 1:" + "60:" * 2_000 + "1")
@example("rules: 2026-02-31")
def test_rules_and_scenarios_are_understood_or_what_is_wrong_is_said(text: str) -> None:
    """No file of a tester's ends in a traceback."""
    outcome(parse_rules, UsageError)(text, name="rules.yaml")
    outcome(parse_scenario, UsageError)(text, name="scenario.yaml")
