"""The sockets of ``serve``: one for each listener, handed on by number, and closed together."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from ciba_service.commands.outcome import CommandFailed
from ciba_service.commands.serving.bound_addresses import (
    BoundAddresses,
    bound_addresses,
    bound_metrics,
)
from ciba_service.settings import Settings, parse_settings
from tests.ports import free_port
from tests.services.running_service import _toml
from tests.wire.grants import token_endpoint
from tests.wire.operator import operator

ANNA = operator("anna", "a-token-of-an-operator", "read")


def settings_of(**sections: Any) -> Settings:
    """A configuration that takes free ports."""
    issuer = "http://127.0.0.1:8080"
    merged = {"server": {"port": 0}, **sections}
    return parse_settings(_toml(issuer, (), (), merged), {})


@pytest.fixture
def addresses() -> Iterator[BoundAddresses]:
    """Of a service with all listeners but the one for certificates."""
    settings = settings_of(
        operators=[ANNA],
        operator={"port": 0},
        token_endpoints=[token_endpoint("bank", "a-token-of-its-own")],
        grants={"port": 0},
        metrics={"port": 0},
    )
    with bound_addresses(settings) as bound:
        yield bound


def test_there_is_a_socket_for_each_listener(addresses: BoundAddresses):
    """And none for what is not configured."""
    assert len(addresses.sockets) == 4
    ports = addresses.ports()
    assert ports.pop("mtls_port") is None
    assert sorted(ports.values(), key=str) == sorted(
        (each.getsockname()[1] for each in addresses.sockets), key=str
    )


def test_whoever_inherits_them_has_the_same(addresses: BoundAddresses):
    """Each in its place, told by numbers alone; nobody closes those of another."""
    words = [word if word == "-" else str(os.dup(int(word))) for word in addresses.words.split(",")]
    inherited = BoundAddresses.inherited(",".join(words))
    assert inherited.ports() == addresses.ports()
    inherited.close()
    assert addresses.ordinary.fileno() > 0


def test_each_worker_has_a_port_of_its_own_for_metrics():
    """One after the other; without metrics there is none."""
    port = free_port()
    settings = settings_of(metrics={"port": port})
    second = bound_metrics(settings, 1)
    assert second is not None
    with second:
        assert second.getsockname()[1] == port + 1
        with pytest.raises(CommandFailed, match=f"cannot listen on 127.0.0.1:{port + 1}"):
            bound_metrics(settings, 1)
    assert bound_metrics(settings_of(), 1) is None


def test_a_port_beyond_all_ports_is_refused():
    """The last workers would have it."""
    with pytest.raises(CommandFailed, match="cannot listen"):
        bound_metrics(settings_of(metrics={"port": 65_535}), 1)


def test_what_was_bound_is_closed_when_the_next_cannot_be():
    """Nobody else is kept from it."""
    taken = settings_of()
    with bound_addresses(taken) as other:
        port = other.ordinary.getsockname()[1]
        free = free_port()
        settings = settings_of(server={"port": free}, metrics={"port": port})
        with pytest.raises(CommandFailed, match=str(port)), bound_addresses(settings):
            pytest.fail("it is taken")
        with bound_addresses(settings_of(server={"port": free})):
            pass
