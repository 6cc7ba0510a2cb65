"""Addresses, cookies and cursors: texts that anybody may send, or a proxy may pass on."""

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from ciba_service.endpoints.operator.session_cookie import CookieForm
from ciba_service.protocol.admission.addresses import (
    InvalidForwardedAddressError,
    counted_address,
    forwarded_address,
)
from ciba_service.protocol.client.certificates.proxies import InvalidNetworkError, TrustedProxies
from ciba_service.protocol.client.key_document import lifetime_of
from ciba_service.protocol.loopback import is_loopback_address
from ciba_service.protocol.operators.cursors import cursor, parse_cursor
from ciba_service.protocol.operators.problems import OperatorRefused
from ciba_service.protocol.operators.sessions import SessionCookie
from ciba_service.protocol.outbound.url import InvalidUrlError, literal_address, parse_outbound_url
from ciba_service.protocol.security_events.push import PushAnswer, judge_push
from ciba_service.protocol.transaction.callbacks import Answer, judge
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, any_text, compact, damaged, documents, outcome

LATIN = RAW.map(lambda data: data.decode("latin-1"))


class Place(msgspec.Struct, frozen=True):
    """A place in some list."""

    at: int
    name: str


def _texts(valid: str) -> st.SearchStrategy[str]:
    """Any text, and this one with something wrong in it."""
    return st.one_of(
        any_text, LATIN, damaged(valid.encode()).map(lambda data: data.decode("latin-1"))
    )


@fuzzed
@given(_texts("https://shop.example:8443/a%20b?c=d"))
@example("http://" + "a." * 50_000)
@example("http://" + "0" * 2_000)
@example("http://0x7f000001/")
@example("http://[::ffff:127.0.0.1%25lo]/")
def test_an_outbound_url_is_one_that_says_where_it_leads(text: str) -> None:
    """What is asked has a host in one spelling and a port that exists."""
    url = outcome(parse_outbound_url, InvalidUrlError)(text)
    if url is not None:
        assert 0 < url.port < 65_536
        again = parse_outbound_url(f"{url.scheme}://{url.authority}{url.target}")
        assert again == url
        assert literal_address(url.host) is not None or not url.host.replace(".", "").isdigit()


@fuzzed
@given(st.lists(st.one_of(RAW, damaged(b"10.0.0.1, fe80::1%eth0 , ::ffff:1.2.3.4")), max_size=3))
@example([b"," * 100_000])
@example([b"9" * 100_000])
@example(["\u0661.1.1.1".encode()])
def test_a_forwarded_address_is_one(lines: list[bytes]) -> None:
    """What a proxy says counts as an address, or the request is refused."""
    address = outcome(forwarded_address, InvalidForwardedAddressError)(lines)
    if address is not None:
        assert literal_address(address) is not None
        assert len(counted_address(address)) <= 64
        is_loopback_address(address)


@fuzzed
@given(_texts("fe80::1%eth0"))
@example(":" * 100_000)
def test_whatever_stands_for_a_peer_counts_as_something_short(text: str) -> None:
    """Admission keeps nothing long, whoever connects."""
    assert len(counted_address(text)) <= 64
    TrustedProxies.parse(["10.0.0.0/8"]).believes(text)
    is_loopback_address(text)


@fuzzed
@given(st.lists(_texts("10.0.0.0/24"), max_size=3))
def test_networks_of_proxies_are_read_or_refused(entries: list[str]) -> None:
    """A mistake in the configuration is told as one."""
    outcome(TrustedProxies.parse, InvalidNetworkError)(entries)


@fuzzed
@given(st.lists(_texts(f"ciba-operator={'a' * 32}.{'b' * 43}; other=1"), max_size=3))
@example([";" * 100_000])
@example(["ciba-operator=" + "=" * 100_000])
def test_a_session_cookie_is_one_or_none(lines: list[str]) -> None:
    """Of what browsers keep, only what this service made is looked for."""
    value = outcome(CookieForm(is_secure=False).read, OperatorRefused)(lines)
    cookie = None if value is None else SessionCookie.parse(value)
    assert cookie is None or cookie.text == value


@fuzzed
@given(st.one_of(_texts(cursor(Place(7, "x"))), documents([7, "x"]).map(lambda data: data.hex())))
@example(cursor(Place(2**63, "x" * 1_000)))
def test_a_cursor_is_a_place_or_refused(text: str) -> None:
    """Whoever makes one up gets another page, or none."""
    place = outcome(parse_cursor, OperatorRefused)(text, Place)
    assert place is None or isinstance(place.at, int)


RETRY = st.one_of(st.none(), _texts("Wed, 21 Oct 2026 07:28:00 GMT"), st.integers().map(str))


@fuzzed
@given(st.integers(100, 999), RETRY)
@example(429, "9" * 100_000)
@example(429, "Wed, 99 Oct 9999 99:99:99 GMT")
@example(503, "Sat, 01 Jan 0001 00:00:00 GMT")
def test_what_a_client_answers_delays_a_callback_within_bounds(
    status: int, wish: str | None
) -> None:
    """Whatever stands in ``Retry-After``, there is a next time before the deadline, or an end."""
    judged = judge(
        Answer(status, wish), attempt=1, now=10**12, deadline=10**12 + 60_000, jitter=0.5
    )
    assert getattr(judged, "at", 10**12 + 1) < 10**12 + 60_000
    assert getattr(judged, "at", 10**12 + 1) > 10**12


@fuzzed
@given(st.integers(100, 999), documents({"err": "invalid_key"}), RETRY)
@example(400, compact({"err": "x" * 100_000}), "1")
def test_what_a_receiver_answers_is_judged(status: int, body: bytes, wish: str | None) -> None:
    """Of any answer follows one of three things, and no pause without end."""
    answer = PushAnswer(status, body, wish)
    judged = judge_push(answer, attempt=1, now=10**12, until=2 * 10**12, jitter=0.5)
    assert getattr(judged, "at", 10**12) <= 10**12 + 600_000


@fuzzed
@given(st.one_of(st.none(), _texts('public, max-age="600", no-cache')))
@example("max-age=" + "9" * 100_000)
@example("max-age" + " " * 100_000)
def test_a_key_set_counts_for_a_minute_to_a_day(cache_control: str | None) -> None:
    """Whatever ``Cache-Control`` says."""
    assert 60 <= lifetime_of(cache_control) <= 86_400
