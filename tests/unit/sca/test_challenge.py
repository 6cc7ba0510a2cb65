"""What the user sees before approving: final text and typed fields, signed, the same everywhere."""

import base64
import json
import secrets
from dataclasses import replace

import msgspec
import pytest

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet, parse_verification_key
from ciba_service.protocol.jose.verification import parse_jws, verify_jws
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.authorization_details import (
    BUILT_IN_TYPES,
    AccountReference,
    AuthorizationDetails,
    InstructedAmount,
    MemberDisplay,
    PaymentInitiation,
    TypeDeclaration,
    detail_types,
    parse_authorization_details,
)
from ciba_service.sca.challenge import ChallengeContent, new_challenge, shows_lasting_access
from ciba_service.sca.messages import CHALLENGE_TYP, ChallengeOffered, Factor, challenge_hash
from ciba_service.stores.service_keys.key_files import FileKeys
from tests.unit.sca.conftest import ISSUER
from tests.wire.signing import claims_of, header_of

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
    details=AuthorizationDetails(payment=PAYMENT),
    factors=(Factor.DEVICE_KEY, Factor.PIN),
    issued_at=1_795_230_000,
    expires_at=1_795_230_180,
    locale=Locale.EN,
)


def paying(payment: PaymentInitiation | None) -> ChallengeContent:
    """The same, about another payment or none."""
    return replace(CONTENT, details=AuthorizationDetails(payment=payment))


def informing(*objects: dict[str, object]) -> ChallengeContent:
    """The same, about other details."""
    names = BUILT_IN_TYPES.names
    details = parse_authorization_details(list(objects), types=BUILT_IN_TYPES, allowed=names)
    return replace(CONTENT, details=details)


def challenge(keys: FileKeys, content: ChallengeContent = CONTENT) -> str:
    """A challenge over some content."""
    made = new_challenge(content, token_bytes=secrets.token_bytes)
    return keys.challenge_signer.key.sign(typ=CHALLENGE_TYP, claims=made)


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
    content = paying(msgspec.structs.replace(PAYMENT, creditor_name=name))
    shown = claims_of(challenge(service_keys, content))["display"]
    assert (shown["payee"], shown["payee_account"]) == (name, "DE89 3704 0044 0532 0130 00")


def test_a_payee_without_account_is_shown_by_name(service_keys: FileKeys):
    """Where no IBAN was asked for, none is shown or signed."""
    payment = PaymentInitiation(InstructedAmount("JPY", "1200"), "Corner Shop Ltd")
    claims = claims_of(challenge(service_keys, paying(payment)))
    assert claims["display"] == {
        "title": "Confirm payment",
        "client": "Corner Shop",
        "shares": ["Your identity", "Your name and profile", "Access: accounts:read"],
        "binding_message": "W4SCT",
        "amount": "1,200 JPY",
        "payee": "Corner Shop Ltd",
    }
    assert claims["payments"] == [
        {"amount": "1200", "currency": "JPY", "creditor_name": "Corner Shop Ltd"}
    ]


def test_a_sign_in_shows_no_money(service_keys: FileKeys):
    """Members that are absent are left out, never null."""
    content = replace(paying(None), binding_message=None, scope=("openid",))
    claims = claims_of(challenge(service_keys, content))
    assert claims["display"] == {
        "title": "Confirm sign-in",
        "client": "Corner Shop",
        "shares": ["Your identity"],
    }
    assert not {"payments", "authorization_details"} & claims.keys()


@pytest.mark.clause("oidc-16.18-1")
def test_access_that_lasts_is_shown(service_keys: FileKeys):
    """Beside what the scope shares, and only where there will be such access."""
    content = replace(paying(None), scope=("openid",))
    for lasts, more in ((False, []), (True, ["Lasting access, without asking you again"])):
        token = challenge(service_keys, replace(content, lasts=lasts))
        assert claims_of(token)["display"]["shares"] == ["Your identity", *more]
        assert shows_lasting_access(token) is lasts


ACCOUNTS = {
    "type": "account_information",
    "actions": ["read_balances", "list_accounts"],
    "accounts": [{"iban": IBAN}],
}
SHOWN_ACCOUNTS = {
    "title": "Account information",
    "lines": [
        {
            "member": "actions",
            "label": "Will be shared",
            "texts": ["Balances", "The list of accounts"],
            "worded": True,
        },
        {
            "member": "accounts.iban",
            "label": "Accounts",
            "texts": ["DE89 3704 0044 0532 0130 00"],
        },
    ],
}


@pytest.mark.clause("rfc9396-3-1")
def test_account_information_is_shown_with_the_scope(service_keys: FileKeys):
    """What will be shared of which accounts, beside what the scope means, and as typed data."""
    claims = claims_of(challenge(service_keys, informing(ACCOUNTS)))
    assert claims["display"] == {
        "title": "Confirm access",
        "client": "Corner Shop",
        "shares": ["Your identity", "Your name and profile", "Access: accounts:read"],
        "binding_message": "W4SCT",
        "details": [SHOWN_ACCOUNTS],
    }
    assert claims["authorization_details"] == [ACCOUNTS]
    assert "payments" not in claims


def test_a_payment_among_other_details_stays_the_title(service_keys: FileKeys):
    """It has its own members; the others stand in the order of the request."""
    narrow = {"type": "account_information", "actions": ["read_transactions"]}
    payment = json.loads(msgspec.json.encode(PAYMENT))
    claims = claims_of(challenge(service_keys, informing(narrow, payment, ACCOUNTS)))
    assert claims["display"]["title"] == "Confirm payment"
    assert claims["display"]["amount"] == "12.50 EUR"
    assert claims["display"]["details"][0]["lines"][1]["texts"] == ["All your accounts"]
    assert claims["display"]["details"][1] == SHOWN_ACCOUNTS
    assert claims["authorization_details"] == [narrow, ACCOUNTS]
    assert len(claims["payments"]) == 1


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
            paying(msgspec.structs.replace(PAYMENT, **{name: value}))
            for name, value in {
                "creditor_name": "Corner Shop Inc",
                "instructed_amount": InstructedAmount("EUR", "12.51"),
                "creditor_account": None,
                "remittance_information_unstructured": "Invoice 4712",
            }.items()
        ),
        informing(ACCOUNTS),
        informing({**ACCOUNTS, "actions": ["list_accounts"]}),
    ],
    ids=[
        *("client", "binding message", "scope", "payee", "one cent", "account", "remittance"),
        *("details", "fewer details"),
    ],
)
def test_whatever_is_shown_is_in_the_hash(service_keys: FileKeys, changed: ChallengeContent):
    """With the very same nonce, one changed cent or letter is another hash."""

    def payload_hash(content: ChallengeContent) -> str:
        made = new_challenge(content, token_bytes=lambda count: b"\7" * count)
        signed = service_keys.challenge_signer.key.sign(typ=CHALLENGE_TYP, claims=made)
        return challenge_hash(signed.rsplit(".", 1)[0])

    assert payload_hash(CONTENT) == payload_hash(CONTENT) != payload_hash(changed)


def test_text_beyond_ascii_is_shown_as_it_is(service_keys: FileKeys):
    """Names and messages in any script survive to the letter."""
    content = replace(CONTENT, client_name="Bäckerei Ж", binding_message="日本 €5")
    shown = claims_of(challenge(service_keys, content))["display"]
    assert (shown["client"], shown["binding_message"]) == ("Bäckerei Ж", "日本 €5")


def test_the_largest_challenge_fits_into_one_frame(service_keys: FileKeys):
    """Whatever clients may write and operators may declare: 16 KiB, as a socket carries it."""
    wide = "\U00020000"
    rules = (
        MemberDisplay(member="a", label="A"),
        MemberDisplay(member="b", label="B", words={"1": wide * 100}),
    )
    declared = TypeDeclaration(
        type="t", title="T", schema={"properties": {"type": {}, "a": {}, "b": {}}}, display=rules
    )
    types = detail_types([declared])
    payment = {
        "type": "payment_initiation",
        "instructedAmount": {"currency": "BHD", "amount": "9" * 15 + ".999"},
        "creditorName": wide * 70,
        "creditorAccount": {"iban": "MT31MALT01100000000000000000123"},
        "remittanceInformationUnstructured": wide * 140,
    }
    other = {"type": "t", "a": [wide * 140] * 3 + [wide * 50], "b": [1] * 5}
    details = parse_authorization_details([payment, other], types=types, allowed=types.names)
    assert sum(len(each.json.encode()) for each in details.granted) > 3000 - 100
    content = replace(
        CONTENT,
        client_name=wide * 256,
        binding_message=wide * 100,
        details=details,
        scope=tuple(f"scope-number-{number}" for number in range(10)),
    )
    frame = msgspec.json.encode(ChallengeOffered(challenge(service_keys, content)))
    assert 13_500 < len(frame) <= 16_384
