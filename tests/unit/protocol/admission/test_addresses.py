"""Under which address a request counts."""

import pytest

from ciba_service.protocol.admission.addresses import (
    InvalidForwardedAddressError,
    counted_address,
    forwarded_address,
)


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no:address", "no:address"),
        ("unix", "unix"),
        ("1" * 100, "1" * 64),
        (":" * 100, ":" * 64),
    ],
)
def test_a_subscriber_counts_as_one(text: str, counted: str):
    """Whoever has one address of IPv6 has 2^64 of them."""
    assert counted_address(text) == counted


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ([b"192.0.2.1"], "192.0.2.1"),
        ([b"198.51.100.7, 192.0.2.1"], "192.0.2.1"),
        ([b"198.51.100.7", b"10.0.0.1 ,\t2001:DB8::1 "], "2001:db8::1"),
    ],
)
def test_the_last_is_what_the_proxy_saw(lines: list[bytes], address: str):
    """What stands before it anybody can have sent."""
    assert forwarded_address(lines) == address


@pytest.mark.parametrize(
    "lines", [[], [b""], [b"192.0.2.1,"], [b"192.0.2.1, unknown"], [b"192.0.2.1:80"], [b"\xff"]]
)
def test_what_is_no_address_is_refused(lines: list[bytes]):
    """The proxy's own counts then."""
    with pytest.raises(InvalidForwardedAddressError):
        forwarded_address(lines)
