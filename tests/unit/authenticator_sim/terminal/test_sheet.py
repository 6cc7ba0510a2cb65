"""The approval sheet and the tables of a terminal, to the letter and without tricks."""

import unicodedata

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from authenticator_sim.core.events import ChallengeShown, Decided, DeviceShown, PasskeyShown
from authenticator_sim.terminal.look.rich_look import RichLook
from authenticator_sim.terminal.look.text import settled
from ciba_service.sca.messages import (
    DenialReason,
    Display,
    Factor,
    ShownDetail,
    ShownLine,
    Verdict,
)
from tests.unit.authenticator_sim.scripted_service import NOW_MS, ScriptedBank
from tests.unit.authenticator_sim.terminal.visible import visible, words

WIDE = RichLook(lambda: 80)
NARROW = RichLook(lambda: 40)
THICK = "━" * 78
THIN = "─" * 78
EXPECTED = f"""\

{THICK}
  Confirm payment
{THIN}
  Asked by:     Corner Shop
  Message:      W4SCT
                (the client's words; the other device must show the same)
{THIN}

  AMOUNT
      12.50 EUR

  TO
      Corner Shop Ltd

  ACCOUNT
      DE89 3704 0044 0532 0130 00

  REFERENCE
      Invoice 4711

{THIN}
  Will share:   - Your identity
  Confirm with: this phone, your PIN, a one-time code
  Time left:    2:05 min
{THICK}

  If you did not expect this, decline.

  [ Enter ]  DECLINE
  [ n     ]  DECLINE, this was not me
  [ a     ]  APPROVE

"""


@pytest.mark.clause("sca-art5-1", "rfc10027-6.1.14-2")
def test_the_sheet_has_the_whole_payment_and_the_answers(bank: ScriptedBank) -> None:
    """Amount and payee apart from all else, declining first; the message is the client's."""
    drawn = WIDE.question(bank.challenge(), 125)
    assert visible(drawn) == EXPECTED
    assert "\x1b[1;7m12.50 EUR\x1b[0m" in drawn
    assert "\x1b[1;7mCorner Shop Ltd\x1b[0m" in drawn


def test_no_answer_stands_out(bank: ScriptedBank) -> None:
    """The keys are bold, the words behind them are not, and none has a colour."""
    answers = WIDE.question(bank.challenge(), 125).split("decline.")[1]
    assert answers.count("\x1b[1m[") == 3
    assert answers.count("\x1b[") == 6


def test_a_sign_in_has_no_payment(bank: ScriptedBank) -> None:
    """What is not there leaves no empty label; little time is red."""
    display = Display(title="Sign in", client="Corner Shop", shares=())
    drawn = WIDE.question(bank.challenge(display=display), 30)
    for label in ("AMOUNT", "TO\n", "ACCOUNT", "REFERENCE", "Message", "Will share", "Code:"):
        assert label not in visible(drawn)
    assert "\x1b[1;31m0:30 min" in drawn
    assert "\x1b[1;31m" not in WIDE.question(bank.challenge(display=display), 31)


def test_the_factors_are_named_before_they_are_asked_for(bank: ScriptedBank) -> None:
    """A passkey only where one may be used; the other device's code with what to do without it."""
    factors = (Factor.DEVICE_KEY, Factor.PIN, Factor.VERIFICATION_CODE)
    drawn = words(WIDE.question(bank.challenge(factors=factors, passkey_for_pin=True), 125))
    assert words("Confirm with: this phone, your PIN or a passkey, the code of the other") in drawn
    assert words("asked for them. If it shows none, decline.") in drawn
    drawn = words(WIDE.question(bank.challenge(factors=(Factor.PASSKEY,)), 125))
    assert words("Confirm with: your passkey Time left") in drawn


DETAILS = (
    ShownDetail(
        "Account information",
        (
            ShownLine("actions", "Will be shared", ("Accounts", "Balances"), worded=True),
            ShownLine("accounts.iban", "Accounts", ("DE02 1001 0010 9307 1186 03",)),
        ),
    ),
    ShownDetail("Another type", ()),
)
EXPECTED_DETAILS = """\
  Asked by:     Corner Shop

  Account information
    Will be shared:
    - Accounts
    - Balances
    Accounts:
    - DE02 1001 0010 9307 1186 03

  Another type

  Will share:   - Your identity
                - Your name
"""


@pytest.mark.clause("rfc9396-3-1")
def test_details_are_lines(bank: ScriptedBank) -> None:
    """Each text under its title and label, before what the scope shares."""
    shares = ("Your identity", "Your name")
    display = Display(title="Access", client="Corner Shop", shares=shares, details=DETAILS)
    assert EXPECTED_DETAILS in visible(WIDE.question(bank.challenge(display=display), 125))


HOSTILE = [
    "[bold red]x[/bold red] [/] [link=https://evil.example]y[/link] \\[z",
    ":smile: %s {0} <b>",
    "\x1b[2J\x1b]0;title\x07\x9b2J\r\n\t\x08",
    "\u202e05.21 \u2066x\u2069 \u200b\u2028",
    "a" + "\u0301" * 40,
    "W" * 300,
    "x  ACCOUNT  " * 20,
    "日本" * 60,
]


@pytest.mark.clause("ciba-7.1-15")
@pytest.mark.parametrize("look", [WIDE, NARROW])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_whole_and_does_nothing(
    bank: ScriptedBank, text: str, look: RichLook
) -> None:
    """No markup, no control; broken where the line is full, and nowhere cut."""
    display = msgspec.structs.replace(bank.challenge().display, binding_message=text)
    drawn = look.question(bank.challenge(display=display), 125)
    assert words(f"Message:{settled(text)}(the client's") in words(drawn)


def everywhere(text: str) -> Display:
    """One text in every place."""
    return Display(
        title=text,
        client=text,
        shares=(text,),
        binding_message=text,
        amount=text,
        payee=text,
        payee_account=text,
        remittance_information=text,
        details=(ShownDetail(text, (ShownLine(text, text, (text, text)),)),),
    )


@settings(max_examples=40, deadline=None)
@given(text=st.one_of(st.text(min_size=1), st.sampled_from(HOSTILE)))
def test_no_text_leaves_its_place(enrolled: tuple[ScriptedBank, object], text: str) -> None:
    """In sheets and tables lines stay as wide as the page, and only labels stand at its edge."""
    challenge = enrolled[0].challenge(display=everywhere(text))
    decided = Decided("tx-1", Verdict.APPROVE, NOW_MS, challenge)
    for drawn in (
        NARROW.question(challenge, 125),
        NARROW.request(ChallengeShown(text, challenge, 125)),
        NARROW.history((decided,)),
        NARROW.table((ChallengeShown(text, challenge, 125),)),
    ):
        lines = visible(drawn).split("\n")
        assert all(cell_len(line) <= 39 for line in lines)
        letters = (letter for line in lines for letter in line)
        assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Cs"} for letter in letters)


def test_a_payee_cannot_pass_for_an_account(bank: ScriptedBank) -> None:
    """However its name is broken into lines, none of them begins where labels do."""
    display = msgspec.structs.replace(
        bank.challenge().display, payee="x ACCOUNT " * 20, payee_account=None
    )
    lines = visible(NARROW.question(bank.challenge(display=display), 125)).split("\n")
    assert not any(line.startswith("  ACCOUNT") for line in lines)
    assert any(line.startswith("      ") and "ACCOUNT" in line for line in lines)


def test_the_history_is_a_table(bank: ScriptedBank) -> None:
    """With when, what was decided, and each text beside its label; nothing where there is none."""
    challenge = bank.challenge()
    access = Display(title="Access", client="Corner Shop", shares=(), details=DETAILS)
    drawn = visible(
        WIDE.history(
            (
                Decided("tx-1", Verdict.APPROVE, 1_795_230_000_000, challenge),
                Decided(
                    "tx-2",
                    Verdict.DENY,
                    1_795_230_060_000,
                    bank.challenge(display=access),
                    DenialReason.NOT_ME,
                ),
            )
        )
    )
    lines = [" ".join(line.split()) for line in drawn.split("\n")]
    assert "When Decision Request" in lines
    assert "2026-11-21 03:00:00Z approved Confirm payment" in lines
    assert "AMOUNT 12.50 EUR" in lines
    assert "REFERENCE Invoice 4711" in lines
    assert "2026-11-21 03:01:00Z declined (not_me) Access" in lines
    assert "- Balances" in lines
    assert "Will share: - Your identity" in lines
    assert WIDE.history(()) == ""


def test_open_requests_are_a_table(bank: ScriptedBank) -> None:
    """All that the sheet has, so that the request may count as shown."""
    name = "A" * 22
    requests = visible(WIDE.table((ChallengeShown(name, bank.challenge(), 125),)))
    assert "  Time left   Request\n" in requests
    assert f"  2:05 min    Confirm payment\n              Transaction:  {name}\n" in requests
    sheet = visible(WIDE.request(ChallengeShown(name, bank.challenge(), 125)))
    for line in sheet.split("\n"):
        left_out = line.startswith(("━", "─", "Transaction", "  Time left", "                ("))
        assert left_out or words(line) in words(requests)


def test_phones_and_passkeys_are_tables() -> None:
    """Names that are to be copied stand uncut; this phone and synced passkeys are marked."""
    phones = visible(
        WIDE.table(
            (
                DeviceShown("A" * 43, "Tablet", 1_795_230_000, this=True),
                DeviceShown("B" * 43, "Phone", 1_795_230_000, this=False),
            )
        )
    )
    assert "  2026-11-21 03:00:00Z   Tablet  (this phone)\n" in phones
    assert "  2026-11-21 03:00:00Z   Phone\n" in phones
    assert f" {'A' * 43}\n" in phones
    passkeys = visible(
        WIDE.table((PasskeyShown("A" * 22, 1_795_230_000, synced=True, backed_up=True),))
        + WIDE.table((PasskeyShown("B" * 22, 1_795_230_000, synced=False, backed_up=False),))
    )
    assert f"  2026-11-21 03:00:00Z   {'A' * 22}  (synced)\n" in passkeys
    assert f"  2026-11-21 03:00:00Z   {'B' * 22}\n" in passkeys
