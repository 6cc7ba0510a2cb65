"""The binding message: plain text that reads the same on both devices, or a refusal."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.errors import InvalidBindingMessageError
from ciba_service.protocol.request.binding_message import parse_binding_message

EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194\u2195\u21a9\u231a\u23e9\u24c2\u25aa\u25b6\u25fb"
    "\u25fc\u25fd\u25fe\u2600\u260e\u2611\u2615\u263a\u2648\u2660\u267b\u2693\u26a0\u26ab\u2702"
    "\u2705\u2728\u2744\u274c\u2757\u2764\u2795\u27a1\u27b0\u2934\u2935\u2b05\u2b1b\u2b50\u3030"
    "\u303d\u3297\u3299\U0001f004\U0001f170\U0001f1e6\U0001f600\U0001f3fb\U0001f9d1"
)


@pytest.mark.parametrize(
    "message",
    [
        "1234",
        "W4SCT",
        "£5",
        "€12.50",
        "ชำระเงิน ฿100",
        "Pay 12.50 EUR?",
        "Überweisung an Müller & Söhne",
        "U\u0308ber",
        "Оплата 5 ₽",
        "Πληρωμή 10 €",
        "支払い 1000円",
        "\u062f\u0641\u0639 \u0661\u0660\u0660",
        "भुगतान ₹100",
        "2 + 2 = 4",
        "Bar: Кафе",
        "(a) [b] {c} «d» \u201ee\u201c",
        "snake_case#1*",
        "x" * 100,
        "e\u0301" * 100,
        "\u1f82" * 100,
        unicodedata.normalize("NFD", "\u1f82") * 100,
    ],
    ids=ascii,
)
@pytest.mark.clause("ciba-7.1-13")
def test_plain_text_is_accepted_and_stays_as_it_came(message: str):
    """Letters, marks, digits, punctuation, currency and mathematical signs, in any script."""
    assert parse_binding_message(message) == message


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 101, id="101-characters"),
        pytest.param("e\u0301" * 101, id="101-characters-after-nfc"),
        pytest.param(" ", id="a-space"),
        pytest.param(" a", id="leading-space"),
        pytest.param("a ", id="trailing-space"),
        pytest.param("a  b", id="two-spaces"),
        pytest.param("a\tb", id="tab"),
        pytest.param("a\nb", id="line-feed"),
        pytest.param("a\r\nb", id="two-lines"),
        pytest.param("a\x00b", id="nul"),
        pytest.param("a\x1b[2Jb", id="terminal-escape"),
        pytest.param("a\x7fb", id="delete"),
        pytest.param("a\x85b", id="next-line"),
        pytest.param("a\u00a0b", id="no-break-space"),
        pytest.param("a\u2003b", id="em-space"),
        pytest.param("a\u3000b", id="ideographic-space"),
        pytest.param("a\u2028b", id="line-separator"),
        pytest.param("a\u200bb", id="zero-width-space"),
        pytest.param("a\u200db", id="zero-width-joiner"),
        pytest.param("a\u202eb", id="right-to-left-override"),
        pytest.param("a\u2066b\u2069", id="isolate"),
        pytest.param("a\u00adb", id="soft-hyphen"),
        pytest.param("a\ufeffb", id="byte-order-mark"),
        pytest.param("a\U000e0041b", id="tag-character"),
        pytest.param("a\ue000b", id="private-use"),
        pytest.param("a\ud800b", id="half-a-surrogate-pair"),
        pytest.param("a\ufffeb", id="no-character"),
        pytest.param("a\u0378b", id="unassigned"),
        pytest.param("1\ufe0f\u20e3", id="keycap"),
        pytest.param("a\ufe0f", id="variation-selector"),
        pytest.param("a\U000e0100", id="ideographic-variation-selector"),
        pytest.param("a\u115fb", id="hangul-filler"),
        pytest.param("a\u3164b", id="another-hangul-filler"),
        pytest.param("a\u034fb", id="grapheme-joiner"),
        pytest.param("\u0301a", id="mark-first"),
        pytest.param("a \u0301b", id="mark-on-a-space"),
        pytest.param("x\u0323\u0331\u0353\u035a", id="four-marks"),
        pytest.param("p\u0430ypal", id="cyrillic-a-in-latin"),
        pytest.param("\u0391lpha", id="greek-alpha-in-latin"),
        pytest.param("\u0441om", id="cyrillic-s-in-latin"),
        pytest.param("ok: \u0440ay", id="second-word"),
        pytest.param("\uff50\u0430", id="full-width-latin-with-cyrillic"),
        pytest.param("\U0001d429\u0430", id="mathematical-latin-with-cyrillic"),
        pytest.param("p\u0561y", id="armenian-in-latin"),
        pytest.param("\u13aapple", id="cherokee-in-latin"),
        pytest.param("w\u2c9frd", id="coptic-in-latin"),
        pytest.param("\ua4d0pple", id="lisu-in-latin"),
        pytest.param("\u2800", id="blank-braille"),
        pytest.param("---", id="signs-only"),
        pytest.param("a^b", id="modifier-symbol"),
        pytest.param("½", id="other-number"),
        *(pytest.param(f"ok {emoji}", id=ascii(emoji)) for emoji in EMOJI),
        pytest.param(
            "Please approve this payment right now " + "\U0001f600漢字" * 140,
            id="the-certification-suites-message",
        ),
    ],
)
@pytest.mark.clause("ciba-7.1-14", "ciba-7.1-13")
def test_what_is_not_plain_text_is_refused(message: str):
    """It is refused with its own code, and neither cut nor cleaned."""
    with pytest.raises(InvalidBindingMessageError) as refused:
        parse_binding_message(message)
    assert (refused.value.status_code, refused.value.error) == (400, "invalid_binding_message")


@given(
    st.text(max_size=120)
    | st.text(st.characters(categories=["L", "M", "Nd", "P", "Sc", "Sm", "Zs"]), max_size=20)
)
def test_whatever_is_accepted_is_returned_unchanged(message: str):
    """Any text is refused or comes back as it was, and then it has 1 to 100 characters."""
    try:
        accepted = parse_binding_message(message)
    except InvalidBindingMessageError:
        return
    assert accepted == message
    assert 1 <= len(unicodedata.normalize("NFC", message)) <= 100
    assert message == message.strip()
    assert all(
        unicodedata.category(character)[0] in "LMNPS" or character == " " for character in message
    )


def test_a_pile_of_marks_is_refused_in_bounded_time():
    """Normalisation sorts marks in quadratic time; nothing long gets as far."""
    message = "a" + "\u0301\u0327" * 50_000
    began = time.process_time()
    with pytest.raises(InvalidBindingMessageError):
        parse_binding_message(message)
    assert time.process_time() - began < 1
