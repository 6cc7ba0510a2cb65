"""Accounts to show: made up of the subject alone, and what of them a token covers.

``account_information`` (RFC 9396) says which accounts and what of them; only a token of a grant
without such details can do with the scope, and then sees all accounts with their balances.
"""

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from ciba_service.protocol.errors import InsufficientScopeError, Reason
from ciba_service.protocol.request.authorization_details import (
    ACCOUNT_INFORMATION,
    AccountReference,
    AuthorizationDetail,
    InstructedAmount,
)

__all__ = ["Account", "AccountList", "Booking", "covered_accounts", "demo_accounts"]

_NAMES: Final = ("Current account", "Savings account")


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an account; negative when it was paid from it."""

    booked_on: str
    amount: str
    text: str


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account, or what of it may be seen."""

    iban: str
    name: str | None = None
    balance: InstructedAmount | None = None
    transactions: tuple[Booking, ...] = ()


class AccountList(msgspec.Struct, frozen=True):
    """The answer of the accounts resource."""

    accounts: tuple[Account, ...]


class _Action(StrEnum):
    LIST = "list_accounts"
    BALANCES = "read_balances"
    TRANSACTIONS = "read_transactions"


class _Access(msgspec.Struct, frozen=True):
    """An object of type ``account_information``; without ``accounts`` it means all of them."""

    actions: frozenset[_Action]
    accounts: tuple[AccountReference, ...] = ()

    def covers(self, account: Account) -> bool:
        return not self.accounts or AccountReference(account.iban) in self.accounts


_BY_SCOPE: Final = _Access(actions=frozenset({_Action.LIST, _Action.BALANCES}))


def demo_accounts(subject: str) -> tuple[Account, ...]:
    """The accounts of a user, the same each time; no bank has the code in their IBANs."""
    return tuple(_account(subject, name) for name in _NAMES)


def covered_accounts(
    accounts: Iterable[Account],
    *,
    scope: tuple[str, ...],
    details: Iterable[AuthorizationDetail],
    granted: Iterable[AuthorizationDetail],
    sufficient_scope: str,
) -> tuple[Account, ...]:
    """Those accounts, and that of them, which a token covers.

    ``details`` are the token's and ``granted`` its grant's: a token that was narrowed to none of
    them must not be opened again by the scope, which never stood for all accounts there.

    Raises:
        InsufficientScopeError: when it covers none, with the scope that would.
    """
    if _accesses(granted):
        accesses = _accesses(details)
    else:
        accesses = (_BY_SCOPE,) if sufficient_scope in scope else ()
    if not accesses:
        raise InsufficientScopeError(sufficient_scope) from Reason("no access to accounts")
    seen = ((account, _actions(account, accesses)) for account in accounts)
    return tuple(_visible(account, actions) for account, actions in seen if actions)


def _accesses(details: Iterable[AuthorizationDetail]) -> tuple[_Access, ...]:
    return tuple(
        msgspec.json.decode(detail.json, type=_Access)
        for detail in details
        if detail.type == ACCOUNT_INFORMATION.type
    )


def _actions(account: Account, accesses: tuple[_Access, ...]) -> frozenset[_Action]:
    return frozenset[_Action]().union(
        *(access.actions for access in accesses if access.covers(account))
    )


def _visible(account: Account, actions: frozenset[_Action]) -> Account:
    return Account(
        iban=account.iban,
        name=account.name if _Action.LIST in actions else None,
        balance=account.balance if _Action.BALANCES in actions else None,
        transactions=account.transactions if _Action.TRANSACTIONS in actions else (),
    )


def _account(subject: str, name: str) -> Account:
    number = int.from_bytes(hashlib.sha256(f"{subject}\0{name}".encode()).digest()[:8], "big")
    return Account(
        iban=_iban(f"{number % 10**10:018}"),
        name=name,
        balance=InstructedAmount("EUR", f"{number % 10_000}.{number % 100:02}"),
        transactions=(
            Booking(booked_on="2026-11-02", amount="-12.50", text="Corner Shop Ltd"),
            Booking(booked_on="2026-11-01", amount="2100.00", text="Salary"),
        ),
    )


def _iban(account: str) -> str:
    # ISO 13616: D and E count as 13 and 14; the check digits make the whole 1 modulo 97.
    return f"DE{98 - int(f'{account}131400') % 97:02}{account}"
