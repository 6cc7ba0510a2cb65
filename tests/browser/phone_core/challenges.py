"""Challenges of all kinds, right ones and bent ones, by name."""

import json
from typing import Any

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from ciba_service.sca.messages import Payment, ShownDetail, ShownLine
from tests.unit.authenticator_sim.scripted_service import (
    MALFORMED_JSON,
    NOW_MS,
    ScriptedBank,
    b64,
)

SECOND = NOW_MS // 1000
DETAIL: dict[str, object] = {
    "type": "account_information",
    "actions": ["list_accounts", "read_balances"],
    "accounts": [{"iban": "DE02100100109307118603"}],
    "days": 90,
    "renew": True,
}
ACTIONS = ShownLine("actions", "Will be shared", ("The list of accounts", "Balances"), worded=True)
NAMED = ShownLine("accounts.iban", "Accounts", ("DE02 1001 0010 9307 1186 03",))
DAYS = ShownLine("days", "Days", ("90",))
RENEW = ShownLine("renew", "Renewed", ("true",))
LINES = (ACTIONS, NAMED, DAYS, RENEW)


def challenges_of_all_kinds(bank: ScriptedBank) -> dict[str, str]:
    """Each one signed, but for what its name says."""
    return {
        **_headers(bank),
        **_contents(bank),
        **_displays(bank),
        **_amounts(bank),
        **_details(bank),
        **_values(bank),
        **{f"no challenge {at}": bank.sign_bytes(each) for at, each in enumerate(MALFORMED_JSON)},
        **_broken(bank),
    }


def deceiving_challenges(bank: ScriptedBank) -> dict[str, str]:
    """Signed ones that a reader may take for something else than another reader does."""
    text = msgspec.json.encode(bank.challenge()).decode()
    detail = '"authorization_details":[{"type":"t","a":%s}]'
    lines = '"details":[{"title":"T","lines":[{"member":"a","label":"A","texts":["%s"]}]}]'
    numbers = {
        "one point nought": ("1.0", "1"),
        "an exponent": ("1e2", "100"),
        "beyond exactness": ("9007199254740993", "9007199254740992"),
    }
    strange = {
        "a display twice": text.replace('"display":', '"display":{},"display":', 1),
        "an expiry twice": text.replace('"exp":', '"exp":1,"exp":', 1),
        "a payee twice": text.replace('"payee":', '"payee":"Mallory","payee":', 1),
        "an escaped name twice": text.replace('"payee":', '"p\\u0061yee":"Mallory","payee":', 1),
        **{
            name: text.replace('"payments":', detail % value + ',"payments":', 1).replace(
                '"amount":"12.50 EUR"', lines % shown + ',"amount":"12.50 EUR"', 1
            )
            for name, (value, shown) in numbers.items()
        },
        **{
            name: text.replace("Corner Shop", f"Corner {letter}Shop", 1)
            for name, letter in {
                "right to left": "\u202e",
                "a line break": "\\n",
                "no width": "\u200b",
                "another line": "\u2028",
                "for private use": "\ue000",
                "half a letter": "\\ud800",
                "an accent apart": "e\u0301",
                "a letter of no width": "\u115f",
                "a letter without ink": "\u3164",
                "a mark without ink": "\u034f",
                "a variant": "\ufe0f",
            }.items()
        },
    }
    assert all(each != text for each in strange.values())
    return {name: bank.sign_bytes(each.encode()) for name, each in strange.items()}


def _headers(bank: ScriptedBank) -> dict[str, str]:
    content = bank.challenge()
    bent: dict[str, dict[str, Any]] = {
        "another type": {"typ": "JWT"},
        "the type of decisions": {"typ": "ciba-decision+jwt"},
        "an unknown key": {"kid": "c2"},
        "the encryption key": {"kid": "e1"},
        "a content type": {"cty": "json"},
        "a key of its own": {"jku": "https://attacker.example/keys"},
        "an embedded key": {"jwk": bank.service_keys.challenge[0]},
    }
    payload = msgspec.json.encode(content)
    base = {"alg": "none", "typ": "ciba-challenge+jws", "kid": "c1"}
    secret = OctKey.import_key(str(bank.service_keys.challenge[0]["x"]))
    return {
        **{name: bank.sign(content, header=header) for name, header in bent.items()},
        "another key": bank.sign(content, key=ECKey.generate_key("P-256")),
        "unsigned": f"{b64(json.dumps(base).encode())}.{b64(payload)}.",
        "a mac": jws.serialize_compact(
            {**base, "alg": "HS256"}, payload, secret, algorithms=["HS256"]
        ),
        "no header": f"{b64(b'{}')}.{b64(payload)}.{b64(bytes(64))}",
        "a header of text": f"{b64(b'x')}.{b64(payload)}.{b64(bytes(64))}",
    }


def _contents(bank: ScriptedBank) -> dict[str, str]:
    members: dict[str, Any] = msgspec.to_builtins(bank.challenge())
    bent: dict[str, dict[str, Any]] = {
        "right": {},
        "with a passkey": {"passkey_for_pin": True},
        "a payment on display that is none": {"payments": []},
        "an unknown language without payment": {
            "locale": "fr",
            "payments": [],
            "factors": ["device_key"],
            "display": {"title": "Sign in", "client": "Corner Shop", "shares": [], "logo": "AA"},
        },
        "a payee on display for nothing": {
            "payments": [],
            "display": {"title": "Sign in", "client": "Shop", "shares": [], "payee": "Mallory"},
        },
        "a logo that is no text": {"display": {**members["display"], "logo": 1}},
        "an unknown member": {"riddle": [1.5, None, {"a": 1}]},
        "another version": {"v": 2},
        "a version of text": {"v": "1"},
        "another issuer": {"iss": "https://attacker.example"},
        "expired now": {"exp": SECOND},
        "expired before": {"exp": SECOND - 1},
        "nearly expired": {"exp": SECOND + 1},
        "an expiry of text": {"exp": str(SECOND + 180)},
        "an expiry with a fraction": {"exp": SECOND + 180.5},
        "an unknown factor": {"factors": ["device_key", "palm"]},
        "factors of text": {"factors": "pin"},
        "a word for a flag": {"passkey_for_pin": "true"},
        "null for a flag": {"passkey_for_pin": None},
        "null for a list": {"payments": None},
        "null for a name": {"transaction_id": None},
        "details that are a list": {"authorization_details": [["a"]]},
        "shares of numbers": {"display": {**members["display"], "shares": [1]}},
        "null on display": {
            "display": {**members["display"], "binding_message": None},
        },
        "an unknown member on display": {"display": {**members["display"], "fee": "1.00"}},
        "an unknown member of a payment": {"payments": [{**members["payments"][0], "fee": "1.00"}]},
    }
    signed = {name: members | changed for name, changed in bent.items()}
    missing = {
        f"without {name}": {key: value for key, value in members.items() if key != name}
        for name in ("v", "iss", "transaction_id", "nonce", "iat", "exp", "locale", "display")
    }
    return {
        name: bank.sign_bytes(msgspec.json.encode(each))
        for name, each in (signed | missing).items()
    }


def _displays(bank: ScriptedBank) -> dict[str, str]:
    content = bank.challenge()
    (payment,) = content.payments
    shown: list[dict[str, str | None]] = [
        {"amount": None},
        {"amount": "12.51 EUR"},
        {"amount": "12.50 USD"},
        {"amount": "12.50"},
        {"amount": "12.50  EUR"},
        {"payee": None},
        {"payee": ""},
        {"payee": "Mallory"},
        {"payee_account": None},
        {"payee_account": ""},
        {"payee_account": "DE89370400440532013000"},
        {"payee_account": "DE02 1001 0010 9307 1186 03"},
        {"remittance_information": None},
        {"remittance_information": "Invoice 4712"},
    ]
    paid: list[dict[str, str | None]] = [
        {"creditor_iban": None},
        {"creditor_iban": ""},
        {"remittance_information": None},
        {"currency": "USD"},
        {"creditor_name": "Corner Shop"},
    ]
    other = Payment("1.00", "EUR", "Mallory")
    lean = msgspec.structs.replace(content.display, payee_account=None, remittance_information=None)
    return {
        **{
            f"shown {changed}": bank.offer(
                display=msgspec.structs.replace(content.display, **changed)
            )
            for changed in shown
        },
        **{
            f"paid {changed}": bank.offer(payments=(msgspec.structs.replace(payment, **changed),))
            for changed in paid
        },
        "a second payment": bank.offer(payments=(payment, other)),
        "a lean payment": bank.offer(
            display=lean, payments=(Payment("12.50", "EUR", "Corner Shop Ltd"),)
        ),
    }


def _amounts(bank: ScriptedBank) -> dict[str, str]:
    content = bank.challenge()
    (payment,) = content.payments
    cases = [
        ("en", "1234.50", "1,234.50 EUR"),
        ("de", "1234.50", "1.234,50 EUR"),
        ("en", "1234.50", "1.234,50 EUR"),
        ("fr", "1234.50", "1 234.50 EUR"),
        ("en", "1_234.50", "1,234.50 EUR"),
        ("en", "01.50", "1.50 EUR"),
        ("en", "0", "0 EUR"),
        ("en", "1.", "1 EUR"),
        ("en", "1e3", "1,000 EUR"),
        ("en", "-1.50", "-1.50 EUR"),
        ("en", "1.50\n", "1.50 EUR"),
        ("en", "\u0661.50", "1.50 EUR"),
        ("de", "123456789012345678.123", "123.456.789.012.345.678,123 EUR"),
    ]
    return {
        f"amount {locale} {amount!r} {shown}": bank.offer(
            locale=locale,
            display=msgspec.structs.replace(content.display, amount=shown),
            payments=(msgspec.structs.replace(payment, amount=amount),),
        )
        for locale, amount, shown in cases
    }


def _detailed(
    bank: ScriptedBank, *shown: tuple[ShownLine, ...], details: tuple[dict[str, object], ...]
) -> str:
    display = msgspec.structs.replace(
        bank.challenge().display,
        details=tuple(ShownDetail("Account information", lines) for lines in shown),
    )
    return bank.offer(display=display, authorization_details=details)


def _details(bank: ScriptedBank) -> dict[str, str]:
    lean: dict[str, object] = {"type": "account_information", "actions": ["read_balances"]}
    short = msgspec.structs.replace(ACTIONS, texts=("Balances",))
    absent = msgspec.structs.replace(NAMED, texts=("All your accounts",), worded=True)
    bent = {
        "all shown": LINES,
        "in another order": LINES[::-1],
        "a member unseen": LINES[1:],
        "nothing": (),
        "a line twice": (*LINES, DAYS),
        "what is not there": (*LINES, ShownLine("fee", "Fee", ("none",))),
        "words on what is not there": (*LINES, ShownLine("fee", "Fee", ("none",), worded=True)),
        "too many words": (*LINES, ShownLine("fee", "Fee", ("none", "zero"), worded=True)),
        "fewer words": (ShownLine("actions", "S", ("Balances",), worded=True), *LINES[1:]),
        "fewer texts": (ShownLine("actions", "S", ("list_accounts",)), *LINES[1:]),
        "texts in another order": (
            ShownLine("actions", "S", ("read_balances", "list_accounts")),
            *LINES[1:],
        ),
        "cut": (ACTIONS, ShownLine("accounts.iban", "To", ("DE02 1001",)), DAYS, RENEW),
        "changed": (ACTIONS, NAMED, ShownLine("days", "Days", ("9",)), RENEW),
        "no text": (ACTIONS, NAMED, ShownLine("days", "Days", ()), RENEW),
        "an empty text": (ACTIONS, NAMED, ShownLine("days", "D", ("",), worded=True), RENEW),
        "no label": (ACTIONS, NAMED, ShownLine("days", "", ("90",)), RENEW),
        "not as JSON writes it": (ACTIONS, NAMED, DAYS, ShownLine("renew", "R", ("True",))),
        "the type shown": (*LINES, ShownLine("type", "T", ("account_information",))),
    }
    return {
        **{name: _detailed(bank, lines, details=(DETAIL,)) for name, lines in bent.items()},
        "two details": _detailed(bank, LINES, (short, absent), details=(DETAIL, lean)),
        "two details crossed": _detailed(bank, (short, absent), LINES, details=(DETAIL, lean)),
        "a detail unseen": _detailed(bank, details=(DETAIL,)),
        "a detail shown twice": _detailed(bank, LINES, LINES, details=(DETAIL,)),
        "a detail that is not there": _detailed(bank, LINES, details=()),
    }


def _values(bank: ScriptedBank) -> dict[str, str]:
    cases: list[tuple[str, object, tuple[str, ...]]] = [
        ("a", None, ("null",)),
        ("a", 1.5, ("1.5",)),
        ("a", [], ("1.5",)),
        ("a", {}, ("1.5",)),
        ("a", [[]], ("1.5",)),
        ("a.b", {"b": None}, ("1.5",)),
        ("a", -7, ("-7",)),
        ("a", 12345678901234567890, ("12345678901234567890",)),
        ("a", 12345678901234567890, ("12345678901234567000",)),
        ("a", False, ("false",)),
        ("a", [1, [2, [3]]], ("1", "2", "3")),
        ("a.b", [{"b": "x"}, {"b": "y"}], ("x", "y")),
        ("a.b", [{"b": "x"}, {"b": "y"}], ("y", "x")),
        ("a.__proto__", {"__proto__": "x"}, ("x",)),
        ("a.2", {"2": "b", "1": "a"}, ("b",)),
    ]
    return {
        f"value {at} {path}": _detailed(
            bank, (ShownLine(path, "A", texts),), details=({"type": "t", "a": value},)
        )
        for at, (path, value, texts) in enumerate(cases)
    }


def _broken(bank: ScriptedBank) -> dict[str, str]:
    token = bank.offer()
    header, payload, signature = token.split(".")
    return {
        "a space behind": token + " ",
        "a line behind": token + "\n",
        "padded": f"{header}.{payload}.{signature}==",
        "two parts": f"{header}.{payload}",
        "four parts": f"{token}.",
        "an empty text": "",
        "a letter changed": f"{header}.{payload[:-5]}{'A' if payload[-5] != 'A' else 'B'}"
        f"{payload[-4:]}.{signature}",
        "a signature cut": f"{header}.{payload}.{signature[:-4]}",
        "bits beyond the end": f"{header}.{payload}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}",
        "not ASCII": token + "\u00e9",
    }
