"""Addresses, waiting times and close codes."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticator_sim.connection.addresses import (
    is_loopback,
    require_issuer,
    require_protected,
    tls_context,
)
from authenticator_sim.connection.backoff import Backoff
from authenticator_sim.connection.close_codes import AfterClose, after_close
from authenticator_sim.errors import AddressRefused, UsageError
from ciba_service.sca.messages import CloseCode

PROTOCOL_PAGE = Path(__file__).parents[4] / "docs" / "device-protocol.md"


@pytest.mark.parametrize(
    "url",
    [
        "https://op.example",
        "wss://op.example/device/ws",
        "http://localhost:8000",
        "ws://127.0.0.1:8000/device/ws",
        "http://127.8.8.8",
        "ws://[::1]:8000",
    ],
)
def test_tls_anywhere_and_plain_text_on_this_machine(url: str) -> None:
    """These may be used."""
    assert require_protected(url) == url


@pytest.mark.clause("sca-art4-8", "sca-art5-6", "fapi-ciba-7.7-1")
@pytest.mark.parametrize(
    "url",
    [
        "http://op.example",
        "ws://op.example",
        "http://localhost.op.example",
        "http://127.0.0.1.op.example",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://alice@localhost",
        "https://alice:secret@op.example",
        "ftp://localhost",
        "https://",
        "op.example",
        "http://[::1",
        "",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    """No plain text leaves this machine."""
    with pytest.raises(AddressRefused):
        require_protected(url)


def test_an_issuer_has_no_slash_at_its_end() -> None:
    """As browsers write it, and as no metadata has it."""
    assert require_issuer("http://localhost:8000") == "http://localhost:8000"
    with pytest.raises(AddressRefused, match="no slash"):
        require_issuer("http://localhost:8000/")
    with pytest.raises(AddressRefused, match="must begin with"):
        require_issuer("http://op.example")


def test_this_machine_is_known_by_address_or_name() -> None:
    """Not by a name somebody else may choose."""
    assert is_loopback("http://localhost")
    assert not is_loopback("http://localhost.example")
    assert not is_loopback("no address")


def test_a_file_that_holds_no_certificates_is_refused(tmp_path: Path) -> None:
    """Missing or of another kind."""
    wrong = tmp_path / "wrong.pem"
    with pytest.raises(UsageError, match=re.escape(str(wrong))):
        tls_context(wrong)
    wrong.write_text("no certificate")
    with pytest.raises(UsageError, match=re.escape(str(wrong))):
        tls_context(wrong)


@given(st.binary(min_size=4, max_size=4))
def test_waiting_times_double_with_jitter_up_to_half_a_minute(draw: bytes) -> None:
    """Each delay lies between half of the doubled time and the whole."""
    backoff = Backoff(lambda _length: draw)
    for ceiling in (500, 1000, 2000, 4000, 8000, 16000, 30000, 30000):
        assert ceiling // 2 <= backoff.next_delay_ms() <= ceiling
    backoff.reset()
    assert backoff.next_delay_ms() <= 500


def test_the_jitter_uses_the_whole_range() -> None:
    """From the least to the greatest draw."""
    assert Backoff(lambda _: b"\x00" * 4).next_delay_ms() == 250
    assert Backoff(lambda _: b"\xff" * 4).next_delay_ms() == 500


def test_the_phone_does_after_each_close_code_what_the_protocol_page_says() -> None:
    """The table of the page, row by row."""
    rows = re.findall(
        r"^\| (\d{4}) \| \w+ \| .* \| (.*) \|$", PROTOCOL_PAGE.read_text(), re.MULTILINE
    )
    assert {int(code) for code, _ in rows} == {code.value for code in CloseCode}
    for code, then in rows:
        assert after_close(int(code)) is AfterClose(then)


@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 1011, 4000, 4999])
def test_after_any_other_end_the_phone_backs_off(code: int | None) -> None:
    """Unknown codes included."""
    assert after_close(code) is AfterClose.BACK_OFF
