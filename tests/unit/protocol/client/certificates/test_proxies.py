"""Trusted proxies: who may say what certificate a client has shown."""

import pytest

from ciba_service.protocol.client.certificates.proxies import InvalidNetworkError, TrustedProxies


@pytest.mark.clause("rfc8705-6.5-1")
@pytest.mark.parametrize(
    ("entry", "peer"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("10.0.0.0/24", "10.0.0.255"),
        ("10.0.0.0/24", "::ffff:10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.0/120", "10.0.0.9"),
        ("::ffff:10.0.0.0/120", "::ffff:10.0.0.9"),
        ("fd00::/64", "fd00::1"),
        ("fe80::/64", "fe80::1%eth0"),
        ("::1", "0:0:0:0:0:0:0:1"),
    ],
)
def test_a_peer_of_a_configured_network_is_believed(entry: str, peer: str):
    """However its address is written; IPv4 peers of a socket for both families too."""
    assert TrustedProxies.parse(["192.0.2.1", entry]).believes(peer)


@pytest.mark.clause("rfc8705-6.5-1")
@pytest.mark.parametrize(
    "peer",
    ["10.0.1.7", "::ffff:10.0.1.7", "::10.0.0.7", "fd00:0:0:1::1", "", "unix", "10.0.0", "host"],
)
def test_another_peer_is_not_believed(peer: str):
    """Neither strangers nor what is no address."""
    assert not TrustedProxies.parse(["10.0.0.0/24", "fd00::/64", "unix"]).believes(peer)


def test_a_unix_socket_is_believed_only_when_said():
    """Such a peer has no address."""
    assert TrustedProxies.parse(["unix"]).believes(None)
    assert not TrustedProxies.parse(["10.0.0.0/24"]).believes(None)


def test_nobody_is_believed_by_default():
    """Headers are ignored until somebody is named."""
    nobody = TrustedProxies.parse([])
    assert nobody == TrustedProxies()
    assert not any(nobody.believes(peer) for peer in (None, "127.0.0.1", "::1"))


@pytest.mark.parametrize(
    "entry", ["", "proxy", "10.0.0.1/24", "10.0.0.0/33", "0.0.0.0/0", "::/0", "::ffff:0:0/96", "*"]
)
def test_an_entry_that_is_malformed_or_means_everybody_is_refused(entry: str):
    """The text names it."""
    with pytest.raises(InvalidNetworkError, match="'"):
        TrustedProxies.parse(["10.0.0.0/24", entry])
