"""Which addresses are open: public ones, and those that the operator names."""

from ipaddress import ip_network

import pytest

from ciba_service.protocol.outbound.addresses import (
    AddressPolicy,
    InvalidAllowListError,
)

METADATA = [
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16",
    "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
]  # fmt: skip
NOWHERE = ["0.0.0.0", "224.0.0.1", "239.255.255.255", "255.255.255.255", "::", "ff02::1"]  # noqa: S104


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "::ffff:1.1.1.1",
        "2002:101:101::1",
        "64:ff9b::101:101",
        "2001:200::1",
        "2606:4700:4700::1111",
        "3ffe::1",
    ],
)
def test_public_addresses_are_open(address: str):
    """Without anybody's word."""
    assert AddressPolicy().permits(address)


@pytest.mark.parametrize(
    "address",
    [
        *METADATA,
        *NOWHERE,
        "0.1.2.3",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.1",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "192.175.48.1",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "240.0.0.0",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::101:101",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a00:1::1",
        "2620:4f:8000::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700:4700::1111%eth0",
        "fec0::1",
        "",
        "localhost",
        "1.1.1",
        "1.1.1.1/32",
    ],
)
def test_all_others_are_closed(address: str):
    """This machine, its neighbours, documentation, embedded ones, and what is no address."""
    assert not AddressPolicy().permits(address)


@pytest.mark.parametrize(
    ("networks", "address", "is_open"),
    [
        (["10.1.0.0/16"], "10.1.255.255", True),
        (["10.1.0.0/16"], "10.2.0.0", False),
        (["10.1.0.0/16"], "::ffff:10.1.0.1", True),
        (["10.1.0.0/16"], "64:ff9b::10.1.0.1", True),
        (["10.1.0.0/16"], "2002:a01:1::1", True),
        (["10.1.0.0/16"], "1.1.1.1", True),
        (["64:ff9b::/96"], "64:ff9b::10.1.0.1", False),
        (["2002::/16"], "2002:a01:1::1", False),
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.1"], "127.0.0.2", False),
        (["10.0.0.0/8", "fd12::/48"], "fd12::1", True),
        (["fd12::/48"], "fe80::1%eth0", False),
        (["fe80::/10"], "fe80::1", True),
        (["fe80::/10"], "fe80::1%eth0", False),
    ],
)
def test_named_networks_are_open(networks: list[str], address: str, *, is_open: bool):
    """An embedded IPv4 address must be open itself."""
    assert AddressPolicy.parse(networks).permits(address) is is_open


@pytest.mark.parametrize("address", METADATA)
def test_credentials_of_a_cloud_are_opened_one_by_one(address: str):
    """No network that holds such an address opens it: its own entry does."""
    everything = AddressPolicy.parse(["0.0.0.0/0", "::/0", "169.254.0.0/16", "fd00:ec2::/32"])
    assert not everything.permits(address)
    assert AddressPolicy.parse([address]).permits(address)


@pytest.mark.parametrize("address", NOWHERE)
def test_nowhere_is_never_open(address: str):
    """No connection leads to everybody or to nobody."""
    assert not AddressPolicy.parse(["0.0.0.0/0", "::/0", address]).permits(address)


def test_networks_are_read():
    """Addresses and networks of both kinds."""
    assert AddressPolicy.parse(["10.0.0.1", "fd00::/8"]).allowed == (
        ip_network("10.0.0.1/32"),
        ip_network("fd00::/8"),
    )


@pytest.mark.parametrize("text", ["", "ten", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "fe80::1%lo/8"])
def test_what_is_no_network_is_refused(text: str):
    """The refusal names the entry."""
    with pytest.raises(InvalidAllowListError, match="is not an address or network"):
        AddressPolicy.parse([text])
