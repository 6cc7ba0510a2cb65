"""Addresses of this machine are known by themselves."""

import pytest

from ciba_service.protocol.loopback import is_loopback_address


@pytest.mark.parametrize(
    ("text", "is_loopback"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("10.0.0.1", False),
        ("192.0.2.1", False), ("localhost", False), ("x", False), ("", False),
    ],
)  # fmt: skip
def test_loopback_is_an_address(text: str, *, is_loopback: bool):
    """Names are not asked."""
    assert is_loopback_address(text) is is_loopback
