"""Which challenges the phone believes."""

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from authenticator_sim.core.deciding.challenges import (
    ChallengeRefusal,
    ChallengeRefused,
    verify_challenge,
)
from authenticator_sim.core.identity.identity import DeviceIdentity
from ciba_service.sca.messages import Payment, ShownDetail, ShownLine, challenge_hash
from tests.unit.authenticator_sim.scripted_service import (
    MALFORMED_JSON,
    NOW_MS,
    ScriptedBank,
    b64,
)


def refusal(token: str, identity: DeviceIdentity, now_ms: int = NOW_MS) -> ChallengeRefusal:
    """Why the phone does not believe a challenge."""
    with pytest.raises(ChallengeRefused) as refused:
        verify_challenge(token, identity=identity, now_ms=now_ms)
    return refused.value.reason


def test_an_authentic_challenge_is_believed(bank: ScriptedBank, identity: DeviceIdentity) -> None:
    """Content and hash are those of the exact token."""
    content = bank.challenge()
    token = bank.sign(content)
    verified = verify_challenge(token, identity=identity, now_ms=NOW_MS)
    assert verified.content == content
    assert verified.digest == challenge_hash(token)
    assert verified.seconds_left(NOW_MS) == 180
    assert verified.seconds_left(NOW_MS + 10**9) == 0


@pytest.mark.clause("sca-art5-5", "sca-art5-6")
def test_a_changed_amount_is_not_believed(bank: ScriptedBank, identity: DeviceIdentity) -> None:
    """One changed digit of the amount breaks the signature."""
    header, payload, signature = bank.offer().split(".")
    text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    changed = b64(text.replace(b"12.50", b"12.51"))
    assert changed != payload
    assert refusal(f"{header}.{changed}.{signature}", identity) is ChallengeRefusal.NOT_AUTHENTIC


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "ciba-decision+jwt"},
        {"kid": "c2"},
        {"kid": "e1"},
        {"cty": "json"},
        {"jku": "https://attacker.example/keys"},
    ],
)
def test_another_header_is_not_believed(
    bank: ScriptedBank, identity: DeviceIdentity, header: dict[str, str]
) -> None:
    """Type and key are exactly the pinned ones, and no further member is understood."""
    token = bank.sign(bank.challenge(), header=header)
    assert refusal(token, identity) is ChallengeRefusal.NOT_AUTHENTIC


def test_another_key_of_the_same_name_is_not_believed(
    bank: ScriptedBank, identity: DeviceIdentity
) -> None:
    """The pinned key verifies, not the name of it."""
    token = bank.sign(bank.challenge(), key=ECKey.generate_key("P-256"))
    assert refusal(token, identity) is ChallengeRefusal.NOT_AUTHENTIC


def test_another_algorithm_is_not_believed(bank: ScriptedBank, identity: DeviceIdentity) -> None:
    """Neither ``none`` nor a MAC keyed with public material."""
    payload = msgspec.json.encode(bank.challenge())
    header = {"alg": "none", "typ": "ciba-challenge+jws", "kid": "c1"}
    unsigned = f"{b64(json.dumps(header).encode())}.{b64(payload)}."
    key = OctKey.import_key(str(identity.service_keys.challenge[0]["x"]))
    mac = jws.serialize_compact({**header, "alg": "HS256"}, payload, key, algorithms=["HS256"])
    for token in (unsigned, mac):
        assert refusal(token, identity) is ChallengeRefusal.NOT_AUTHENTIC


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": 2}, ChallengeRefusal.UNKNOWN_VERSION),
        ({"iss": "https://attacker.example"}, ChallengeRefusal.ANOTHER_ISSUER),
        ({"exp": NOW_MS // 1000}, ChallengeRefusal.EXPIRED),
        ({"factors": ("device_key", "palm")}, ChallengeRefusal.MALFORMED),
    ],
)
def test_a_signed_challenge_that_is_not_for_now_and_here_is_not_shown(
    bank: ScriptedBank,
    identity: DeviceIdentity,
    changes: dict[str, object],
    reason: ChallengeRefusal,
) -> None:
    """Version, issuer, expiry and the factors are checked after the signature."""
    assert refusal(bank.offer(**changes), identity) is reason


@pytest.mark.clause("sca-art5-1")
@pytest.mark.parametrize(
    "shown",
    [
        {"amount": None},
        {"amount": "12.51 EUR"},
        {"amount": "12.50 USD"},
        {"amount": "12.50"},
        {"payee": None},
        {"payee": "Mallory"},
        {"payee_account": None},
        {"payee_account": "DE02 1001 0010 9307 1186 03"},
        {"remittance_information": None},
        {"remittance_information": "Invoice 4712"},
    ],
    ids=str,
)
def test_a_payment_that_is_not_on_display_as_it_is_is_not_shown(
    bank: ScriptedBank, identity: DeviceIdentity, shown: dict[str, str | None]
) -> None:
    """What the payer could not see, whole and right, the payer cannot approve."""
    display = msgspec.structs.replace(bank.challenge().display, **shown)
    assert refusal(bank.offer(display=display), identity) is ChallengeRefusal.PAYMENT_NOT_SHOWN


@pytest.mark.clause("sca-art5-1")
@pytest.mark.parametrize(
    ("locale", "amount", "shown"),
    [
        ("de", "1234.50", "1.234,50 EUR"),
        ("en", "1234.50", "1,234.50 EUR"),
        ("en", "1234.50", None),
        ("de", "1234.50", None),
        ("fr", "1234.50", None),
        ("en", "1_234.50", None),
    ],
)
def test_an_amount_is_believed_as_its_language_writes_it(
    bank: ScriptedBank, identity: DeviceIdentity, locale: str, amount: str, shown: str | None
) -> None:
    """To the letter: in another language's writing it might be read as another amount."""
    challenge = bank.challenge()
    (payment,) = challenge.payments
    other = {"en": "1.234,50 EUR", "de": "1,234.50 EUR"}.get(locale, "1 234.50 EUR")
    token = bank.offer(
        locale=locale,
        display=msgspec.structs.replace(challenge.display, amount=shown or other),
        payments=(msgspec.structs.replace(payment, amount=amount),),
    )
    if shown is None:
        assert refusal(token, identity) is ChallengeRefusal.PAYMENT_NOT_SHOWN
    else:
        content = verify_challenge(token, identity=identity, now_ms=NOW_MS).content
        assert content.display.amount == shown


@pytest.mark.parametrize(
    "changed", [{"creditor_iban": None}, {"remittance_information": None}], ids=str
)
def test_nothing_is_on_display_that_is_not_paid(
    bank: ScriptedBank, identity: DeviceIdentity, changed: dict[str, str | None]
) -> None:
    """An account or a reference that the payment does not have is no part of it."""
    (payment,) = bank.challenge().payments
    token = bank.offer(payments=(msgspec.structs.replace(payment, **changed),))
    assert refusal(token, identity) is ChallengeRefusal.PAYMENT_NOT_SHOWN


@pytest.mark.parametrize("member", ["amount", "payee", "payee_account", "remittance_information"])
def test_no_payment_is_on_display_that_nobody_asks_for(
    bank: ScriptedBank, identity: DeviceIdentity, member: str
) -> None:
    """Without a payment there is nothing that a token would state of it."""
    bare = dict.fromkeys(("amount", "payee", "payee_account", "remittance_information"))
    shown = bare | {member: getattr(bank.challenge().display, member)}
    display = msgspec.structs.replace(bank.challenge().display, **shown)
    token = bank.offer(display=display, payments=())
    assert refusal(token, identity) is ChallengeRefusal.PAYMENT_NOT_SHOWN


def test_a_second_payment_is_not_shown(bank: ScriptedBank, identity: DeviceIdentity) -> None:
    """There is room for one, and a hidden one would be approved with it."""
    payments = (*bank.challenge().payments, Payment("1.00", "EUR", "Mallory"))
    assert refusal(bank.offer(payments=payments), identity) is ChallengeRefusal.PAYMENT_NOT_SHOWN


def test_a_payment_may_lack_account_and_reference(
    bank: ScriptedBank, identity: DeviceIdentity
) -> None:
    """Then neither is on display."""
    display = msgspec.structs.replace(
        bank.challenge().display, payee_account=None, remittance_information=None
    )
    payment = Payment("12.50", "EUR", "Corner Shop Ltd")
    token = bank.offer(display=display, payments=(payment,))
    verified = verify_challenge(token, identity=identity, now_ms=NOW_MS)
    assert verified.content.payments == (payment,)


ACCOUNTS: dict[str, object] = {
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


def offer(
    bank: ScriptedBank,
    *shown: tuple[ShownLine, ...],
    details: tuple[dict[str, object], ...] = (ACCOUNTS,),
) -> str:
    """A challenge about details, and what is shown of each."""
    display = msgspec.structs.replace(
        bank.challenge().display,
        details=tuple(ShownDetail("Account information", lines) for lines in shown),
    )
    return bank.offer(display=display, authorization_details=details)


def test_details_on_display_as_they_are_are_believed(
    bank: ScriptedBank, identity: DeviceIdentity
) -> None:
    """Several of them too, each in its place; a line may also say what an absent member means."""
    lean: dict[str, object] = {"type": "account_information", "actions": ["read_balances"]}
    short = msgspec.structs.replace(ACTIONS, texts=("Balances",))
    absent = msgspec.structs.replace(NAMED, texts=("All your accounts",), worded=True)
    token = offer(bank, LINES, (short, absent), details=(ACCOUNTS, lean))
    verified = verify_challenge(token, identity=identity, now_ms=NOW_MS)
    assert verified.content.authorization_details == (ACCOUNTS, lean)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(LINES[1:], id="a-member-unseen"),
        pytest.param((), id="nothing"),
        pytest.param((*LINES, DAYS), id="a-line-twice"),
        pytest.param((*LINES, ShownLine("fee", "Fee", ("none",))), id="what-is-not-there"),
        pytest.param(
            (*LINES, ShownLine("fee", "Fee", ("none", "zero"), worded=True)), id="too-many-words"
        ),
        pytest.param(
            (ShownLine("actions", "Shared", ("Balances",), worded=True), *LINES[1:]),
            id="fewer-words-than-values",
        ),
        pytest.param(
            (ShownLine("actions", "Shared", ("list_accounts",)), *LINES[1:]),
            id="fewer-texts-than-values",
        ),
        pytest.param(
            (ShownLine("actions", "Shared", ("read_balances", "list_accounts")), *LINES[1:]),
            id="another-order",
        ),
        pytest.param(
            (ACTIONS, ShownLine("accounts.iban", "To", ("DE02 1001",)), DAYS, RENEW), id="cut"
        ),
        pytest.param((ACTIONS, NAMED, ShownLine("days", "Days", ("9",)), RENEW), id="changed"),
        pytest.param((ACTIONS, NAMED, ShownLine("days", "Days", ()), RENEW), id="no-text"),
        pytest.param(
            (ACTIONS, NAMED, ShownLine("days", "Days", ("",), worded=True), RENEW), id="empty-text"
        ),
        pytest.param((ACTIONS, NAMED, ShownLine("days", "", ("90",)), RENEW), id="no-label"),
        pytest.param((ACTIONS, NAMED, DAYS, ShownLine("renew", "R", ("True",))), id="not-json"),
    ],
)
def test_details_that_are_not_on_display_as_they_are_are_not_shown(
    bank: ScriptedBank, identity: DeviceIdentity, lines: tuple[ShownLine, ...]
) -> None:
    """Every value has its text, and nothing else does."""
    assert refusal(offer(bank, lines), identity) is ChallengeRefusal.DETAILS_NOT_SHOWN


@pytest.mark.parametrize("value", [None, 1.5, [], {}, [None], [[]], {"b": None}], ids=str)
def test_a_value_that_no_text_stands_for_is_not_shown(
    bank: ScriptedBank, identity: DeviceIdentity, value: object
) -> None:
    """Whatever is said of it, in words or not."""
    for path in ("a", "a.b"):
        for worded in (True, False):
            line = ShownLine(path, "A", ("1.5",), worded=worded)
            token = offer(bank, (line,), details=({"type": "t", "a": value},))
            assert refusal(token, identity) is ChallengeRefusal.DETAILS_NOT_SHOWN


def test_details_and_what_is_shown_go_together(
    bank: ScriptedBank, identity: DeviceIdentity
) -> None:
    """None of either stands alone."""
    for token in (offer(bank), offer(bank, LINES, LINES), offer(bank, LINES, details=())):
        assert refusal(token, identity) is ChallengeRefusal.DETAILS_NOT_SHOWN


@pytest.mark.parametrize("member", ["display", "payments"])
def test_what_the_phone_does_not_know_it_does_not_show(
    bank: ScriptedBank, identity: DeviceIdentity, member: str
) -> None:
    """A new member of the text or of the payment would be approved unseen."""
    members = msgspec.to_builtins(bank.challenge())
    (members[member] if member == "display" else members[member][0])["fee"] = "1.00 EUR"
    token = bank.sign_bytes(msgspec.json.encode(members))
    assert refusal(token, identity) is ChallengeRefusal.MALFORMED


@pytest.mark.parametrize("payload", MALFORMED_JSON)
def test_a_signed_payload_that_is_no_challenge_is_refused(
    bank: ScriptedBank, identity: DeviceIdentity, payload: bytes
) -> None:
    """Broken text and bottomless nesting are refused like any other object."""
    assert refusal(bank.sign_bytes(payload), identity) is ChallengeRefusal.MALFORMED


@pytest.mark.parametrize("header", [*MALFORMED_JSON, b'{"alg": "\xff"}'])
def test_a_header_that_is_none_is_not_believed(identity: DeviceIdentity, header: bytes) -> None:
    """Before anything is verified."""
    token = f"{b64(header)}.{b64(b'{}')}.{b64(bytes(64))}"
    assert refusal(token, identity) is ChallengeRefusal.NOT_AUTHENTIC


@given(text=st.one_of(st.text(), st.text("abcXYZ019_-.=", max_size=200)))
def test_no_text_at_all_breaks_the_phone(
    enrolled: tuple[ScriptedBank, DeviceIdentity], text: str
) -> None:
    """Garbage is refused like any forged challenge."""
    assert refusal(text, enrolled[1]) is ChallengeRefusal.NOT_AUTHENTIC
