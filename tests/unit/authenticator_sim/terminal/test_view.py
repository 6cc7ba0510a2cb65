"""What the user sees, to the letter and without tricks."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticator_sim.terminal.look.text import harmless
from authenticator_sim.terminal.wording.view import render_challenge, render_choices
from ciba_service.sca.messages import Display, ShownDetail, ShownLine
from tests.unit.authenticator_sim.scripted_service import ScriptedBank

EXPECTED = """\
================================================================
Confirm payment
----------------------------------------------------------------
  Asked by:   Corner Shop
  Message:    W4SCT
              (the other device must show the same)
----------------------------------------------------------------

  AMOUNT
      12.50 EUR

  TO
      Corner Shop Ltd

  ACCOUNT
      DE89 3704 0044 0532 0130 00

  REFERENCE
      Invoice 4711

----------------------------------------------------------------
  Will share:
    - Your identity
  Time left:  2:05 min
================================================================
"""


@pytest.mark.clause("sca-art5-1")
def test_the_payer_sees_the_whole_payment(bank: ScriptedBank) -> None:
    """Amount, payee, account and reference, each under a label of its own, with all the rest."""
    assert render_challenge(bank.challenge(), 125) == EXPECTED


def test_a_login_shows_no_payment(bank: ScriptedBank) -> None:
    """What is not there leaves no empty label."""
    display = Display(title="Sign in", client="Corner Shop", shares=())
    view = render_challenge(bank.challenge(display=display), 0)
    for label in ("AMOUNT", "TO\n", "ACCOUNT", "REFERENCE", "Message", "Will share"):
        assert label not in view
    assert "Time left:  expired" in view


DETAIL = ShownDetail(
    "Account information",
    (
        ShownLine("actions", "Will be shared", ("The list of accounts", "Balances"), worded=True),
        ShownLine("accounts.iban", "Accounts", ("DE02 1001 0010 9307 1186 03",)),
    ),
)
EXPECTED_DETAILS = """\
================================================================
Confirm access
----------------------------------------------------------------
  Asked by:   Corner Shop

  Account information
    Will be shared:
      - The list of accounts
      - Balances
    Accounts:
      - DE02 1001 0010 9307 1186 03

  Account information

  Will share:
    - Your identity
  Time left:  2:05 min
================================================================
"""


@pytest.mark.clause("rfc9396-3-1")
def test_details_are_shown_text_by_text(bank: ScriptedBank) -> None:
    """Each under its title and label, before what the scope shares."""
    bare = ShownDetail("Account information", ())
    display = Display(
        title="Confirm access",
        client="Corner Shop",
        shares=("Your identity",),
        details=(DETAIL, bare),
    )
    assert render_challenge(bank.challenge(display=display), 125) == EXPECTED_DETAILS
    bold = render_challenge(bank.challenge(display=display), 125, bold=True)
    assert "- \x1b[1mDE02 1001 0010 9307 1186 03\x1b[0m" in bold


def test_what_matters_is_bold_on_a_terminal(bank: ScriptedBank) -> None:
    """The payment stands out."""
    view = render_challenge(bank.challenge(), 125, bold=True)
    for text in ("12.50 EUR", "Corner Shop Ltd", "DE89 3704 0044 0532 0130 00", "Invoice 4711"):
        assert f"\x1b[1m{text}\x1b[0m" in view
    assert view.replace("\x1b[1m", "").replace("\x1b[0m", "") == EXPECTED


def test_a_payee_named_like_an_account_stands_beside_no_account(bank: ScriptedBank) -> None:
    """The name keeps to its own line, and the account to its own label."""
    display = msgspec.structs.replace(
        bank.challenge().display, payee="Shop, DE02100100109307118603", payee_account=None
    )
    view = render_challenge(bank.challenge(display=display), 125)
    assert "  TO\n      Shop, DE02100100109307118603\n" in view
    assert "ACCOUNT" not in view


@pytest.mark.clause("ciba-7.1-15")
@pytest.mark.parametrize(
    "message",
    ["W4SCT", "12.50 € + Ünïcødé 日本", "a b  c", "x" * 100, "<b>&amp;</b> [31m %s {0} \\n"],
)
def test_the_binding_message_is_shown_unaltered(bank: ScriptedBank, message: str) -> None:
    """Uncut, unwrapped, uninterpreted, before any answer can be given."""
    display = msgspec.structs.replace(bank.challenge().display, binding_message=message)
    lines = render_challenge(bank.challenge(display=display), 60).splitlines()
    assert f"  Message:    {message}" in lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "<U+001B>[2J"),
        ("\x9b2J", "<U+009B>2J"),
        ("a\rb\nc", "a<U+000D>b<U+000A>c"),
        ("\u202e05.21", "<U+202E>05.21"),
        ("pay\u200bpal", "pay<U+200B>pal"),
        ("pay\u115fpal\u3164", "pay<U+115F>pal<U+3164>"),
        ("pay\u034fpal\ufe0f", "pay<U+034F>pal<U+FE0F>"),
        ("\u2028\u2029", "<U+2028><U+2029>"),
        ("\ue000", "<U+E000>"),
        ("\ud800", "<U+D800>"),
        ("Müller & Söhne, 日本 €", "Müller & Söhne, 日本 €"),
    ],
)
def test_controls_are_spelt_out(text: str, shown: str) -> None:
    """Nothing moves the cursor, hides or reorders; everything else stays as it is."""
    assert harmless(text) == shown


@given(text=st.text(min_size=1))
def test_no_text_adds_a_line_or_an_escape_to_the_view(
    enrolled: tuple[ScriptedBank, object], text: str
) -> None:
    """Whatever the service signs, the layout is the phone's."""
    display = Display(
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
    view = render_challenge(enrolled[0].challenge(display=display), 125)
    assert len(view.splitlines()) == len(EXPECTED.splitlines()) + len(("", text, text, *"--", ""))
    assert "\x1b" not in view


@pytest.mark.clause("rfc10027-6.1.14-2")
def test_declining_is_first_default_and_advised() -> None:
    """Enter declines; the advice stands above; approving is no larger."""
    choices = render_choices()
    assert choices.index("decline.") < choices.index("[ Enter ]  DECLINE\n")
    assert choices.index("DECLINE\n") < choices.index("APPROVE")
    assert choices.count("DECLINE") > choices.count("APPROVE")
