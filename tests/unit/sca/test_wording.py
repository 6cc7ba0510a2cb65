"""What the service says is there in every language, and in the one that was asked for."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace

import msgspec
import pytest

from ciba_service.protocol.locale import Locale, said
from ciba_service.protocol.plain_text import parse_plain_text
from ciba_service.protocol.request.authorization_details import (
    BUILT_IN_TYPES,
    AccountReference,
    AuthorizationDetails,
    InstructedAmount,
    PaymentInitiation,
    parse_authorization_details,
)
from ciba_service.sca.challenge import ChallengeContent, new_challenge
from ciba_service.sca.messages import Challenge, Factor, amount_text, challenge
from ciba_service.sca.wording import WORDS, shared_texts
from tests.unit.sca.conftest import ISSUER

ASKED = {"type": "account_information", "actions": ["read_balances"]}


def content(locale: Locale, *objects: dict[str, object], amount: str = "") -> ChallengeContent:
    """A request of a user with this language."""
    details = parse_authorization_details(
        list(objects) or None, types=BUILT_IN_TYPES, allowed=BUILT_IN_TYPES.names
    )
    if amount:
        details = replace(
            details,
            payment=PaymentInitiation(
                InstructedAmount("EUR", amount),
                "Corner Shop Ltd",
                AccountReference("DE89370400440532013000"),
                "Invoice 4711",
            ),
        )
    return ChallengeContent(
        issuer=ISSUER,
        transaction_id="AAECAwQFBgcICQoLDA0ODw",
        client_name="Corner Shop",
        scope=("openid", "profile", "email", "phone", "address", "accounts:read"),
        binding_message="W4SCT",
        details=details,
        factors=(Factor.DEVICE_KEY, Factor.PIN),
        issued_at=1_795_230_000,
        expires_at=1_795_230_180,
        locale=locale,
        lasts=True,
    )


def made(of: ChallengeContent) -> Challenge:
    """The challenge over it."""
    return new_challenge(of, token_bytes=bytes)


def test_every_text_is_there_in_every_language():
    """Plain text, no two languages alike but for names, and the same scope tokens in each."""
    assert set(WORDS) == set(Locale) == set(challenge._SEPARATORS)
    for name in (field.name for field in fields(WORDS[Locale.EN])):
        texts = [getattr(WORDS[locale], name) for locale in Locale]
        if name == "shares":
            assert len({frozenset(each) for each in texts}) == 1
            texts = [text for each in texts for text in each.values()]
        assert len(set(texts)) == len(texts)
        assert [parse_plain_text(text) for text in texts] == texts
    for declared in BUILT_IN_TYPES.declared.values():
        assert declared.said_once is None


def test_a_challenge_speaks_german():
    """Title, scope, lasting access and details; what the client wrote stays as it came."""
    challenge = made(content(Locale.DE, ASKED))
    assert challenge.locale == "de"
    assert json.loads(msgspec.json.encode(challenge.display)) == {
        "title": "Zugriff bestätigen",
        "client": "Corner Shop",
        "binding_message": "W4SCT",
        "shares": [
            "Ihre Identität",
            "Ihr Name und Ihr Profil",
            "Ihre E-Mail-Adresse",
            "Ihre Telefonnummer",
            "Ihre Postanschrift",
            "Zugriff: accounts:read",
            "Dauerhafter Zugriff, ohne Sie noch einmal zu fragen",
        ],
        "details": [
            {
                "title": "Kontoinformationen",
                "lines": [
                    {
                        "member": "actions",
                        "label": "Wird weitergegeben",
                        "texts": ["Kontostände"],
                        "worded": True,
                    },
                    {
                        "member": "accounts.iban",
                        "label": "Konten",
                        "texts": ["Alle Ihre Konten"],
                        "worded": True,
                    },
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("locale", "title", "shown"),
    [
        (Locale.EN, "Confirm payment", "1,234,567.50 EUR"),
        (Locale.DE, "Zahlung bestätigen", "1.234.567,50 EUR"),
    ],
)
def test_a_payment_is_written_as_the_language_does(locale: Locale, title: str, shown: str):
    """The typed field stays as it was asked for; the IBAN is in groups of four in both."""
    challenge = made(content(locale, amount="1234567.50"))
    assert (challenge.display.title, challenge.display.amount) == (title, shown)
    assert challenge.display.payee_account == "DE89 3704 0044 0532 0130 00"
    assert challenge.payments[0].amount == "1234567.50"


def texts_in(shown: object) -> Iterator[str]:
    """Every text in it that is for people."""
    match shown:
        case str():
            yield shown
        case dict():
            for name, value in shown.items():
                yield from texts_in(value) if name not in {"member", "worded"} else ()
        case _:
            assert isinstance(shown, tuple | None)
            for each in shown or ():
                yield from texts_in(each)


@pytest.mark.parametrize("details", [[], [ASKED]])
def test_nothing_of_one_language_is_left_in_the_other(details: list[dict[str, object]]):
    """Each of the service's texts differs; only what the client wrote and signs is the same."""
    texts = []
    for locale in Locale:
        display = msgspec.to_builtins(made(content(locale, *details)).display)
        del display["client"], display["binding_message"]
        texts.append(set(texts_in(display)))
    assert texts[0].isdisjoint(texts[1])


@pytest.mark.parametrize(
    ("amount", "english", "german"),
    [
        ("0.01", "0.01", "0,01"),
        ("12", "12", "12"),
        ("999.999", "999.999", "999,999"),
        ("1000", "1,000", "1.000"),
        ("999999999999999.999", "999,999,999,999,999.999", "999.999.999.999.999,999"),
    ],
)
def test_an_amount_keeps_its_digits(amount: str, english: str, german: str):
    """Grouping and point are the language's; no digit is added, dropped or rounded."""
    assert amount_text(amount, "EUR", Locale.EN) == f"{english} EUR"
    assert amount_text(amount, "EUR", Locale.DE) == f"{german} EUR"
    assert len(amount_text("9" * 15 + ".999", "EUR", Locale.DE)) == 27


@pytest.mark.parametrize("amount", ["", "1,0", "01", "1.", ".5", "1_000", "-1", "1e3", "\u0661"])
def test_what_is_no_amount_is_not_written(amount: str):
    """It would be read as something else."""
    with pytest.raises(ValueError, match="no amount"):
        amount_text(amount, "EUR", Locale.EN)


def test_a_language_is_not_made_up_for_by_another():
    """There is no default to fall back to."""
    with pytest.raises(KeyError):
        said({Locale.EN: "Loan"}, Locale.DE)
    with pytest.raises(KeyError):
        amount_text("1.00", "EUR", "fr")
    with pytest.raises(KeyError):
        shared_texts(("openid",), "fr")  # type: ignore[arg-type]
    assert AuthorizationDetails().displayed == ()
