"""Details of declared types: all that they state is shown, or they are refused (RFC 9396)."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.errors import InvalidAuthorizationDetailsError
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.authorization_details import (
    BUILT_IN_TYPES,
    AuthorizationDetails,
    DetailTypes,
    DisplayedLine,
    DisplayedTexts,
    MemberDisplay,
    Style,
    TypeDeclaration,
    detail_types,
    displayed_details,
    parse_authorization_details,
)
from tests.unit.protocol.request.test_authorization_details import PAYMENT

IBAN, OTHER_IBAN = "DE02100100109307118603", "GB33BUKB20201555555555"
ACCOUNTS: dict[str, Any] = {
    "type": "account_information",
    "actions": ["list_accounts", "read_balances"],
    "accounts": [{"iban": IBAN}, {"iban": OTHER_IBAN}],
}
# A schema that allows nearly anything: what is refused under it is refused for not being shown.
LOOSE = TypeDeclaration(
    type="loose",
    title="Anything",
    schema={"properties": {"type": {}, "a": {}, "b": {}}},
    display=(
        MemberDisplay(member="b.c", label="Third"),
        MemberDisplay(member="a", label="First"),
        MemberDisplay(member="b", label="Second", words={"yes": "Certainly", "true": "Truly"}),
    ),
    strong_authentication=False,
)
SECOND = msgspec.structs.replace(LOOSE, type="second", strong_authentication=True)
TYPES = detail_types([LOOSE, SECOND])


def read(*objects: object, types: DetailTypes = TYPES) -> AuthorizationDetails:
    """The details of a client that registered every type."""
    return parse_authorization_details(list(objects), types=types, allowed=types.names)


def lines(**members: Any) -> list[tuple[str, tuple[str, ...], bool]]:
    """Labels, texts and whether they are words, for an object of the loose type."""
    (displayed,) = read({"type": "loose", **members}).displayed
    texts = displayed.texts[Locale.EN]
    assert texts.title == "Anything"
    assert displayed.texts == dict.fromkeys(Locale, texts)
    return [(line.label, line.texts, line.worded) for line in texts.lines]


def refuse(*objects: object, types: DetailTypes = TYPES) -> None:
    """Hold that details are refused: 400 invalid_authorization_details."""
    with pytest.raises(InvalidAuthorizationDetailsError) as refused:
        read(*objects, types=types)
    assert (refused.value.status_code, refused.value.error) == (
        400,
        "invalid_authorization_details",
    )


@pytest.mark.clause("rfc9396-2-1", "rfc9396-3-1")
@pytest.mark.parametrize("encode", [lambda details: details, json.dumps], ids=["array", "text"])
def test_account_information_is_read_and_said(encode: Any):
    """What will be shared stands in words, each account in groups of four; all is granted."""
    details = parse_authorization_details(
        encode([ACCOUNTS]), types=BUILT_IN_TYPES, allowed=frozenset({"account_information"})
    )
    (displayed,) = details.displayed
    groups = ("DE02 1001 0010 9307 1186 03", "GB33 BUKB 2020 1555 5555 55")
    shared = ("The list of accounts", "Balances")
    assert displayed.texts[Locale.EN] == DisplayedTexts(
        "Account information",
        (
            DisplayedLine("actions", "Will be shared", shared, worded=True),
            DisplayedLine("accounts.iban", "Accounts", groups, worded=False),
        ),
    )
    shared = ("Die Liste der Konten", "Kontostände")
    assert displayed.texts[Locale.DE] == DisplayedTexts(
        "Kontoinformationen",
        (
            DisplayedLine("actions", "Wird weitergegeben", shared, worded=True),
            DisplayedLine("accounts.iban", "Konten", groups, worded=False),
        ),
    )
    assert details.granted == (displayed.detail,)
    assert displayed.detail.type == "account_information"
    assert json.loads(displayed.detail.json) == ACCOUNTS
    assert json.loads(bytes(displayed.detail.stated)) == ACCOUNTS
    assert IBAN not in repr(details.granted)
    assert details.payment is None
    assert details.strong_authentication


def test_what_it_means_that_no_account_is_named_is_said():
    """All accounts are meant then, and the user is told so."""
    (displayed,) = read({"type": "account_information", "actions": ["read_transactions"]}).displayed
    for locale, expected in (
        (Locale.EN, [("Transactions",), ("All your accounts",)]),
        (Locale.DE, [("Umsätze",), ("Alle Ihre Konten",)]),
    ):
        said = displayed.texts[locale].lines
        assert [line.texts for line in said] == expected
        assert all(line.worded for line in said)


@pytest.mark.clause("rfc9396-5-1")
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"actions": None}, id="no-actions"),
        pytest.param({"actions": []}, id="empty-actions"),
        pytest.param({"actions": ["close_accounts"]}, id="unknown-action"),
        pytest.param({"actions": ["list_accounts", "list_accounts"]}, id="action-twice"),
        pytest.param({"actions": "list_accounts"}, id="actions-a-text"),
        pytest.param({"actions": [["list_accounts"]]}, id="actions-nested"),
        pytest.param({"accounts": []}, id="empty-accounts"),
        pytest.param({"accounts": [IBAN]}, id="accounts-texts"),
        pytest.param({"accounts": [{"iban": IBAN[:-1] + "4"}]}, id="wrong-check-digits"),
        pytest.param({"accounts": [{"iban": "DE02 1001 0010 9307 1186 03"}]}, id="iban-spaced"),
        pytest.param({"accounts": [{"iban": 5}]}, id="iban-a-number"),
        pytest.param({"accounts": [{"bban": IBAN}]}, id="account-of-another-kind"),
        pytest.param({"accounts": [{"iban": IBAN, "bic": "X"}]}, id="account-with-more"),
        pytest.param({"accounts": [{}]}, id="account-with-nothing"),
        pytest.param({"accounts": [{"iban": IBAN}] * 2}, id="account-twice"),
        pytest.param({"validUntil": "2030-01-01"}, id="unknown-member"),
        pytest.param({"Actions": ["list_accounts"]}, id="member-in-another-case"),
    ],
)
def test_account_information_is_read_strictly(changed: dict[str, Any]):
    """Unknown members, wrong types and values, and missing ones are refused."""
    members = {**ACCOUNTS, **changed}
    refuse({name: value for name, value in members.items() if value is not None})


@pytest.mark.clause("rfc9396-5-1")
def test_a_type_must_be_known_and_registered_by_the_client():
    """Neither is enough without the other, and every object counts."""
    refuse({"type": "unheard_of"})
    names = frozenset({"unheard_of", "payment_initiation"})
    for sent in ([{"type": "unheard_of"}], [ACCOUNTS], [PAYMENT, ACCOUNTS]):
        with pytest.raises(InvalidAuthorizationDetailsError):
            parse_authorization_details(sent, types=TYPES, allowed=names)


def test_every_value_is_shown_under_its_label():
    """In the order of the rules; integers and booleans as JSON writes them, or in words."""
    assert lines(a="Text 5", b="yes") == [
        ("First", ("Text 5",), False),
        ("Second", ("Certainly",), True),
    ]
    assert lines(a=[5, -2, True, "x"], b=True) == [
        ("First", ("5", "-2", "true", "x"), False),
        ("Second", ("Truly",), True),
    ]
    assert lines(b={"c": "x"}) == [("Third", ("x",), False)]
    assert lines(b=[{"c": "x"}, {"c": False}]) == [("Third", ("x", "false"), False)]
    assert lines(b=["yes", {"c": "x"}, "yes"]) == [
        ("Third", ("x",), False),
        ("Second", ("Certainly", "Certainly"), True),
    ]
    assert lines(a=2**53 - 1) == [("First", ("9007199254740991",), False)]
    assert lines() == []


@pytest.mark.clause("rfc9396-5-1")
@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"c": "x"}, id="member-without-a-rule"),
        pytest.param({"a": {"x": "y"}}, id="deeper-member-without-a-rule"),
        pytest.param({"b": {"c": {"d": "x"}}}, id="below-a-rule"),
        pytest.param({"b.c": "x"}, id="a-name-like-a-path"),
        pytest.param({"b": {"": "x"}}, id="a-name-that-is-empty"),
        pytest.param({"b": "no"}, id="no-words-for-it"),
        pytest.param({"a": None}, id="null"),
        pytest.param({"a": []}, id="empty-list"),
        pytest.param({"a": {}}, id="empty-object"),
        pytest.param({"a": [{}]}, id="empty-object-in-a-list"),
        pytest.param({"a": [["x"]]}, id="list-of-lists"),
        pytest.param({"b": [{"c": ["x"]}]}, id="list-in-an-object-in-a-list"),
        pytest.param({"b": [{"c": "x", "d": "y"}]}, id="list-of-objects-of-two-values"),
        pytest.param({"a": 1.5}, id="fraction"),
        pytest.param({"a": 1e400}, id="infinite"),
        pytest.param({"a": 2**53}, id="integer-that-readers-see-differently"),
        pytest.param({"a": "x" * 141}, id="text-too-long"),
        pytest.param({"a": ""}, id="text-empty"),
    ],
)
def test_what_could_not_be_shown_as_it_is_is_refused(members: dict[str, Any]):
    """Whatever the schema allows, nothing reaches a token that the user could not see."""
    refuse({"type": "loose", **members})


@pytest.mark.clause("rfc9396-12-1")
@pytest.mark.parametrize(
    "text",
    ["two\nlines", "\x1b[2J", "a\u202eb", "zero\u200bwidth", " x", "x  y", "p\u0430ypal", "\u3164"],
    ids=ascii,
)
def test_a_text_that_could_deceive_is_refused(text: str):
    """What clients write is plain text wherever it is shown, in lists and objects too."""
    refuse({"type": "loose", "a": text})
    refuse({"type": "loose", "a": ["x", text]})
    refuse({"type": "loose", "b": {"c": text}})


def nested(levels: int) -> dict[str, Any]:
    """A value below so many names."""
    members: Any = "x"
    for _ in range(levels):
        members = {"a": members}
    return {"type": "deep", **members}


def test_objects_are_bounded_in_depth():
    """Eight names lead to a value at most; ever so many are refused, not followed."""
    schema = {"properties": {"type": {}, "a": {}}}
    rules = (MemberDisplay(member=".".join("a" * 8), label="Deep"),)
    types = detail_types([TypeDeclaration(type="deep", title="D", schema=schema, display=rules)])
    assert read(nested(8), types=types).displayed
    for levels in (7, 9, 900):
        refuse(nested(levels), types=types)
    refuse({"type": "deep", "a": json.loads("[" * 900 + "]" * 900)}, types=types)


def test_objects_are_bounded_in_number():
    """Ten at most, and at least one."""
    assert len(read(*[{"type": "loose", "a": str(each)} for each in range(10)]).granted) == 10
    refuse(*[{"type": "loose", "a": str(each)} for each in range(11)])
    refuse()


def test_objects_are_bounded_in_size():
    """3072 bytes of JSON together, whatever the schemas allow."""
    filled = [{"type": "loose", "a": ["x" * 140] * 6} for _ in range(3)]
    size = sum(len(msgspec.json.encode(each)) for each in filled)
    room = "x" * (3072 - size - len(msgspec.json.encode({"type": "loose", "a": [""]})))
    texts = [room[start : start + 100] for start in range(0, len(room), 103)]
    exact = {"type": "loose", "a": texts}
    total = size + len(msgspec.json.encode(exact))
    assert 3060 < total <= 3072
    assert read(*filled, exact)
    refuse(*filled, {"type": "loose", "a": [*texts, "x" * 20]})
    refuse({"type": "loose", "a": "x", "c": "x" * 4000})


def test_objects_that_cannot_be_written_are_refused():
    """Nested beyond bounds, or with half a character in it."""
    refuse({"type": "loose", "a": json.loads("[" * 900 + "]" * 900)})
    refuse({"type": "loose", "a": nested(100_000)})
    refuse({"type": "loose", "a": "\ud800"})


def test_what_is_shown_is_bounded_in_size():
    """4096 bytes of JSON together, since words may be longer than what they stand for."""
    words = {str(each): "w" * 140 for each in range(10)}
    wordy = msgspec.structs.replace(
        LOOSE, display=(*LOOSE.display[:2], MemberDisplay(member="b", label="B", words=words))
    )
    types = detail_types([wordy])
    assert read({"type": "loose", "b": ["1"] * 27}, types=types)
    refuse({"type": "loose", "b": ["1"] * 29}, types=types)


def test_there_is_one_payment_at_most_among_them():
    """It may stand with others; all are granted in the order of the request."""
    loose = {"type": "loose", "a": "x"}
    details = read(loose, PAYMENT, ACCOUNTS)
    assert [json.loads(each.json) for each in details.granted] == [loose, PAYMENT, ACCOUNTS]
    assert [each.detail.type for each in details.displayed] == ["loose", "account_information"]
    assert details.payment is not None
    refuse(PAYMENT, loose, PAYMENT)


def test_types_say_whether_they_need_strong_authentication():
    """One that does is enough; payments always do."""
    loose = {"type": "loose", "a": "x"}
    assert not read(loose).strong_authentication
    assert read(loose, {"type": "second"}).strong_authentication
    assert read(loose, PAYMENT).strong_authentication


def test_the_reason_of_a_refusal_names_the_rule_and_not_the_value():
    """What was sent may be personal: it is not for logs."""
    with pytest.raises(InvalidAuthorizationDetailsError) as refused:
        read({**ACCOUNTS, "actions": ["secret"]})
    assert str(refused.value.__cause__) == (
        "account_information: not as in properties/actions/items/enum"
    )


def test_what_was_granted_is_shown_again_as_it_was():
    """In the words in which it was approved."""
    details = read(ACCOUNTS, {"type": "loose", "a": "text"})
    assert displayed_details(details.granted, TYPES) == details.displayed


@pytest.mark.parametrize("change", ["gone", "stricter"])
def test_what_cannot_be_shown_any_more_is_told_by_its_type(change: str):
    """When the operator has removed or changed a type, nothing is hidden and nothing fails."""
    details = read({"type": "loose", "a": "text"})
    without_a = msgspec.structs.replace(
        LOOSE, schema={"properties": {"type": {}, "b": {}}}, display=LOOSE.display[2:]
    )
    types = BUILT_IN_TYPES if change == "gone" else detail_types([without_a])
    (shown,) = displayed_details(details.granted, types)
    assert shown.detail == details.granted[0]
    assert shown.texts == dict.fromkeys(Locale, DisplayedTexts("loose", ()))


def test_a_pattern_takes_time_in_proportion():
    """One that would send other engines around for ever is answered at once."""
    schema = {
        "properties": {"type": {}, "a": {"type": "string", "pattern": "^(a|a)*(a|a)*(a|a)*$"}}
    }
    rules = (MemberDisplay(member="a", label="A"),)
    types = detail_types([TypeDeclaration(type="t", title="T", schema=schema, display=rules)])
    assert read({"type": "t", "a": "a" * 100}, types=types)
    refuse({"type": "t", "a": "a" * 3_000 + "!"}, types=types)


def test_an_account_number_of_a_declared_type_has_its_check_digits():
    """The style stands for the number itself, whatever the schema says."""
    schema = {"properties": {"type": {}, "to": {"type": "string"}}}
    rules = (MemberDisplay(member="to", label="To", style=Style.IBAN),)
    types = detail_types([TypeDeclaration(type="t", title="T", schema=schema, display=rules)])
    (displayed,) = read({"type": "t", "to": IBAN}, types=types).displayed
    assert displayed.texts[Locale.EN].lines[0].texts == ("DE02 1001 0010 9307 1186 03",)
    refuse({"type": "t", "to": IBAN[:-1] + "4"}, types=types)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc."), inner),
    )
)
def test_whatever_is_granted_is_shown(value: object):
    """Any value at all is refused, or every value in it has its text on the phone."""
    try:
        (displayed,) = read({"type": "loose", "a": value, "b": {"c": value}}).displayed
    except InvalidAuthorizationDetailsError:
        return
    values = value if isinstance(value, list) else [value]
    written = tuple(each if isinstance(each, str) else json.dumps(each) for each in values)
    for texts in displayed.texts.values():
        assert [line.texts for line in texts.lines] == [written, written]
