"""What a token request may ask for: details that were granted, and nothing else (RFC 9396 6)."""

import json
from typing import Any

import pytest

from ciba_service.protocol.errors import InvalidAuthorizationDetailsError
from ciba_service.protocol.request.authorization_details import (
    AuthorizationDetail,
    narrowed_details,
)

ACCOUNTS: dict[str, Any] = {"type": "account_information", "actions": ["list_accounts"]}
CONSENT: dict[str, Any] = {"type": "consent", "count": 1, "sure": True}
GRANTED = tuple(AuthorizationDetail(each["type"], json.dumps(each)) for each in (ACCOUNTS, CONSENT))


def test_who_asks_for_nothing_gets_all_that_was_granted():
    """The parameter may be absent."""
    assert narrowed_details(None, GRANTED) == GRANTED
    assert narrowed_details(None, ()) == ()


@pytest.mark.parametrize(
    ("requested", "narrowed"),
    [
        ([ACCOUNTS], GRANTED[:1]),
        ([CONSENT], GRANTED[1:]),
        ([CONSENT, ACCOUNTS], GRANTED),
        ([CONSENT, CONSENT], GRANTED[1:]),
        ([dict(reversed(CONSENT.items()))], GRANTED[1:]),
    ],
)
def test_details_may_be_narrowed(requested: object, narrowed: tuple[AuthorizationDetail, ...]):
    """To some of the objects, each whole, whatever the order of its members."""
    assert narrowed_details(requested, GRANTED) == narrowed
    assert narrowed_details(json.dumps(requested), GRANTED) == narrowed


def test_details_that_were_granted_twice_stay_so():
    """A text that stands for two objects means both."""
    assert narrowed_details([ACCOUNTS], (*GRANTED, GRANTED[0])) == (GRANTED[0], GRANTED[0])


def test_a_payment_grant_is_issued_whole():
    """In whatever order it is asked for; what was left out could never be had."""
    payment = AuthorizationDetail("payment_initiation", '{"type":"payment_initiation","a":"1"}')
    members = json.loads(payment.json)
    granted = (GRANTED[0], payment)
    assert narrowed_details(None, granted) == granted
    assert narrowed_details([members, ACCOUNTS], granted) == granted
    for less in ([ACCOUNTS], [members], [ACCOUNTS, {**members, "a": "2"}]):
        with pytest.raises(InvalidAuthorizationDetailsError):
            narrowed_details(less, granted)


@pytest.mark.parametrize(
    "requested",
    [
        pytest.param([{**ACCOUNTS, "actions": ["read_balances"]}], id="another-action"),
        pytest.param([{**ACCOUNTS, "actions": []}], id="less-of-an-object"),
        pytest.param([ACCOUNTS, {"type": "payment_initiation"}], id="one-too-many"),
        pytest.param([{**CONSENT, "count": True}], id="true-is-not-one"),
        pytest.param([{**CONSENT, "count": 1.0}], id="another-number"),
        pytest.param([], id="empty"),
        pytest.param("[", id="broken"),
        pytest.param("\ud800", id="not-to-be-written"),
        pytest.param(ACCOUNTS, id="object"),
        pytest.param(["consent"], id="texts"),
    ],
)
def test_details_are_never_widened(requested: object):
    """Whatever was not granted to the letter is refused."""
    with pytest.raises(InvalidAuthorizationDetailsError) as refused:
        narrowed_details(requested, GRANTED)
    assert refused.value.status_code == 400
