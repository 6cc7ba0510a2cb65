"""What the page says about tokens, parameters and errors."""

import json

import pytest
from joserfc.jwk import ECKey

from ciba_client import (
    CibaClientError,
    ConfigurationError,
    DpopKey,
    InvalidAuthenticationRequest,
    InvalidIdToken,
    ProviderUnavailable,
    SignatureAlgorithm,
    SigningKey,
    new_dpop_key,
)
from ciba_client.playground.explained.claims import CLAIMS, HEADER, explain_claim
from ciba_client.playground.explained.errors import ERRORS, explain_code, explain_error
from ciba_client.playground.explained.parameters import PARAMETERS, explain_parameter
from ciba_client.playground.explained.tokens import Keys, Signature, decode_tokens, provider_keys
from ciba_client.sdk.jose.algorithms import sign
from ciba_service.protocol import errors as wire
from ciba_service.protocol.errors import __all__ as wire_errors


def signing(kid: str | None) -> SigningKey:
    """A key that signs."""
    return SigningKey(ECKey.generate_key("P-256", private=True), SignatureAlgorithm.ES256, kid)


OWN, PROVIDER = signing("own"), signing("op-1")
PUBLISHED = ECKey.import_key({**PROVIDER.key.as_dict(private=False), "kid": "op-1"})
KEYS = Keys(own=OWN.key, provider=(PUBLISHED,))


@pytest.mark.parametrize("table", [CLAIMS, HEADER, PARAMETERS, ERRORS])
def test_every_explanation_is_a_sentence_with_its_clause(table: dict[str, object]):
    """None is empty, and each says where it stands."""
    for name, explanation in table.items():
        assert explanation.text.endswith("."), name
        assert explanation.specification, name
        assert explanation.section, name


def test_every_error_of_the_endpoints_is_explained():
    """Whatever the service answers to clients has its sentence."""
    devices = {
        "invalid_enrolment", "invalid_device_proof", "device_revoked", "device_not_approved",
        "origin_not_allowed",
    }  # fmt: skip
    registration = {
        "invalid_client_metadata", "invalid_redirect_uri", "invalid_software_statement",
        "unapproved_software_statement", "not_found", "unsupported_response_type",
    }  # fmt: skip
    codes = {getattr(getattr(wire, name), "error", None) for name in wire_errors}
    codes = {code for code in codes if isinstance(code, str)}
    assert codes - devices - registration <= ERRORS.keys()
    assert explain_code("new_code").specification == ""


def test_a_signature_is_called_what_it_is():
    """Verified, wrong, or of a key that nobody has fetched; a proof speaks for its own key."""
    stranger = signing("op-2")
    proof = new_dpop_key().proof(method="POST", url="https://op.example/", now=0)
    header, payload, _ = OWN.sign({"iss": "till"}, typ="JWT").split(".")
    *_, signature = OWN.sign({"iss": "another"}, typ="JWT").split(".")
    fields = [
        ("client_assertion", OWN.sign({"sub": "till"}, typ="JWT")),
        ("request", f"{header}.{payload}.{signature}"),
        ("DPoP", proof),
        ("Authorization", f"DPoP {PROVIDER.sign({'sub': 'alice'}, typ='at+jwt')}"),
        ("id_token", stranger.sign({"sub": "alice"}, typ="JWT")),
    ]
    assert [(each.found_in, each.signature) for each in decode_tokens(fields, KEYS)] == [
        ("client_assertion", Signature.VERIFIED),
        ("request", Signature.WRONG),
        ("dpop", Signature.OWN_WORD),
        ("authorization", Signature.VERIFIED),
        ("id_token", Signature.UNKNOWN_KEY),
    ]


def test_tokens_inside_tokens_are_found_once():
    """A hint in a signed request is shown, too; what is no token is passed over."""
    hint = PROVIDER.sign({"sub": "alice"}, typ="JWT")
    request = OWN.sign({"id_token_hint": hint, "scope": "openid", "n": 1}, typ="JWT")
    fields = [
        ("request", request),
        ("access_token", "opaque"),
        ("id_token", "e30.e30"),
        ("id_token", "a.b.c"),
        ("id_token", "e30.W10.c"),
        ("refresh_token", "x" * (64 * 1024 + 1)),
        ("other", hint),
    ]
    found = decode_tokens(fields, KEYS)
    assert [each.found_in for each in found] == ["request", "id_token_hint"]
    assert len(decode_tokens([("id_token", hint)] * 20, KEYS)) == 12


def test_a_proof_that_is_forged_is_no_proof():
    """Without a key, with one that is none, or signed by another."""
    one, other = new_dpop_key(), new_dpop_key()
    jwk = {**other.key.as_dict(private=False)}
    forged = SigningKey(one.key, SignatureAlgorithm.ES256).sign({"htm": "POST"}, typ="dpop+jwt")
    swapped = _with_header(one, {"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk})
    broken = _with_header(one, {"alg": "ES256", "typ": "dpop+jwt", "jwk": {"kty": "none"}})
    fields = [("dpop", forged), ("dpop", swapped), ("dpop", broken)]
    assert [each.signature for each in decode_tokens(fields, KEYS)] == [
        Signature.UNKNOWN_KEY,
        Signature.WRONG,
        Signature.UNKNOWN_KEY,
    ]


def _with_header(key: DpopKey, header: dict[str, object]) -> str:
    return sign(header, {"htm": "POST"}, key.key)


def test_an_unknown_algorithm_is_not_verified():
    """Its key is not even looked for."""
    forged = "eyJhbGciOiJub25lIn0.e30."
    (token,) = decode_tokens([("id_token", forged)], KEYS)
    assert token.signature is Signature.UNKNOWN_KEY


def test_keys_are_taken_from_what_was_fetched():
    """What is no key set is passed over."""
    members = PUBLISHED.as_dict(private=False)
    (key,) = provider_keys([b"nonsense", json.dumps({"keys": [members]}).encode()])
    assert key.kid == "op-1"


def test_what_is_unknown_is_said_to_be():
    """An extension has no clause."""
    assert explain_claim("urn:example:new").specification == ""
    assert explain_parameter("urn:example:new").text == ""
    assert explain_parameter("scope") == CLAIMS["scope"]


@pytest.mark.parametrize(
    ("error", "beginning"),
    [
        (InvalidAuthenticationRequest("x"), "Refused before anything was sent"),
        (ProviderUnavailable("x"), "No answer from the provider"),
        (InvalidIdToken("x"), "The tokens were thrown away"),
        (ConfigurationError("x"), ""),
        (CibaClientError("x"), ""),
    ],
)
def test_errors_of_the_library_are_explained(error: CibaClientError, beginning: str):
    """Those without a code, too."""
    code, text, explanation = explain_error(error)
    assert (code, text) == ("", "x")
    assert explanation.text.startswith(beginning)
