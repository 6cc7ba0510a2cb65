"""The accounts of the demo resource, and what of them a token covers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.errors import InsufficientScopeError
from ciba_service.protocol.request.authorization_details import AuthorizationDetail
from ciba_service.protocol.request.authorization_details.iban import is_iban
from ciba_service.protocol.resource.accounts import Account, covered_accounts, demo_accounts

ACCOUNTS = demo_accounts("alice")
FIRST, SECOND = ACCOUNTS


def detail(*actions: str, accounts: list[str] | None = None) -> AuthorizationDetail:
    """An object of type ``account_information``."""
    members: dict[str, Any] = {"type": "account_information", "actions": list(actions)}
    if accounts is not None:
        members["accounts"] = [{"iban": iban} for iban in accounts]
    return AuthorizationDetail("account_information", json.dumps(members))


def covered(
    *details: AuthorizationDetail,
    scope: str = "openid",
    granted: tuple[AuthorizationDetail, ...] = (),
) -> tuple[Account, ...]:
    """What a token covers where the scope ``accounts`` would do; its grant may have more."""
    return covered_accounts(
        ACCOUNTS,
        scope=tuple(scope.split()),
        details=details,
        granted=(*details, *granted),
        sufficient_scope="accounts",
    )


@given(st.text(min_size=1, max_size=20))
def test_everybody_has_the_same_accounts_each_time(subject: str):
    """Two of them, with IBANs whose check digits are right and whose bank does not exist."""
    accounts = demo_accounts(subject)
    assert accounts == demo_accounts(subject)
    assert all(is_iban(account.iban) for account in accounts)
    assert {account.iban[4:12] for account in accounts} == {"00000000"}
    assert {account.iban for account in accounts}.isdisjoint(
        account.iban for account in demo_accounts(f"{subject} junior")
    )


def test_the_scope_opens_names_and_balances():
    """Transactions must be named."""
    shown = covered(scope="openid accounts")
    assert [(each.name, each.balance) for each in shown] == [
        (each.name, each.balance) for each in ACCOUNTS
    ]
    assert [each.transactions for each in shown] == [(), ()]


def test_each_action_opens_its_own():
    """And what two objects say of one account adds up."""
    assert covered(detail("list_accounts"))[0] == Account(iban=FIRST.iban, name=FIRST.name)
    assert covered(detail("read_balances"))[0] == Account(iban=FIRST.iban, balance=FIRST.balance)
    named = detail("read_transactions", accounts=[SECOND.iban])
    assert covered(named) == (Account(iban=SECOND.iban, transactions=SECOND.transactions),)
    both = covered(named, detail("list_accounts", "read_balances"))
    assert both == (Account(iban=FIRST.iban, name=FIRST.name, balance=FIRST.balance), SECOND)


def test_accounts_of_others_are_not_there():
    """Naming one opens nothing."""
    assert covered(detail("list_accounts", accounts=[demo_accounts("bob")[0].iban])) == ()


def test_a_token_of_fewer_details_covers_less():
    """The scope does not open again what the token leaves out of its grant."""
    listing, balances = detail("list_accounts"), detail("read_balances", accounts=[SECOND.iban])
    assert covered(balances, scope="openid accounts", granted=(listing,)) == (
        Account(iban=SECOND.iban, balance=SECOND.balance),
    )
    other = AuthorizationDetail("loan", "{}")
    with pytest.raises(InsufficientScopeError):
        covered(other, scope="openid accounts", granted=(listing,))


def test_without_scope_and_details_nothing_is_covered():
    """Details of another type count for nothing; the scope that would do is told."""
    payment = AuthorizationDetail("payment_initiation", "{}")
    with pytest.raises(InsufficientScopeError) as refused:
        covered(payment, scope="openid accounts2")
    assert refused.value.scope == "accounts"
