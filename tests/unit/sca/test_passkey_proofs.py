"""What a passkey says of itself is believed as far as it was asked for, and nothing breaks."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import cbor2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from authenticator_sim.core.identity.passkeys import Gesture, PasskeyUse, SoftwarePasskey
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.sca.factors.passkey_proofs import (
    InvalidPasskeyError,
    verify_passkey,
    verify_registration,
)
from ciba_service.sca.factors.passkeys import Passkey, RelyingParty
from ciba_service.sca.messages import (
    PasskeyAssertion,
    PasskeyAssertionResponse,
    PasskeyAttestation,
    PasskeyAttestationResponse,
)

ORIGIN = "https://bank.example"
PARTY = RelyingParty("bank.example", "The Bank", (ORIGIN,), allows_synced=False)
SYNCED = RelyingParty("bank.example", "The Bank", (ORIGIN,), allows_synced=True)
CHALLENGE = base64url(bytes(32))
HANDLE = "AAECAwQFBgcICQoLDA0ODw"
NAME = bytes(range(16))
UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40

P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED25519 = Ed25519PrivateKey.generate()


def cose(key: ec.EllipticCurvePrivateKey = P256, *, alg: int = -7, crv: int = 1) -> dict[int, Any]:
    """A public key on a curve."""
    numbers, size = key.public_key().public_numbers(), key.key_size // 8
    return {
        1: 2,
        3: alg,
        -1: crv,
        -2: numbers.x.to_bytes(size, "big"),
        -3: numbers.y.to_bytes(size, "big"),
    }


OKP = {1: 1, 3: -8, -1: 6, -2: ED25519.public_key().public_bytes_raw()}


def client_data(kind: str = "webauthn.create", **changed: object) -> bytes:
    """What the browser says."""
    usual = {"type": kind, "challenge": CHALLENGE, "origin": ORIGIN, "crossOrigin": False}
    return json.dumps({**usual, **changed}).encode()


def data(
    key: object = None,
    *,
    flags: int = UP | UV,
    name: bytes = NAME,
    count: int = 0,
    rest: bytes = b"",
) -> bytes:
    """Authenticator data; with a key those of a new passkey."""
    head = hashlib.sha256(b"bank.example").digest()
    credential = b""
    if key is not None:
        flags |= AT
        credential = bytes(16) + len(name).to_bytes(2, "big") + name + cbor2.dumps(key)
    return head + bytes([flags]) + count.to_bytes(4, "big") + credential + rest


def attestation(
    auth_data: bytes | None = None,
    *,
    fmt: object = "none",
    statement: object = None,
    said: bytes | None = None,
    name: bytes = NAME,
) -> PasskeyAttestation:
    """What a new passkey says of itself."""
    content = {
        "fmt": fmt,
        "attStmt": {} if statement is None else statement,
        "authData": data(cose()) if auth_data is None else auth_data,
    }
    return attested(cbor2.dumps(content), said=said, name=name)


def attested(
    content: bytes, *, said: bytes | None = None, name: bytes = NAME
) -> PasskeyAttestation:
    """An attestation object of any bytes."""
    response = PasskeyAttestationResponse(
        client_data_json=base64url(client_data() if said is None else said),
        attestation_object=base64url(content),
    )
    return PasskeyAttestation(base64url(name), base64url(name), response)


def register(said: PasskeyAttestation, party: RelyingParty = PARTY) -> Passkey:
    """Verify as the service does."""
    return verify_registration(said, challenge=CHALLENGE, party=party, now=7, order="order")


def self_signed(sign: Callable[[bytes], bytes], key: object, alg: int) -> PasskeyAttestation:
    """Attested by the new key itself."""
    auth_data = data(key)
    signature = sign(auth_data + hashlib.sha256(client_data()).digest())
    return attestation(auth_data, fmt="packed", statement={"alg": alg, "sig": signature})


def by_p256(message: bytes) -> bytes:
    """Sign with the key on P-256."""
    return P256.sign(message, ec.ECDSA(SHA256()))


def assertion(
    sign: Callable[[bytes], bytes] = by_p256,
    *,
    auth_data: bytes | None = None,
    said: bytes | None = None,
) -> PasskeyAssertion:
    """A passkey's word, signed."""
    spoken = client_data("webauthn.get") if said is None else said
    auth_data = data() if auth_data is None else auth_data
    signature = sign(auth_data + hashlib.sha256(spoken).digest())
    response = PasskeyAssertionResponse(
        base64url(spoken), base64url(auth_data), base64url(signature)
    )
    return PasskeyAssertion(base64url(NAME), base64url(NAME), response)


def verify(
    said: PasskeyAssertion, held: Passkey, party: RelyingParty | None = PARTY
) -> tuple[Passkey, int]:
    """Verify as the service does; the passkey and its count."""
    verified = verify_passkey(
        said, challenge=CHALLENGE, held=(held,), user_handle=HANDLE, party=party
    )
    return verified.passkey, verified.sign_count


def test_es256_and_eddsa_are_taken_and_verify():
    """With the count of the moment."""
    p256 = register(attestation(data(cose(), count=5)))
    assert (p256.passkey_id, p256.sign_count, p256.registered_at) == (base64url(NAME), 5, 7)
    ed25519 = register(attestation(data(OKP)))
    assert verify(assertion(auth_data=data(count=9)), p256) == (p256, 9)
    assert verify(assertion(ED25519.sign), ed25519) == (ed25519, 0)
    with pytest.raises(InvalidPasskeyError):
        verify(assertion(ED25519.sign), p256)


def test_a_passkey_may_attest_itself():
    """Some authenticators do unasked (WebAuthn 5.1.3); a wrong signature is refused."""
    assert register(self_signed(by_p256, cose(), -7)).passkey_id == base64url(NAME)
    assert register(self_signed(ED25519.sign, OKP, -8)).passkey_id == base64url(NAME)
    with pytest.raises(InvalidPasskeyError):
        register(self_signed(lambda _: b"signature", cose(), -7))


OFF_CURVE = {**cose(), -3: bytes(31) + b"\x01"}
REGISTRATIONS: dict[str, PasskeyAttestation] = {
    "an algorithm nobody asked for": attestation(data(cose(alg=-257))),
    "another curve": attestation(data(cose(P384, crv=2))),
    "an algorithm of another kind of key": attestation(data(cose(alg=-8))),
    "an RSA key under another name": attestation(data({1: 3, 3: -7, -1: b"n" * 256, -2: b"e"})),
    "a point off the curve": attestation(data(OFF_CURVE)),
    "coordinates that are numbers": attestation(data({**cose(), -2: 7})),
    "a key without a member": attestation(data({1: 2, 3: -7, -1: 1, -2: b"x"})),
    "an Edwards key of another length": attestation(data({**OKP, -2: b"short"})),
    "a key that is a list": attestation(data([1, 2])),
    "a key that is a number": attestation(data(7)),
    "no key": attestation(data()),
    "another id": attestation(data(cose(), name=bytes(16))),
    "another form": attestation(fmt="fido-u2f", statement={"sig": b"", "x5c": [b""]}),
    "a form that is no text": attestation(fmt=7),
    "a certificate": attestation(fmt="packed", statement={"alg": -7, "sig": b"s", "x5c": [b"c"]}),
    "a statement that is none": attestation(fmt="none", statement=7),
    "a statement where none should be": attestation(fmt="none", statement={"sig": b"s"}),
    "a user who was not verified": attestation(data(cose(), flags=UP)),
    "nobody": attestation(data(cose(), flags=UV)),
    "a synced one": attestation(data(cose(), flags=UP | UV | BE)),
    "backed up, which it cannot be": attestation(data(cose(), flags=UP | UV | BS)),
    "bytes too many": attestation(data(cose(), rest=b"rest")),
    "another ceremony": attestation(said=client_data("webauthn.get")),
    "another challenge": attestation(said=client_data(challenge=base64url(b"other"))),
    "a frame of another origin": attestation(said=client_data(crossOrigin=True)),
    "client data that are none": attestation(said=b"[]"),
    "client data without an origin": attestation(said=b"{}"),
    "client data nested without end": attestation(said=b"[" * 5000),
    "client data that are no text": attestation(said=b"\xff"),
    "no map": attested(b"\x80"),
    "nothing": attested(b""),
    "no data": attested(cbor2.dumps({"fmt": "none"})),
    "data that are text": attestation("text"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("said", REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_whatever_is_not_as_asked_for_is_refused(said: PasskeyAttestation):
    """Each in one and the same way."""
    with pytest.raises(InvalidPasskeyError):
        register(said)


@pytest.mark.parametrize("name", ["another form", "a certificate"])
def test_no_certificate_of_an_attestation_is_looked_at(name: str):
    """Nobody asked for one: it is refused for its form, however right it is otherwise."""
    with pytest.raises(InvalidPasskeyError, match="form nobody asked for"):
        register(REGISTRATIONS[name])


def test_an_id_in_another_spelling_is_refused():
    """Sixteen bytes have one text only."""
    said = attestation()
    with pytest.raises(InvalidPasskeyError):
        register(PasskeyAttestation(said.id, said.id[:-1] + "x", said.response))


def test_a_refusal_quotes_little_and_nothing_odd():
    """It is for the log, and whoever sends the passkey has chosen its texts."""
    with pytest.raises(InvalidPasskeyError) as refused:
        register(attestation(data({1: 2, 3: "\x1b\n" * 2000, -1: 1, -2: b"x", -3: b"y"})))
    assert len(str(refused.value)) <= 160
    assert str(refused.value).isprintable()


pieces = st.recursive(
    st.one_of(st.integers(-300, 300), st.binary(max_size=40), st.text(max_size=9), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.integers(-4, 4), st.text(max_size=8)), inner, max_size=5),
    ),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(key=pieces, fmt=pieces, statement=pieces, cut=st.integers(0, 60))
def test_any_structure_is_taken_or_refused(key: Any, fmt: Any, statement: Any, cut: int):
    """Nothing that a phone can send ends in another error."""
    whole = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data(key)})
    for said in (
        attestation(data(key)),
        attestation(fmt=fmt, statement=statement),
        attestation(fmt="packed", statement={"alg": -7, "sig": statement}),
        attested(whole[:-cut] if cut else whole),
    ):
        with pytest.raises(InvalidPasskeyError):
            register(said)


@settings(max_examples=30, deadline=None)
@given(auth_data=st.binary(max_size=80), said=st.binary(max_size=40))
def test_any_assertion_is_refused(auth_data: bytes, said: bytes):
    """Signed or not, what makes no sense proves nothing."""
    held = Passkey(base64url(NAME), cbor2.dumps(cose()), 0, False, False, 0, "order")  # noqa: FBT003
    for each in (assertion(auth_data=auth_data), assertion(said=said)):
        with pytest.raises(InvalidPasskeyError):
            verify(each, held)


def test_an_assertion_made_in_a_frame_or_for_another_ceremony_is_refused():
    """The origin alone does not say who shows the page."""
    held = register(attestation())
    for said in (
        client_data("webauthn.get", crossOrigin=True),
        client_data("webauthn.create"),
        client_data("webauthn.get", origin="https://evil.example"),
    ):
        with pytest.raises(InvalidPasskeyError):
            verify(assertion(said=said), held)


def test_synced_ones_count_where_they_are_allowed_and_stay_what_they_are():
    """Whether a passkey can be copied is for good; that it was, may change."""
    flags = UP | UV | BE
    synced = register(attestation(data(cose(), flags=flags)), SYNCED)
    assert (synced.synced, synced.backed_up) == (True, False)
    assert verify(assertion(auth_data=data(flags=flags | BS)), synced, SYNCED)[0] is synced
    for said, held, party in (
        (assertion(auth_data=data(flags=flags)), synced, PARTY),
        (assertion(auth_data=data()), synced, SYNCED),
        (assertion(auth_data=data(flags=flags)), register(attestation()), SYNCED),
    ):
        with pytest.raises(InvalidPasskeyError):
            verify(said, held, party)


def used(**changes: Any) -> SoftwarePasskey:
    """The simulator's passkey, which was used once."""
    usual = {
        "passkey_id": base64url(NAME),
        "key": ECKey.import_key(P256),
        "rp_id": "bank.example",
        "origin": ORIGIN,
        "user_handle": HANDLE,
        "sign_count": 1,
    }
    return SoftwarePasskey(**{**usual, **changes})


WRONG: dict[str, SoftwarePasskey] = {
    "another relying party": used(rp_id="evil.example"),
    "another origin": used(origin="https://bank.example.evil.example"),
    "a page that is not allowed": used(origin="https://other.bank.example"),
    "another key": used(key=ECKey.generate_key("P-256", private=True)),
    "an id that was never registered": used(passkey_id="A" * 22),
    "another user's handle": used(user_handle="A" * 22),
    "turned into a synced one": used(synced=True),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_passkey_of_anything_else_is_refused(wrong: SoftwarePasskey):
    """One that is right is not, the simulator's or another."""
    held = register(attestation())
    assert verify(PasskeyUse(used(), Gesture.VERIFIED).confirm(CHALLENGE), held) == (held, 1)
    with pytest.raises(InvalidPasskeyError):
        verify(PasskeyUse(wrong, Gesture.VERIFIED).confirm(CHALLENGE), held)


@pytest.mark.parametrize(
    "changed",
    [
        {"raw_id": "B" * 22},
        {"signature": ""},
        {"client_data_json": "e30"},
        {"authenticator_data": ""},
        {"challenge": base64url(b"another")},
        {"gesture": Gesture.PRESENT},
    ],
    ids=str,
)
def test_a_passkey_that_says_anything_else_is_refused(changed: dict[str, Any]):
    """Another challenge is another decision; a touch is not its user."""
    use = PasskeyUse(used(), changed.get("gesture", Gesture.VERIFIED))
    said = use.confirm(changed.get("challenge", CHALLENGE))
    members = {name: changed[name] for name in changed if hasattr(said.response, name)}
    response = msgspec.structs.replace(said.response, **members)
    raw_id = changed.get("raw_id", said.raw_id)
    with pytest.raises(InvalidPasskeyError):
        verify(PasskeyAssertion(said.id, raw_id, response), register(attestation()))


def test_what_is_no_base64url_is_refused():
    """In whichever member."""
    held, said = register(attestation()), assertion()
    response = said.response
    for changed in (
        PasskeyAssertionResponse("A", response.authenticator_data, response.signature),
        PasskeyAssertionResponse(response.client_data_json, "A", response.signature),
        PasskeyAssertionResponse(response.client_data_json, response.authenticator_data, "A"),
    ):
        with pytest.raises(InvalidPasskeyError):
            verify(PasskeyAssertion(said.id, said.raw_id, changed), held)


def test_without_a_passkey_or_where_none_counts_nothing_is_proven():
    """And nothing is looked at."""
    held = register(attestation())
    with pytest.raises(InvalidPasskeyError):
        verify(assertion(), held, None)
    with pytest.raises(InvalidPasskeyError):
        verify_passkey(None, challenge=CHALLENGE, held=(held,), user_handle=HANDLE, party=PARTY)


def test_what_a_passkey_said_is_in_no_log():
    """Nor is anything that it signed."""
    assert repr(assertion()) == "PasskeyAssertion(...)"
