"""What the user sees before approving: final text and typed fields, signed, the same everywhere."""

import base64
import secrets
from dataclasses import replace

import msgspec
import pytest

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet, parse_verification_key
from ciba_service.protocol.jose.verification import parse_jws, verify_jws
from ciba_service.protocol.request.authorization_details import (
    AccountReference,
    InstructedAmount,
    PaymentInitiation,
)
from ciba_service.sca.challenge import ChallengeContent, new_challenge
from ciba_service.sca.messages import Factor, challenge_hash
from ciba_service.stores.key_files import FileKeys
from tests.signing import claims_of, header_of
from tests.unit.sca.conftest import ISSUER

IBAN = "DE89370400440532013000"
PAYMENT = PaymentInitiation(
    InstructedAmount("EUR", "12.50"), "Corner Shop Ltd", AccountReference(IBAN), "Invoice 4711"
)
CONTENT = ChallengeContent(
    issuer=ISSUER,
    transaction_id="AAECAwQFBgcICQoLDA0ODw",
    client_name="Corner Shop",
    scope=("openid", "profile", "accounts:read"),
    binding_message="W4SCT",
    payments=(PAYMENT,),
    factors=(Factor.DEVICE_KEY, Factor.PIN),
    issued_at=1_795_230_000,
    expires_at=1_795_230_180,
)


def challenge(keys: FileKeys, content: ChallengeContent = CONTENT) -> str:
    """A challenge over some content."""
    return new_challenge(content, key=keys.challenge_key, token_bytes=secrets.token_bytes)


@pytest.mark.clause("rfc9396-3-1")
def test_amount_and_payee_are_shown_with_the_binding_message(service_keys: FileKeys):
    """The user sees what is paid to whom, for which client, and what is shared."""
    shown = claims_of(challenge(service_keys))["display"]
    assert shown == {
        "title": "Confirm payment",
        "client": "Corner Shop",
        "shares": ["Your identity", "Your name and profile", "Access: accounts:read"],
        "binding_message": "W4SCT",
        "amount": "12.50 EUR",
        "payee": "Corner Shop Ltd",
        "payee_account": "DE89 3704 0044 0532 0130 00",
        "remittance_information": "Invoice 4711",
    }


@pytest.mark.clause("rfc9396-3-1")
def test_whatever_a_token_states_of_a_payment_is_shown(service_keys: FileKeys):
    """Each value of the detail is one of the texts on the phone, but for its type."""
    stated = msgspec.to_builtins(PAYMENT)
    assert stated.pop("type") == "payment_initiation"
    assert stated.pop("instructedAmount") == {"currency": "EUR", "amount": "12.50"}
    assert stated.pop("creditorAccount") == {"iban": IBAN}
    values = {"12.50 EUR", IBAN, *stated.values()}
    assert len(values) == 2 + len(stated)
    shown = claims_of(challenge(service_keys))["display"]
    assert values <= {*map(str, shown.values()), shown["payee_account"].replace(" ", "")}
    assert not [name for name, value in msgspec.structs.asdict(PAYMENT).items() if not value]


def test_a_name_that_looks_like_an_account_stays_a_name(service_keys: FileKeys):
    """Payee and account are texts of their own, so that neither can pass for the other."""
    name = "Corner Shop, GB33BUKB20201555555555 ("
    payment = replace(CONTENT, payments=(msgspec.structs.replace(PAYMENT, creditor_name=name),))
    shown = claims_of(challenge(service_keys, payment))["display"]
    assert (shown["payee"], shown["payee_account"]) == (name, "DE89 3704 0044 0532 0130 00")


def test_a_payee_without_account_is_shown_by_name(service_keys: FileKeys):
    """Where no IBAN was asked for, none is shown or signed."""
    payment = PaymentInitiation(InstructedAmount("JPY", "1200"), "Corner Shop Ltd")
    claims = claims_of(challenge(service_keys, replace(CONTENT, payments=(payment,))))
    assert claims["display"] == {
        "title": "Confirm payment",
        "client": "Corner Shop",
        "shares": ["Your identity", "Your name and profile", "Access: accounts:read"],
        "binding_message": "W4SCT",
        "amount": "1200 JPY",
        "payee": "Corner Shop Ltd",
    }
    assert claims["payments"] == [
        {"amount": "1200", "currency": "JPY", "creditor_name": "Corner Shop Ltd"}
    ]


def test_a_sign_in_shows_no_money(service_keys: FileKeys):
    """Members that are absent are left out, never null."""
    content = replace(CONTENT, payments=(), binding_message=None, scope=("openid",))
    claims = claims_of(challenge(service_keys, content))
    assert claims["display"] == {
        "title": "Confirm sign-in",
        "client": "Corner Shop",
        "shares": ["Your identity"],
    }
    assert "payments" not in claims


def test_the_typed_fields_are_signed_beside_the_text(service_keys: FileKeys):
    """A phone can check by itself what the text says."""
    claims = claims_of(challenge(service_keys))
    nonce = claims.pop("nonce")
    del claims["display"]
    assert claims == {
        "v": 1,
        "iss": ISSUER,
        "transaction_id": CONTENT.transaction_id,
        "iat": 1_795_230_000,
        "exp": 1_795_230_180,
        "locale": "en",
        "factors": ["device_key", "pin"],
        "scope": list(CONTENT.scope),
        "payments": [
            {
                "amount": "12.50",
                "currency": "EUR",
                "creditor_name": "Corner Shop Ltd",
                "creditor_iban": IBAN,
                "remittance_information": "Invoice 4711",
            }
        ],
    }
    assert len(base64.urlsafe_b64decode(nonce + "=")) == 32


@pytest.mark.clause("nist63b-3.2.7-1")
def test_each_challenge_has_its_own_nonce(service_keys: FileKeys):
    """Two challenges over the same content are different, and so are their hashes."""
    made = [challenge(service_keys) for _ in range(20)]
    assert len({claims_of(one)["nonce"] for one in made}) == 20
    assert len({challenge_hash(one) for one in made}) == 20


@pytest.mark.clause("rfc8725-3.11-1")
def test_a_challenge_is_typed_and_verifies_under_the_pinned_key(service_keys: FileKeys):
    """Phones verify it with the key they got when they were enrolled."""
    made = challenge(service_keys)
    (jwk,) = service_keys.challenge_jwks()
    assert header_of(made) == {"alg": "ES256", "kid": jwk["kid"], "typ": "ciba-challenge+jws"}
    keys = KeySet([parse_verification_key(jwk)])
    verify_jws(parse_jws(made), keys=keys, algorithms=frozenset({SignatureAlgorithm.ES256}))


@pytest.mark.clause("sca-art5-2", "sca-art5-4")
@pytest.mark.parametrize(
    "changed",
    [
        replace(CONTENT, client_name="Corner Shap"),
        replace(CONTENT, binding_message="W4SCU"),
        replace(CONTENT, scope=("openid",)),
        *(
            replace(CONTENT, payments=(msgspec.structs.replace(PAYMENT, **{name: value}),))
            for name, value in {
                "creditor_name": "Corner Shop Inc",
                "instructed_amount": InstructedAmount("EUR", "12.51"),
                "creditor_account": None,
                "remittance_information_unstructured": "Invoice 4712",
            }.items()
        ),
    ],
    ids=["client", "binding message", "scope", "payee", "one cent", "account", "remittance"],
)
def test_whatever_is_shown_is_in_the_hash(service_keys: FileKeys, changed: ChallengeContent):
    """With the very same nonce, one changed cent or letter is another hash."""

    def payload_hash(content: ChallengeContent) -> str:
        made = new_challenge(
            content, key=service_keys.challenge_key, token_bytes=lambda count: b"\7" * count
        )
        return challenge_hash(made.rsplit(".", 1)[0])

    assert payload_hash(CONTENT) == payload_hash(CONTENT) != payload_hash(changed)


def test_text_beyond_ascii_is_shown_as_it_is(service_keys: FileKeys):
    """Names and messages in any script survive to the letter."""
    content = replace(CONTENT, client_name="Bäckerei Ж", binding_message="日本 €5")
    shown = claims_of(challenge(service_keys, content))["display"]
    assert (shown["client"], shown["binding_message"]) == ("Bäckerei Ж", "日本 €5")
