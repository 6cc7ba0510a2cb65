"""What clients ask: forms, signed requests and their parameters, and what headers say."""

from typing import Any
from urllib.parse import urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from ciba_service.protocol.client.assertion import Audiences, parse_assertion, verify_assertion
from ciba_service.protocol.client.metadata import register_client
from ciba_service.protocol.errors import InvalidRequestError, OAuth2Error
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json
from ciba_service.protocol.names import CLIENT_ASSERTION_TYPE
from ciba_service.protocol.plain_text import NotPlainTextError, parse_plain_text
from ciba_service.protocol.request.authentication_request import parse_authentication_request
from ciba_service.protocol.request.authorization_details import BUILT_IN_TYPES
from ciba_service.protocol.request.authorization_details.parsing import parse_authorization_details
from ciba_service.protocol.request.claims_parameter import parse_claims
from ciba_service.protocol.request.form import MAXIMUM_PARAMETERS, parse_form
from ciba_service.protocol.request.hints import IdentifierKind, parse_login_hint
from ciba_service.protocol.request.preference import preferred_wait
from ciba_service.protocol.resource.interaction import sent_interaction_id
from ciba_service.protocol.tokens.dpop.authorization import parse_authorization
from ciba_service.protocol.transaction.identifiers import parse_auth_req_id
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, altered, any_text, compact, damaged, documents, outcome
from tests.wire.client import WireClient
from tests.wire.signing import sign

ISSUER, NOW = "https://bank.example", 1_000_000
PAYMENT: dict[str, Any] = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.30"},
    "creditorName": "Shop",
    "creditorAccount": {"iban": "DE89370400440532013000"},
    "remittanceInformationUnstructured": "Order 7",
}
ACCESS: dict[str, Any] = {
    "type": "account_information",
    "access": {"accounts": [{"iban": "DE89370400440532013000"}]},
    "recurringIndicator": True,
    "validUntil": "2026-12-01",
}
DETAILS = [PAYMENT, ACCESS]
TYPES = sorted(BUILT_IN_TYPES.names)
TILL = WireClient("till", metadata={"authorization_details_types": TYPES})
CLIENT = register_client(TILL.registration())
REQUEST: dict[str, Any] = {
    "iss": "till",
    "aud": [ISSUER],
    "exp": NOW + 60,
    "iat": NOW,
    "nbf": NOW,
    "jti": "j1",
    "scope": "openid profile",
    "login_hint": "alice",
    "binding_message": "W4SCT",
    "acr_values": "a b",
    "requested_expiry": 120,
    "client_notification_token": "abc.def",
    "user_code": "1234",
    "authorization_details": [PAYMENT],
    "claims": {"id_token": {"acr": {"essential": True, "values": ["a"]}, "sub": {"value": "x"}}},
    "request_context": {"user": {"id": "x"}, "os": ["linux"]},
    "resource": "https://api.example",
}
ASSERTION = {
    name: value for name, value in REQUEST.items() if name in {"iss", "aud", "exp", "iat", "jti"}
} | {"sub": "till"}
FORM = urlencode({"client_id": "a b", "request": "é%&=", "empty": "", "n": "+"}).encode()
AUDIENCES = Audiences(ISSUER, frozenset({f"{ISSUER}/token"}))


@fuzzed
@given(
    st.one_of(
        RAW,
        damaged(FORM),
        any_text.map(lambda text: urlencode({text: text}, errors="replace").encode()),
    )
)
@example(b"&" * 100_000)
@example(b"a=" + b"%41" * 30_000)
@example(b"%" * 100_000)
def test_a_form_means_what_it_says_or_is_refused(body: bytes) -> None:
    """What was read is written so that it reads as the same."""
    form = outcome(parse_form, InvalidRequestError)(body)
    if form is not None:
        assert len(form) <= MAXIMUM_PARAMETERS
        assert parse_form(urlencode(form).encode()) == form


def _asked(claims: object) -> Any:
    """What comes of a request object with these claims, signed by its client."""
    payload = claims if isinstance(claims, bytes) else compact(claims)
    read = outcome(parse_authentication_request, OAuth2Error)
    return read(
        {"request": sign(TILL.header(), payload, TILL.key)}, client=CLIENT, issuer=ISSUER, now=NOW
    )


@fuzzed
@given(documents(REQUEST))
@example(compact(REQUEST | {"requested_expiry": 10**4_000}))
@example(compact(REQUEST | {"requested_expiry": 1e300}))
@example(compact(REQUEST | {"exp": 10**400, "nbf": 10**400}))
def test_a_signed_request_is_understood_or_refused(payload: bytes) -> None:
    """A client may sign what it likes: it is answered with an error of the protocol."""
    asked = _asked(payload)
    if asked is not None:
        assert set(asked.scope) <= {"openid", "profile"}
        assert asked.requested_expiry is None or asked.requested_expiry > 0


def test_the_request_that_is_altered_here_is_a_good_one() -> None:
    """Otherwise whatever is put into it would be refused for another reason."""
    good = {name: value for name, value in REQUEST.items() if name != "resource"}
    assert _asked(good).details.payment.creditor_name == "Shop"


@fuzzed
@given(st.one_of(altered(DETAILS), altered([PAYMENT]), altered([ACCESS]), any_text))
@example([PAYMENT | {"creditorName": "a\ud800"}])
@example([ACCESS | {"access": {"accounts": [{"iban": "DE89370400440532013000"}] * 2_000}}])
def test_details_are_granted_as_they_were_asked_or_refused(value: object) -> None:
    """What would be granted is what was asked, member for member, and it is shown."""
    if not isinstance(value, str):
        value = outcome(parse_json, MalformedEncodingError)(compact(value))
    read = outcome(parse_authorization_details, OAuth2Error)
    details = read(value, types=BUILT_IN_TYPES, allowed=frozenset(TYPES))
    if details is not None and isinstance(value, list):
        granted = [parse_json(detail.json.encode()) for detail in details.granted]
        assert granted == [{k: v for k, v in each.items() if v is not None} for each in value]


@fuzzed
@given(st.one_of(altered(REQUEST["claims"]), any_text, documents(REQUEST["claims"]).map(repr)))
def test_single_claims_are_understood_or_refused(value: object) -> None:
    """Whatever a client wants of a claim, it is a wish or a malformed request."""
    outcome(parse_claims, InvalidRequestError)(value)


@fuzzed
@given(documents(ASSERTION))
@example(compact(ASSERTION | {"exp": 1e308}))
def test_an_assertion_of_any_content_is_verified_or_refused(payload: bytes) -> None:
    """A signature does not make claims that are no claims count."""
    assertion = sign(TILL.header(), payload, TILL.key)
    form = {"client_assertion": assertion, "client_assertion_type": CLIENT_ASSERTION_TYPE}
    presented = outcome(parse_assertion, OAuth2Error)(form)
    if presented is not None:
        verify = outcome(verify_assertion, OAuth2Error)
        verified = verify(presented, client=CLIENT, audiences=AUDIENCES, now=NOW)
        assert verified is None or NOW < verified.expires_at <= NOW + 310


@fuzzed
@given(any_text)
@example("a" * 64 + "@" + "a." * 5_000)
@example("+" + "1" * 100_000)
@example("ciba-handle:" + "A" * 22)
def test_a_login_hint_names_somebody_in_one_spelling(text: str) -> None:
    """Reading the name again finds the same; no text at all is refused or takes long."""
    named = parse_login_hint(text)
    if named.kind in {IdentifierKind.EMAIL, IdentifierKind.PHONE_NUMBER}:
        assert parse_login_hint(named.value) == named


@fuzzed
@given(any_text)
@example("\u202e" * 70)
def test_a_plain_text_has_nothing_that_is_not_seen(text: str) -> None:
    """What is accepted is accepted again, and can be written as UTF-8."""
    plain = outcome(parse_plain_text, NotPlainTextError)(text)
    if plain is not None:
        assert parse_plain_text(plain.encode().decode()) == plain


HEADERS = st.lists(st.one_of(any_text, RAW.map(lambda data: data.decode("latin-1"))), max_size=3)


@fuzzed
@given(
    st.one_of(
        HEADERS,
        st.lists(
            damaged(b'respond-async, wait="10"; a=b').map(lambda data: data.decode("latin-1"))
        ),
    )
)
@example(["wait=" + "9" * 100_000])
@example([" " * 50_000 + "wait" + " " * 50_000 + "x"])
@example(["," * 100_000])
def test_a_preference_is_a_number_of_seconds_or_none(lines: list[str]) -> None:
    """``Prefer`` is a wish: whatever is wrong with it, it is ignored (RFC 7240 2)."""
    wait = preferred_wait(lines)
    assert wait is None or 0 <= wait < 10**9


@fuzzed
@given(HEADERS)
@example(["Bearer " + " " * 100_000 + "a"])
@example(["DPoP " + "a" * 100_000])
def test_a_presented_token_is_well_formed_or_refused(lines: list[str]) -> None:
    """Of an ``Authorization`` header comes a token of bounded length, or a refusal."""
    token = outcome(parse_authorization, InvalidRequestError)(lines)
    assert token is None or (token.text.isascii() and len(token.text) <= 8_192)


@fuzzed
@given(HEADERS)
def test_an_interaction_id_is_repeated_only_when_it_is_one(lines: list[str]) -> None:
    """Nothing but 36 characters of a UUID is ever sent back."""
    sent = sent_interaction_id(lines)
    assert sent is None or (len(sent) == 36 and sent.isascii())


@fuzzed
@given(any_text)
def test_an_auth_req_id_is_one_or_none(text: str) -> None:
    """Only what could have been issued is looked for."""
    found = parse_auth_req_id(text)
    assert found is None or found.value == text
