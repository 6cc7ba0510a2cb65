"""The sockets of ``serve``: bound once, and used by whoever inherits them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Final, Self

from ciba_service.commands.outcome import CommandFailed, reason
from ciba_service.listening.listeners import bound_socket
from ciba_service.settings import Settings

__all__ = ["BACKLOG", "BoundAddresses", "bound_addresses", "bound_metrics"]

BACKLOG: Final = 2_048
_ABSENT: Final = "-"
_LAST_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class BoundAddresses:
    """One listening socket for each listener that the configuration has."""

    ordinary: socket.socket
    mtls: socket.socket | None = None
    operator: socket.socket | None = None
    grants: socket.socket | None = None
    metrics: socket.socket | None = None

    @classmethod
    def inherited(cls, words: str) -> Self:
        """What ``words`` of another process names."""
        ordinary, *others = (
            None if word == _ABSENT else socket.socket(fileno=int(word))
            for word in words.split(",")
        )
        if ordinary is None:
            raise AssertionError("there always is an ordinary listener")
        return cls(ordinary, *others)

    @property
    def words(self) -> str:
        """Numbers of descriptors, in the order of the fields, for ``inherited``."""
        return ",".join(_ABSENT if each is None else str(each.fileno()) for each in self._all())

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """Those that there are."""
        return tuple(each for each in self._all() if each is not None)

    def ports(self) -> dict[str, int | None]:
        """Where they listen, as the log names it."""
        return {
            "port": _port_of(self.ordinary),
            "mtls_port": _port_of(self.mtls),
            "operator_port": _port_of(self.operator),
            "grants_port": _port_of(self.grants),
            "metrics_port": _port_of(self.metrics),
        }

    def close(self) -> None:
        """Listen no longer; others that have inherited them go on."""
        for each in self.sockets:
            each.close()

    def _all(self) -> tuple[socket.socket | None, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))


@contextmanager
def bound_addresses(settings: Settings) -> Iterator[BoundAddresses]:
    """Listen everywhere, on the first worker's port for metrics; raises ``CommandFailed``."""
    server, mtls, operator = settings.server, settings.mtls, settings.operator
    grants = settings.grants
    addresses = BoundAddresses(_bind(server.host, server.port))
    try:
        if mtls.port is not None and server.tls_certificate is not None:
            addresses = replace(addresses, mtls=_bind(mtls.host, mtls.port))
        if settings.operators:
            addresses = replace(addresses, operator=_bind(operator.host, operator.port))
        if grants.port is not None:
            addresses = replace(addresses, grants=_bind(grants.host, grants.port))
        addresses = replace(addresses, metrics=bound_metrics(settings))
        yield addresses
    finally:
        addresses.close()


def bound_metrics(settings: Settings, worker: int = 0) -> socket.socket | None:
    """Listen where Prometheus reads the figures of one worker; raises ``CommandFailed``.

    Each has a port of its own, one after the other: the figures are those of its process.
    """
    metrics = settings.metrics
    if metrics.port is None:
        return None
    port = metrics.port and metrics.port + worker
    if port > _LAST_PORT:
        raise CommandFailed(f"cannot listen on {metrics.host}:{port}: there is no such port")
    return _bind(metrics.host, port)


def _port_of(bound: socket.socket | None) -> int | None:
    return None if bound is None else bound.getsockname()[1]


def _bind(host: str, port: int) -> socket.socket:
    try:
        return bound_socket(host, port, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        raise CommandFailed(f"cannot listen on {host}:{port}: {reason(error)}") from error
