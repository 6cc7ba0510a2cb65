"""URLs that the service asks: one plain spelling is read, all others are refused."""

from ipaddress import IPv6Address

import pytest

from ciba_service.protocol.outbound.url import (
    MAXIMUM_URL_LENGTH,
    InvalidUrlError,
    OutboundUrl,
    parse_outbound_url,
)

MAPPED = str(IPv6Address("::ffff:1.2.3.4"))
"""Which of two spellings this is depends on the version of Python; here it is always that one."""


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "target", "authority"),
    [
        ("https://till.example", "https", "till.example", 443, "/", "till.example"),
        ("https://TILL.Example/", "https", "till.example", 443, "/", "till.example"),
        ("https://till.example:443/a", "https", "till.example", 443, "/a", "till.example"),
        ("https://till:8443/a/../b", "https", "till", 8443, "/a/../b", "till:8443"),
        ("http://till:443/", "http", "till", 443, "/", "till:443"),
        ("http://localhost:80/", "http", "localhost", 80, "/", "localhost"),
        ("https://till?a=b/c?d", "https", "till", 443, "/?a=b/c?d", "till"),
        ("https://till/a;b=%2F'(c)*,@:?x=%7e", "https", "till", 443, "/a;b=%2F'(c)*,@:?x=%7e",
         "till"),
        ("https://_a-b_.x--y.example", "https", "_a-b_.x--y.example", 443, "/",
         "_a-b_.x--y.example"),
        ("https://xn--bcher-kva.example", "https", "xn--bcher-kva.example", 443, "/",
         "xn--bcher-kva.example"),
        ("https://192.0.2.1:65535/", "https", "192.0.2.1", 65_535, "/", "192.0.2.1:65535"),
        ("https://[2001:DB8::1]/", "https", "2001:db8::1", 443, "/", "[2001:db8::1]"),
        ("https://[2001:db8:0::1]:1/", "https", "2001:db8::1", 1, "/", "[2001:db8::1]:1"),
        ("https://[::ffff:1.2.3.4]/", "https", MAPPED, 443, "/", f"[{MAPPED}]"),
        ("https://1.example/", "https", "1.example", 443, "/", "1.example"),
        (f"https://{'a' * 63}.example/", "https", f"{'a' * 63}.example", 443, "/",
         f"{'a' * 63}.example"),
    ],
)  # fmt: skip
def test_a_plain_url_is_read(
    text: str, scheme: str, host: str, port: int, target: str, authority: str
):
    """Scheme, host in lower case, port, and what follows as it came."""
    url = parse_outbound_url(text)
    assert url == OutboundUrl(scheme, host, port, target)
    assert url.authority == authority


@pytest.mark.parametrize(
    "text",
    [
        "",
        "till.example",
        "//till.example/",
        "https:/till.example",
        "https://",
        "https:///a",
        "HTTPS://till.example",
        "ftp://till.example",
        "https://me@till.example/",
        "https://me:pw@till.example/",
        "https://till.example/#",
        "https://till.example/?a#b",
        "https://till.example\\@other.example/",
        "https://till.example:/",
        "https://till.example:0/",
        "https://till.example:08/",
        "https://till.example:65536/",
        "https://till.example:99999/",
        "https://till.example:443443/",
        "https://till.example:a/",
        "https://till.example./",
        "https://till..example/",
        "https://.till.example/",
        "https://-till.example/",
        "https://till-.example/",
        f"https://{'a' * 64}.example/",
        f"https://{'.'.join(['a' * 60] * 5)}/",
        "https://till%2eexample/",
        "https://tïll.example/",
        "https://till.example/ä",
        "https://till.example/a b",
        "https://till.example/a\r\nX: y",
        "https://till.example/\n",
        "https://till.example\n",
        " https://till.example/",
        "https://till.example/%",
        "https://till.example/%4",
        "https://till.example/%zz",
        "https://till.example/{a}",
        "https://till.example/?a|b",
        'https://till.example/"',
        "https://127.1/",
        "https://127.0.0.01/",
        "https://0127.0.0.1/",
        "https://256.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x/",
        "https://till.example.0x7f/",
        "https://[::1/",
        "https://[]/",
        "https://[1.2.3.4]/",
        "https://[::1%25lo]/",
        "https://[:::1]/",
        "https://::1/",
        "https://till.example/" + "a" * MAXIMUM_URL_LENGTH,
    ],
)
def test_every_other_url_is_refused(text: str):
    """What two readers could read in two ways, or hides something, is not asked."""
    with pytest.raises(InvalidUrlError) as caught:
        parse_outbound_url(text)
    assert not text or text not in str(caught.value)


def test_what_follows_the_host_is_not_shown():
    """A query may be a secret: no log has it by habit."""
    assert "secret" not in repr(parse_outbound_url("https://till.example/?secret"))


@pytest.mark.parametrize(
    ("text", "is_loopback"),
    [
        ("http://localhost/", True),
        ("http://127.0.0.1/", True),
        ("http://127.9.9.9/", True),
        ("http://[::1]/", True),
        ("http://localhost.example/", False),
        ("http://10.0.0.1/", False),
        ("http://[fe80::1]/", False),
    ],
)
def test_loopback_is_named(text: str, *, is_loopback: bool):
    """By its name or by an address."""
    assert parse_outbound_url(text).names_loopback is is_loopback
