"""Which web pages may act as phones."""

import pytest

from ciba_service.sca.phones.web_origins import ForeignOrigin, WebOrigins

ORIGINS = WebOrigins.of(["https://app.bank.example", "android:apk-key-hash:" + "A" * 43])


def test_whoever_names_no_origin_is_a_native_phone():
    """Only browsers name one."""
    assert ORIGINS.page([]) is None


def test_a_page_of_a_configured_origin_is_let_in():
    """It gets its own origin back, and no other."""
    assert ORIGINS.page(["https://app.bank.example"]) == "https://app.bank.example"


@pytest.mark.parametrize(
    "lines",
    [
        ["null"],
        [""],
        ["*"],
        ["http://app.bank.example"],
        ["https://app.bank.example:443"],
        ["https://app.bank.example:8443"],
        ["https://app.bank.example/"],
        ["https://app.bank.example."],
        ["https://APP.bank.example"],
        ["https://app.bank.example.evil.example"],
        ["https://evil.example#https://app.bank.example"],
        ["https://app.bank.example https://evil.example"],
        ["https://app.bank.example, https://app.bank.example"],
        ["https://app.bank.example", "https://app.bank.example"],
        ["https://bank.example"],
        ["android:apk-key-hash:" + "A" * 43],
    ],
)
def test_no_other_page_is_let_in(lines: list[str]):
    """Compared to the letter; a list, or two headers, are nobody's."""
    with pytest.raises(ForeignOrigin):
        ORIGINS.page(lines)
