"""The payment that a token stands for."""

import json
from typing import Any

import msgspec
import pytest

from ciba_service.protocol.errors import InsufficientScopeError, InvalidRequestError
from ciba_service.protocol.request.authorization_details import (
    AuthorizationDetail,
    PaymentInitiation,
    parse_payment,
)
from ciba_service.protocol.resource.payments import granted_payment
from tests.wire.resource import PAYMENT

DETAIL = AuthorizationDetail(
    "payment_initiation", msgspec.json.encode(parse_payment(PAYMENT)).decode()
)
OTHER = AuthorizationDetail("account_information", '{"type": "account_information"}')


@pytest.mark.parametrize("details", [(DETAIL,), (OTHER, DETAIL)])
@pytest.mark.parametrize(
    "body", [b"", json.dumps(PAYMENT).encode(), json.dumps(PAYMENT, indent=2).encode()]
)
def test_the_granted_payment_is_found(details: tuple[AuthorizationDetail, ...], body: bytes):
    """Whatever else was granted, and however the body writes it."""
    assert granted_payment(details, body) == DETAIL


@pytest.mark.parametrize("body", [b"", json.dumps(PAYMENT).encode()])
def test_without_one_there_is_nothing_to_execute(body: bytes):
    """No scope would do, so none is told."""
    with pytest.raises(InsufficientScopeError) as refused:
        granted_payment((OTHER,), body)
    assert refused.value.scope == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"instructedAmount": {"currency": "EUR", "amount": "12.5"}},
        {"instructedAmount": {"currency": "USD", "amount": "12.50"}},
        {"creditorName": "Corner Shop Ltd."},
        {"creditorAccount": None},
    ],
)
def test_another_payment_was_not_granted(changed: dict[str, Any]):
    """Each member counts, to the letter."""
    members = {name: value for name, value in {**PAYMENT, **changed}.items() if value is not None}
    with pytest.raises(InsufficientScopeError):
        granted_payment((DETAIL,), json.dumps(members).encode())


@pytest.mark.parametrize(
    "body",
    [b" ", b"{", b"null", b"[]", b"{}", b"\xff", b'{"type": "payment_initiation"}', b"[" * 8000],
)
def test_a_body_that_states_no_payment_is_malformed(body: bytes):
    """Also where none was granted."""
    for detail in (DETAIL, OTHER):
        with pytest.raises(InvalidRequestError):
            granted_payment((detail,), body)


def test_a_payment_reads_the_same_from_the_grant():
    """What is stored is what was parsed, so that equality is exact."""
    assert msgspec.json.decode(DETAIL.json, type=PaymentInitiation) == parse_payment(PAYMENT)
