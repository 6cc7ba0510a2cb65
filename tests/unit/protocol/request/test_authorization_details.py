"""authorization_details of a payment: all that the phone shows and signs (RFC 9396)."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.errors import InvalidAuthorizationDetailsError
from ciba_service.protocol.request.authorization_details import (
    BUILT_IN_TYPES,
    PAYMENT_INITIATION,
    AuthorizationDetails,
    PaymentInitiation,
    parse_authorization_details,
)

ALLOWED = frozenset({PAYMENT_INITIATION})
PAYMENT: dict[str, Any] = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "123.50"},
    "creditorName": "Merchant A",
    "creditorAccount": {"iban": "DE02100100109307118603"},
    "remittanceInformationUnstructured": "Ref Number Merchant",
}


def payment(**changed: Any) -> dict[str, Any]:
    """The payment, but for some members; None leaves one out."""
    return {name: value for name, value in {**PAYMENT, **changed}.items() if value is not None}


def read(value: object, allowed: frozenset[str] = ALLOWED) -> AuthorizationDetails:
    """The details of a client that registered these types."""
    return parse_authorization_details(value, types=BUILT_IN_TYPES, allowed=allowed)


def read_payment(value: object) -> PaymentInitiation:
    """The one payment of a request."""
    details = read(value)
    assert details.payment is not None
    assert details.displayed == ()
    assert details.strong_authentication
    (granted,) = details.granted
    assert granted.type == PAYMENT_INITIATION
    assert msgspec.json.decode(granted.json, type=PaymentInitiation) == details.payment
    return details.payment


def refuse(value: object, allowed: frozenset[str] = ALLOWED) -> None:
    """Hold that details are refused: 400 invalid_authorization_details."""
    with pytest.raises(InvalidAuthorizationDetailsError) as refused:
        read(value, allowed)
    assert refused.value.status_code == 400
    assert refused.value.error == "invalid_authorization_details"


@pytest.mark.parametrize("encode", [lambda details: details, json.dumps], ids=["array", "text"])
def test_a_payment_is_read_from_both_shapes_of_a_request(encode: Any):
    """An array in a request object and JSON text in a form say the same."""
    details = read_payment(encode([PAYMENT]))
    assert details.instructed_amount.amount == "123.50"
    assert details.instructed_amount.currency == "EUR"
    assert details.creditor_name == "Merchant A"
    assert details.creditor_account is not None
    assert details.creditor_account.iban == "DE02100100109307118603"
    assert details.remittance_information_unstructured == "Ref Number Merchant"


def test_no_details_are_no_payment():
    """The parameter may be absent; what a payment may leave out, it may leave out."""
    assert read(None) == AuthorizationDetails()
    lean = payment(creditorAccount=None, remittanceInformationUnstructured=None)
    assert read_payment([lean]).creditor_account is None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty-text"),
        pytest.param("[", id="broken-json"),
        pytest.param("null", id="null"),
        pytest.param(PAYMENT, id="object"),
        pytest.param(json.dumps(PAYMENT), id="object-as-text"),
        pytest.param([], id="empty"),
        pytest.param(["payment_initiation"], id="strings"),
        pytest.param([payment(type=None)], id="no-type"),
        pytest.param([payment(type=5)], id="type-a-number"),
        pytest.param(5, id="number"),
        pytest.param(True, id="boolean"),
        pytest.param("[" * 100_000, id="bottomless"),
        pytest.param(
            json.dumps([PAYMENT]).replace('"123.50"', '"1.00", "amount": "123.50"'),
            id="two-amounts",
        ),
    ],
)
@pytest.mark.clause("rfc9396-2-1")
def test_details_are_an_array_of_typed_objects(value: object):
    """Any other shape is refused."""
    refuse(value)


@pytest.mark.parametrize(
    "details",
    [
        pytest.param([payment(type="account_information")], id="unknown-type"),
        pytest.param([payment(unknown="field")], id="unknown-field"),
        pytest.param([payment(instructed_amount=1)], id="field-in-another-case"),
        pytest.param([payment(instructedAmount=None)], id="no-amount"),
        pytest.param([payment(creditorName=None)], id="no-payee"),
        pytest.param([payment(creditorName=5)], id="payee-a-number"),
        pytest.param([payment(creditorName="")], id="payee-empty"),
        pytest.param([payment(creditorName="x" * 71)], id="payee-too-long"),
        pytest.param([payment(instructedAmount="123.50 EUR")], id="amount-a-string"),
        pytest.param([payment(creditorAccount="DE02100100109307118603")], id="account-a-string"),
        pytest.param([payment(creditorAccount={"bban": "1"})], id="account-of-another-kind"),
        pytest.param(
            [payment(creditorAccount={"iban": "DE02100100109307118603", "bic": "X"})],
            id="account-with-more",
        ),
        pytest.param([payment(remittanceInformationUnstructured="x" * 141)], id="text-too-long"),
        pytest.param([payment(remittanceInformationUnstructured="")], id="text-empty"),
        pytest.param([PAYMENT, PAYMENT], id="two-payments"),
    ],
)
@pytest.mark.clause("rfc9396-5-1")
def test_unknown_types_fields_and_values_are_refused(details: list[dict[str, Any]]):
    """What the phone would not show cannot be asked for."""
    refuse(details)


@pytest.mark.clause("rfc9396-5-1")
@pytest.mark.parametrize(
    "amount",
    [
        *(123.5, 123, "", "-1", "+1", "1,50", "1.", ".5", "01", "1.5000", "1e3", "0", "0.00"),
        *("NaN", "1 000", "1\n", "\u0663", "9" * 16, None),
    ],
)
def test_an_amount_that_is_no_positive_decimal_is_refused(amount: Any):
    """Amounts are strings, unambiguous and above zero."""
    refuse([payment(instructedAmount={"currency": "EUR", "amount": amount})])


@pytest.mark.parametrize("amount", ["0.01", "1", "123.5", "1000000.999", "9" * 15])
def test_a_positive_decimal_is_an_amount(amount: str):
    """Up to fifteen digits and three decimals."""
    details = read_payment([payment(instructedAmount={"currency": "KWD", "amount": amount})])
    assert details.instructed_amount.amount == amount


@pytest.mark.clause("rfc9396-5-1")
@pytest.mark.parametrize(
    ("currency", "amount"),
    [("EUR", "1.500"), ("USD", "0.001"), ("JPY", "1.5"), ("KRW", "100.00"), ("XYZ", "1.234")],
)
def test_an_amount_has_no_more_decimals_than_its_currency(currency: str, amount: str):
    """ISO 4217: whoever reads 1.500 EUR may take it for fifteen hundred."""
    refuse([payment(instructedAmount={"currency": currency, "amount": amount})])


@pytest.mark.clause("rfc9396-5-1")
@pytest.mark.parametrize("currency", ["", "EU", "EURO", "eur", "€", "EUR\n", 978, None])
def test_a_currency_is_three_capital_letters(currency: Any):
    """ISO 4217 codes and nothing else."""
    refuse([payment(instructedAmount={"currency": currency, "amount": "1"})])


@pytest.mark.clause("rfc9396-5-1")
@pytest.mark.parametrize(
    "iban",
    [
        "DE02100100109307118604",
        "DE03100100109307118603",
        "DE02 1001 0010 9307 1186 03",
        "de02100100109307118603",
        "DE0210010010930711860\u0663",
        "DE02",
        "",
        "0202100100109307118603",
        "DE02" + "0" * 31,
        5,
    ],
)
def test_an_iban_has_the_right_check_digits(iban: Any):
    """A changed digit, spaces, small letters and impossible lengths are refused."""
    refuse([payment(creditorAccount={"iban": iban})])


@pytest.mark.parametrize(
    "iban", ["GB33BUKB20201555555555", "NO9386011117947", "MT31MALT01100000000000000000123"]
)
def test_ibans_of_other_countries_are_valid(iban: str):
    """Letters count in the check, and lengths differ."""
    assert read_payment([payment(creditorAccount={"iban": iban})])


@pytest.mark.clause("rfc9396-12-1")
@pytest.mark.parametrize("name", ["creditorName", "remittanceInformationUnstructured"])
@pytest.mark.parametrize(
    "text",
    [
        "Merchant\nB",
        "Merchant\x00",
        "Merchant\u202eB",
        "Merchant\u200bB",
        "Merchant\u2028B",
        "Merchant\ue000",
        " Merchant",
        "Merchant ",
        "\u00a0",
        "\x1b[2J",
        "\u3164",
        "\u2800",
        "Shop\u115f",
        "...",
        "Merch\u0430nt",
        "Merchant\U0001f600",
        "x\u0323\u0331\u0353\u035a",
    ],
    ids=ascii,
)
def test_a_text_that_could_deceive_is_refused(name: str, text: str):
    """Payee and remittance information are plain text: nothing hides, moves or looks empty."""
    refuse([payment(**{name: text})])


@pytest.mark.parametrize("name", ["creditorName", "remittanceInformationUnstructured"])
@pytest.mark.parametrize("text", ["Müller & Söhne", "RF18 5390/0754-7034", "株式会社", "Жук 5"])
def test_plain_text_in_any_script_is_accepted(name: str, text: str):
    """As it came."""
    details = read_payment([payment(**{name: text})])
    assert text in {details.creditor_name, details.remittance_information_unstructured}


def test_a_client_that_registered_no_payments_may_not_initiate_one():
    """The type must be registered for the client."""
    refuse([PAYMENT], frozenset())
    refuse([PAYMENT], frozenset({"account_information"}))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*PAYMENT]), inner),
    )
)
def test_reading_details_never_crashes(value: object):
    """Any JSON value is a payment, nothing, or one kind of refusal."""
    try:
        details = read(value)
    except InvalidAuthorizationDetailsError:
        return
    assert (details.payment is None) is (value is None)
