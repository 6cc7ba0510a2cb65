"""Plain text: what may be shown of texts that somebody else wrote, in any script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.plain_text import (
    _ORDINARY,
    NotPlainTextError,
    _parse,
    parse_plain_text,
)

LATIN_LOOK_ALIKES = {
    "Armenian": "w\u0585rd",
    "Cherokee": "\u13aapple",
    "small Cherokee": "w\uab8erd",
    "Coptic": "w\u2c9frd",
    "Coptic beside Greek": "w\u03eford",
    "Cyrillic": "w\u043erd",
    "Greek": "w\u03bfrd",
    "Lisu": "\ua4d0pple",
}


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "£5",
        "1234",
        "W4SCT",
        "€12.50",
        "Corner Shop Ltd",
        "Müller & Söhne (Köln) GmbH",
        "O\u2019Brien",
        "e\u0301",
        "Bäckerei Жук",
        "Οδός 5",
        "\u0540\u0561\u0575\u0561\u057d\u057f\u0561\u0576 LLC",
        "\u13e3\u13b3\u13a9 Inc",
        "\u062f\u0641\u0639 \u0661\u0660\u0660",
        "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f",
        "भुगतान ₹100",
        "ชำระเงิน ฿100",
        "한국은행",
        "支払い 1000円",
        "東京LLC株式会社",
    ],
    ids=ascii,
)
def test_words_of_any_script_are_plain_text(text: str):
    """They come back as they were."""
    assert parse_plain_text(text) == text


@pytest.mark.parametrize(
    "filler", ["\u3164", "\u115f", "\u1160", "\uffa0", "\u2800", "\u034f", "\u17b5", "\U00016fe4"]
)
@pytest.mark.parametrize("text", ["{}", "Shop{}", "{} {}", "Corner{}Shop"])
def test_letters_that_show_nothing_are_refused(filler: str, text: str):
    """Hangul fillers, the blank Braille pattern and their like: alone they are an empty name."""
    with pytest.raises(NotPlainTextError):
        parse_plain_text(text.format(filler, filler))


@pytest.mark.parametrize("text", ["-", "...", "£", "+", "( )", "\u02bc", "\u30fc", "'"], ids=ascii)
def test_a_text_has_a_letter_or_a_digit(text: str):
    """Signs alone are no name and no message; nor are letters that look like dashes or ticks."""
    with pytest.raises(NotPlainTextError, match="neither a letter nor a digit"):
        parse_plain_text(text)


@pytest.mark.parametrize("script", LATIN_LOOK_ALIKES)
def test_a_word_of_two_scripts_that_look_alike_is_refused(script: str):
    """Latin letters beside those of another script that could stand for them."""
    with pytest.raises(NotPlainTextError, match="mixes scripts"):
        parse_plain_text(f"ok {LATIN_LOOK_ALIKES[script]}")


def test_a_letter_bears_three_marks_at_most():
    """More would cover the line above, and a mark alone would cling to what stands before."""
    assert parse_plain_text("x\u0323\u0331\u0353")
    for text in ("x\u0323\u0331\u0353\u035a", "\u0301a", "a \u0301b"):
        with pytest.raises(NotPlainTextError, match="mark"):
            parse_plain_text(text)


@pytest.mark.parametrize("text", ["", " ", " a", "a ", "a  b"])
def test_spaces_stand_alone_between_words(text: str):
    """Neither at the ends nor two in a row."""
    with pytest.raises(NotPlainTextError, match="spaces"):
        parse_plain_text(text)


@given(st.text(max_size=40))
def test_a_text_is_refused_or_comes_back_as_it_was(text: str):
    """It is never changed, and what is accepted shows at least one letter or digit."""
    try:
        assert parse_plain_text(text) == text
    except NotPlainTextError:
        return
    assert any(character.isalnum() for character in text)


@given(st.text(alphabet=[chr(point) for point in range(0x1F, 0x80)], max_size=20))
def test_ordinary_texts_are_judged_by_no_other_rules(text: str):
    """What is found fit at a glance is what every rule together finds fit."""
    if _ORDINARY.fullmatch(text):
        assert _parse(text) == text
    try:
        expected = _parse(text)
    except NotPlainTextError:
        with pytest.raises(NotPlainTextError):
            parse_plain_text(text)
    else:
        assert parse_plain_text(text) == expected
