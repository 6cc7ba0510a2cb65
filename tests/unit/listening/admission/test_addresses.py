"""Where a request came from, by its connection or by a proxy that is believed."""

from typing import Any

import pytest

from ciba_service.listening.admission.addresses import Addresses, Origin
from ciba_service.listening.peer import peer_address
from ciba_service.protocol.client.certificates.proxies import TrustedProxies

PROXIES = TrustedProxies.parse(["10.0.0.0/8", "unix"])


def scope(address: str | None, *lines: bytes) -> dict[str, Any]:
    """A request over a connection from there, with lines of ``X-Forwarded-For``."""
    client = None if address is None else (address, 1)
    return {"client": client, "headers": [(b"x-forwarded-for", line) for line in lines]}


@pytest.fixture
def told() -> Addresses:
    """Behind proxies that tell."""
    return Addresses(PROXIES, "X-Forwarded-For")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.1", Origin("192.0.2.1", is_one=True)),
        ("2001:db8::1", Origin("2001:db8::/64", is_one=True)),
        ("127.0.0.1", Origin("127.0.0.1", is_one=False)),
        (None, Origin("unix", is_one=False)),
    ],
)
def test_without_proxies_the_connection_counts(address: str | None, origin: Origin):
    """Whatever a header says; on this machine there may be a proxy that nobody configured."""
    asked = scope(address, b"198.51.100.7")
    assert Addresses().origin(asked) == Addresses().origin(asked) == origin
    assert peer_address(asked) == address


def test_a_believed_proxy_says_who_it_is(told: Addresses):
    """From then on that is the address, also of what is told of the request."""
    for proxy in ("10.1.2.3", None):
        asked = scope(proxy, b"198.51.100.7, 192.0.2.1")
        assert told.origin(asked) == Origin("192.0.2.1", is_one=True)
        assert peer_address(asked) == "192.0.2.1"


def test_nobody_else_is_believed(told: Addresses):
    """Who comes directly may send whatever header it likes."""
    asked = scope("192.0.2.9", b"192.0.2.1")
    assert told.origin(asked) == Origin("192.0.2.9", is_one=True)
    assert peer_address(asked) == "192.0.2.9"


def test_a_proxy_that_tells_nothing_is_nobody(told: Addresses):
    """Behind it are many: they share a turn, and none is blamed for another."""
    assert told.origin(scope("10.1.2.3")) == Origin("10.1.2.3", is_one=False)
    assert Addresses(PROXIES).origin(scope("10.1.2.3", b"192.0.2.1")).is_one is False


def test_by_the_connection_alone_nothing_is_said_behind_a_proxy_that_tells(told: Addresses):
    """The head has to be read first."""
    assert told.key("10.1.2.3") is None
    assert told.key("192.0.2.1") == "192.0.2.1"
    assert Addresses(PROXIES).key("10.1.2.3") == "10.1.2.3"
    assert Addresses().key("2001:db8::1") == "2001:db8::/64"


def test_what_is_kept_of_addresses_is_bounded():
    """And an address that was forgotten is looked at again."""
    addresses = Addresses()
    for number in range(5_000):
        addresses.origin(scope(f"192.0.{number // 256}.{number % 256}"))
        assert 0 < len(addresses._connected) <= 4_096
    assert len(addresses._connected) == 5_000 - 4_096
    assert addresses.origin(scope("192.0.0.1")).key == "192.0.0.1"
