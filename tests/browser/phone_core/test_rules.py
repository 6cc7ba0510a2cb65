"""The rules of the web phone against those of the simulator: two programs, one verdict."""

import hashlib
import json
import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pyotp
import pytest
from joserfc import jwe, jws
from joserfc.jwk import ECKey
from playwright.async_api import Error, Page

from authenticator_sim.core import jose
from authenticator_sim.core.deciding.challenges import ChallengeRefused, verify_challenge
from authenticator_sim.core.identity.announced_keys import AnnouncementRefused, with_announced_keys
from authenticator_sim.core.identity.enrolment import complete_enrolment, new_enrolment
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.pin import Pin, WrappedPinKey, parse_chosen_pin, unwrap_pin_key
from authenticator_sim.errors import InvalidPin
from ciba_service.sca.messages import (
    DecisionClaims,
    EnrolmentAnswer,
    KeysAnnounced,
    OrderAction,
    ServiceKeys,
    Verdict,
    comparison_code,
    decision_digest,
    decode_service_message,
    key_thumbprint,
    order_pin_proof,
    passkey_challenge,
)
from tests.browser.conftest import PageOpener
from tests.browser.phone_core.challenges import challenges_of_all_kinds, deceiving_challenges
from tests.browser.phone_core.core_phone import rules_served
from tests.browser.watched import Watch
from tests.browser.web_phone import WebPhone
from tests.unit.authenticator_sim.scripted_service import (
    ACTIVATION_CODE,
    DEVICE_ID,
    ISSUER,
    NOW_MS,
    PIN,
    SECOND_SECRET,
    ScriptedBank,
    b64,
    public,
)

Enrolled = tuple[ScriptedBank, DeviceIdentity]

HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}
BANK_STRANGER = ECKey.generate_key("P-256")
SHARED_OF_RFC_7518_C = "nlbZHYFxNdNyg0KDv4QmnPsxbqPagGpI9tqneYz-kMQ"

VERDICTS = """async ([tokens, keys, issuer, now]) => {
  const { verifyChallenge } = await import("/core/challenges.js");
  const verdict = async (token) => {
    try {
      return (await verifyChallenge(token, { keys, issuer, now })).digest;
    } catch (error) {
      return error.reason ?? `${error}`;
    }
  };
  return Promise.all(tokens.map(verdict));
}"""


@pytest.fixture(scope="module")
def enrolled() -> Enrolled:
    """A simulated phone and its service, which are strangers to the page."""
    bank = ScriptedBank()
    pending = new_enrolment(
        issuer=ISSUER,
        activation_code=ACTIVATION_CODE,
        second_secret=SECOND_SECRET,
        name="Alice's phone",
        now_ms=NOW_MS,
        random_bytes=os.urandom,
    )
    answer = bank.enrol(pending.body)
    pin = parse_chosen_pin(PIN)
    return bank, complete_enrolment(pending, answer, pin=pin, random_bytes=os.urandom)


@pytest.fixture
async def page(web_phone: WebPhone, open_page: PageOpener, watch: Watch) -> AsyncIterator[Page]:
    """A page with the modules at hand."""
    watch.expect("favicon")
    async with rules_served(web_phone, ISSUER) as address:
        yield await open_page(address)


def verdict(token: str, identity: DeviceIdentity) -> str:
    """What the simulator makes of a challenge."""
    try:
        return verify_challenge(token, identity=identity, now_ms=NOW_MS).digest
    except ChallengeRefused as refused:
        return refused.reason.value


@pytest.mark.clause("sca-art5-1", "sca-art5-6")
async def test_both_phones_believe_the_same_challenges(page: Page, enrolled: Enrolled):
    """Some eighty, right and bent in every part: each gets the same verdict of both."""
    bank, identity = enrolled
    tokens = challenges_of_all_kinds(bank)
    keys = list(identity.service_keys.challenge)
    told = await page.evaluate(VERDICTS, [list(tokens.values()), keys, ISSUER, NOW_MS])
    expected = {name: verdict(token, identity) for name, token in tokens.items()}
    assert dict(zip(tokens, told, strict=True)) == expected
    assert len(tokens) >= 80
    believed = [name for name, each in expected.items() if len(each) == 43]
    assert 10 <= len(believed) <= 30
    # What could be read in two ways: twice the same member, numbers beyond exactness, marks of
    # direction, halves of letters. The page, which has no types to rely on, shows none of it.
    tokens = deceiving_challenges(bank)
    told = await page.evaluate(VERDICTS, [list(tokens.values()), keys, ISSUER, NOW_MS])
    refused = {"malformed", "details_not_shown", "not_authentic"}
    assert [name for name, each in zip(tokens, told, strict=True) if each not in refused] == []


ENROLLED = """async ([answer, pin]) => {
  const { completeEnrolment, enrolmentAnswer, newEnrolment } = await import("/core/enrolment.js");
  const { parseJson } = await import("/core/json.js");
  const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));
  if (answer === null) {
    const who = { issuer: "http://127.0.0.1:9", activationCode: "K7QM-2RXP-9D4T", name: "Web" };
    globalThis.pending = await newEnrolment(who, { now: 1795230000999, randomBytes });
    return pending.body;
  }
  const read = enrolmentAnswer(parseJson(answer));
  const identity = await completeEnrolment(pending, read, { pin, randomBytes });
  globalThis.means = { identity, now: 1795230012999, randomBytes };
  const { salt, wrapped } = identity.pinKey;
  return {
    salt: [...salt], wrapped: [...wrapped], extractable: identity.signingKey.extractable,
    totp: identity.totp.key.extractable, thumbprint: identity.thumbprint,
    encryption: pending.encryptionKeys.privateKey.extractable,
  };
}"""
DECIDED = """async ([challenge, pin, keys]) => {
  const { verifyChallenge } = await import("/core/challenges.js");
  const { newApproval, newDenial } = await import("/core/decisions.js");
  const { newOrder } = await import("/core/orders.js");
  const { unwrapPinKey } = await import("/core/pin.js");
  const { otpCode, otpStep } = await import("/core/otp.js");
  const { sessionProof } = await import("/core/sessions.js");
  const { identity, now } = means;
  const verified = await verifyChallenge(challenge, { keys, issuer: identity.issuer, now });
  const pinKey = await unwrapPinKey(identity.pinKey, pin);
  const otp = await otpCode(identity.totp, otpStep(identity.totp, now));
  const factors = { pinKey, otp: async () => otp, verificationCode: "042187", passkey: null };
  return {
    approval: (await newApproval(verified, factors, means)).token,
    denial: (await newDenial(verified, "not_me", means)).token,
    order: (await newOrder({ action: "revoke_device", deviceId: "lost", newKey: pinKey },
      { pinKey, nonce: "n1" }, means)).token,
    session: await sessionProof({ nonce: "n2", body: "a b\u00e4" }, means),
  };
}"""


BANK_KEY = public(ECKey.generate_key("P-256"), "k1")
UNSOUND: list[dict[str, Any]] = [
    {"issuer": "http://127.0.0.1:8"},
    {"device_id": "a phone"},
    {"device_id": ""},
    {"websocket": "ws://bank.example/device/ws"},
    {"websocket": "http://127.0.0.1:9/device/ws"},
    {"messages": "http://bank.example/device/messages"},
    {"messages": "https://me:secret@bank.example/"},
    {"messages": "nowhere"},
    {"secrets": "a.b.c.d.e"},
    {"keys": ServiceKeys(challenge=(), encryption=BANK_KEY)},
    {"keys": ServiceKeys(challenge=({**BANK_KEY, "kid": ""},), encryption=BANK_KEY)},
    {"keys": ServiceKeys(challenge=({**BANK_KEY, "d": "AA"},), encryption=BANK_KEY)},
    {"keys": ServiceKeys(challenge=(BANK_KEY,), encryption={**BANK_KEY, "x": "AA"})},
    {"keys": ServiceKeys(challenge=({**BANK_KEY, "y": BANK_KEY["x"]},), encryption=BANK_KEY)},
]


def unsound(bank: ScriptedBank, good: EnrolmentAnswer) -> list[EnrolmentAnswer]:
    """Another issuer, an address without TLS, a key or a secret that is unusable."""
    key = ECKey.import_key(bank.enrolment["encryption_key"])
    secrets = [
        {"secrets": bank.secrets_for(key, typ="ciba-factors+jwe")},
        {"secrets": bank.secrets_for(key, pin_key=b64(bytes(31)))},
        {"secrets": bank.secrets_for(key, plaintext=b"{}")},
        {"secrets": bank.secrets_for(BANK_STRANGER)},
        {"secrets": good.secrets[:-1] + ("A" if good.secrets[-1] != "A" else "Q")},
        {"secrets": good.secrets.replace("..", ".AAAA.")},
    ]
    return [msgspec.structs.replace(good, **changes) for changes in [*UNSOUND, *secrets]]


async def test_what_the_page_signs_and_encrypts_is_right(page: Page):
    """From enrolment to decision, order and session, read as the protocol page says."""
    bank = ScriptedBank()
    body = await page.evaluate(ENROLLED, [None, None])
    answer = bank.enrol(body.encode())
    assert bank.enrolment["iat"] == NOW_MS // 1000
    assert "second_secret" not in bank.enrolment
    for each in unsound(bank, answer):
        with pytest.raises(Error, match="Malformed"):
            await page.evaluate(ENROLLED, [msgspec.json.encode(each).decode(), PIN])
    kept = await page.evaluate(ENROLLED, [msgspec.json.encode(answer).decode(), PIN])
    wrapped = WrappedPinKey(salt=bytes(kept["salt"]), wrapped=bytes(kept["wrapped"]))
    assert unwrap_pin_key(wrapped, Pin(PIN)).key == bank.pin_key
    assert {kept[name] for name in ("extractable", "totp", "encryption")} == {False}
    assert bank.device_key is not None
    assert kept["thumbprint"] == key_thumbprint(jose.public_jwk(bank.device_key))
    challenge = bank.offer()
    signed = await page.evaluate(DECIDED, [challenge, PIN, list(bank.service_keys.challenge)])
    approval = bank.verify_decision(signed["approval"], challenge=challenge)
    claims, proofs = approval.claims, approval.proofs
    assert (claims["verdict"], claims["iat"]) == ("approve", NOW_MS // 1000 + 12)
    assert proofs == {
        "jti": claims["jti"],
        "pin_proof": bank.expected_pin_proof(claims),
        "otp": bank.otp_at(NOW_MS + 12_999),
        "verification_code": "042187",
    }
    denial = bank.verify_decision(signed["denial"], challenge=challenge)
    assert (denial.claims["reason"], denial.proofs) == ("not_me", None)
    bank.verify_session(signed["session"], nonce="n2", body="a b\u00e4".encode())
    order = jws.deserialize_compact(signed["order"], bank.device_key, algorithms=["ES256"])
    assert order.headers() == {"alg": "ES256", "typ": "ciba-order+jwt", "kid": DEVICE_ID}
    ordered = json.loads(order.payload)
    inside = jwe.decrypt_compact(
        ordered.pop("factors"), bank.encryption_key, algorithms=["ECDH-ES", "A256GCM"]
    )
    assert inside.headers()["typ"] == "ciba-order-factors+jwe"
    proof = order_pin_proof(
        bank.pin_key,
        device_id=DEVICE_ID,
        nonce="n1",
        action=OrderAction.REVOKE_DEVICE,
        target="lost",
        jti=ordered["jti"],
    )
    assert json.loads(inside.plaintext or b"") == {
        "jti": ordered["jti"],
        "pin_proof": proof,
        "pin_key": b64(bank.pin_key),
    }
    assert {name: ordered[name] for name in ("nonce", "action", "device_id")} == {
        "nonce": "n1",
        "action": "revoke_device",
        "device_id": "lost",
    }


ANNOUNCED = """async ([tokens, identity]) => {
  const { announcedKeys } = await import("/core/announcements.js");
  const taken = async (token) => {
    try {
      const { challengeKeys, recipient } = await announcedKeys(token, identity);
      return [recipient, ...challengeKeys].map((jwk) => jwk.kid);
    } catch (error) {
      return ["NotAuthentic", "Malformed"].includes(error.name) ? null : `${error}`;
    }
  };
  return Promise.all(tokens.map(taken));
}"""


async def test_both_phones_pin_the_same_keys_and_compute_the_same(page: Page, enrolled: Enrolled):
    """Keys that are announced under a pinned one, not older than what is known, and usable."""
    bank, identity = enrolled
    identity = replace(identity, keys_announced_at=500)
    new = public(ECKey.generate_key("P-256"), "c2")
    old, before = list(identity.service_keys.challenge), identity.service_keys.encryption

    def announced(key: ECKey | None = None, typ: str = "ciba-keys+jws", **changed: Any) -> str:
        content = {"v": 1, "iss": ISSUER, "iat": 1000, "challenge": [new, *old], **changed}
        return bank.sign_bytes(msgspec.json.encode(content), key=key, header={"typ": typ})

    stranger = announced(key=ECKey.generate_key("P-256"))
    cases = [
        [announced()],
        [stranger, announced(challenge=[new])],
        [announced(iat=500)],
        [announced(iat=499)],
        [stranger],
        [],
        [announced(v=2)],
        [announced(iss="https://attacker.example")],
        [announced(challenge=[])],
        [announced(challenge=[new] * 17)],
        [announced(challenge=[{**new, "kid": ""}])],
        [announced(challenge=[{**new, "crv": "P-384"}])],
        [announced(challenge=[{**new, "d": "AA"}])],
        [announced(challenge=[{**new, "use": 1}])],
        [announced(challenge="c2")],
        [announced(challenge=old, encryption=new)],
        [announced(encryption=None)],
        [announced(encryption={**new, "kid": ""})],
        [announced(encryption={**new, "crv": "P-384"})],
        [announced(encryption={})],
        [announced(encryption="f2")],
        [announced(typ="ciba-challenge+jws")],
        [*[stranger] * 16, announced()],
    ]

    def pinned(tokens: list[str]) -> list[str] | None:
        try:
            keys = with_announced_keys(identity, KeysAnnounced(tuple(tokens))).service_keys
        except AnnouncementRefused:
            return None
        return [jwk["kid"] for jwk in (keys.encryption, *keys.challenge)]

    known = {"challengeKeys": old, "recipient": before, "issuer": ISSUER, "keysAnnouncedAt": 500}
    assert await page.evaluate(ANNOUNCED, [cases, known]) == [pinned(each) for each in cases]
    await same_results(page)


VECTORS = """async (given) => {
  const { concatKdf, decrypt, encrypt } = await import("/core/encryption.js");
  const { base64url, decodeBase64url } = await import("/core/bytes.js");
  const { comparisonCode } = await import("/core/comparison.js");
  const { flawOfChosenPin } = await import("/core/pin.js");
  const { importTotp, otpCode } = await import("/core/otp.js");
  const { newEncryptionKey, publicJwk } = await import("/core/keys.js");
  const { passkeyChallenge } = await import("/core/decisions.js");
  const codes = async ({ secret, algorithm, digits, period, steps }) => {
    const totp = await importTotp({ secret, algorithm, digits, period });
    return Promise.all(steps.map((step) => otpCode(totp, step)));
  };
  const party = { algorithm: "A128GCM", apu: "Alice", apv: "Bob", bits: 128 };
  const keys = await newEncryptionKey();
  const to = { ...(await publicJwk(keys.publicKey)), kid: "own" };
  const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));
  const own = await encrypt({ said: "\u00e4" }, { to, typ: "t", randomBytes });
  const opened = await decrypt(own, { key: keys.privateKey, typ: "t" });
  const refusals = given.notBase64url.map((text) => {
    try {
      return decodeBase64url(text);
    } catch (error) {
      return error.name;
    }
  });
  return {
    derived: base64url(await concatKdf(decodeBase64url(given.shared), party)),
    comparison: await Promise.all(given.comparison.map((each) => comparisonCode(...each))),
    flaws: given.pins.map(flawOfChosenPin),
    codes: await Promise.all(given.totp.map(codes)),
    passkey: base64url(await passkeyChallenge(given.claims)),
    opened: JSON.parse(new TextDecoder().decode(opened)),
    refusals,
  };
}"""


FRAMES = """async (frames) => {
  const { parseFrame } = await import("/core/messages.js");
  return frames.map((frame) => {
    try {
      return parseFrame(frame).type;
    } catch (error) {
      return error.name === "Malformed" ? null : `${error}`;
    }
  });
}"""
PROTOCOL = Path(__file__).parents[3] / "docs" / "device-protocol.md"
SAID = re.compile(r"^\| service \| (?P<type>\w+) \| `(?P<frame>.+)` \|$", re.MULTILINE)
UNREAD = {"passkey_options", "wake_up_offered", "wake_up_refused"}
"""Of what these have inside the page reads nothing, or leaves it to the browser."""


def bent(frame: str) -> list[str]:
    """A message without a member, and with one of another kind, each in turn."""
    members: dict[str, Any] = json.loads(frame)
    others = [None, 1, 1.5, "1", True, [], [1], {}]
    return [
        json.dumps(each)
        for name in members
        for each in (
            {key: value for key, value in members.items() if key != name},
            *(members | {name: other} for other in others),
        )
    ]


def read(frame: str) -> str | None:
    """The type of a message that the simulator reads."""
    try:
        return str(decode_service_message(frame).__struct_config__.tag)
    except msgspec.DecodeError:
        return None


async def test_both_phones_read_the_same_messages(page: Page):
    """Every message of the protocol page; without a member, or with another kind of it, neither."""
    examples = [(said["type"], said["frame"]) for said in SAID.finditer(PROTOCOL.read_text())]
    assert len(examples) >= 35
    assert await page.evaluate(FRAMES, [frame for _, frame in examples]) == [
        type_ for type_, _ in examples
    ]
    frames = [each for type_, frame in examples if type_ not in UNREAD for each in bent(frame)]
    told = dict(zip(frames, await page.evaluate(FRAMES, frames), strict=True))
    assert told == {frame: read(frame) for frame in frames}


async def same_results(page: Page) -> None:
    """Key derivation (RFC 7518 C), comparison codes, one-time codes, PINs, passkey challenges."""
    pins = [f"{number:06}" for number in range(0, 1_000_000, 7919)]
    pins += ["112233", "123456", "987654", "890123", "121212", "123123", "000000", "12345679"]
    pins += [
        "739154",
        "7391548260",
        "12345",
        "1234567890123",
        "73915a",
        "\u0661\u0662\u0663456",
        "",
    ]
    comparison = [["A" * 43, "B" * 43], ["9cR0", "key"], [DEVICE_ID, "C" * 43]]
    seeds = [(pyotp.random_base32(), name, digits) for name in HASHES for digits in (6, 8)]
    steps = [0, 1, 59_842_000, 2**33]
    claims = DecisionClaims(
        iss=DEVICE_ID,
        aud=ISSUER,
        jti="j1",
        iat=1,
        transaction_id="t1",
        challenge_hash="h1",
        verdict=Verdict.APPROVE,
    )
    told = await page.evaluate(
        VECTORS,
        {
            "shared": SHARED_OF_RFC_7518_C,
            "comparison": comparison,
            "pins": pins,
            "totp": [
                {"secret": seed, "algorithm": name, "digits": digits, "period": 30, "steps": steps}
                for seed, name, digits in seeds
            ],
            "claims": msgspec.to_builtins(claims),
            "notBase64url": ["A", "AB", "AA==", "A A", "+/AA", "AA\n", "\u00e4AAA"],
        },
    )
    assert told["derived"] == "VqqN6vgjbSBcIijNcacQGg"
    assert told["comparison"] == [comparison_code(*each) for each in comparison]
    assert told["flaws"] == [flaw_of(pin) for pin in pins]
    assert told["codes"] == [
        [pyotp.TOTP(seed, digits=digits, digest=HASHES[name]).generate_otp(step) for step in steps]
        for seed, name, digits in seeds
    ]
    assert told["passkey"] == passkey_challenge(decision_digest(claims))
    assert told["opened"] == {"said": "\u00e4"}
    assert told["refusals"] == ["Malformed"] * 7


def flaw_of(pin: str) -> str | None:
    """What the simulator says of a PIN, in the words of the page."""
    try:
        parse_chosen_pin(pin)
    except InvalidPin as invalid:
        return "weak_pin" if "guess" in str(invalid) else "invalid_pin"
    return None
