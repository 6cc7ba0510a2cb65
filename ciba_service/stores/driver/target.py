"""Where Redis is: one server, the master that Sentinel names, or a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Self
from urllib.parse import unquote, urlsplit

__all__ = ["Address", "RedisMode", "RedisTarget", "RedisTls", "ReplicaWait"]

_SCHEMES: Final = frozenset({"redis", "rediss", "unix"})
_REDIS_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379


class RedisMode(StrEnum):
    """How several servers, if there are several, belong together."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Address:
    """A server, a sentinel, or a node of a cluster."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ReplicaWait:
    """How many replicas must have a write, and how long each batch waits for them."""

    replicas: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class RedisTls:
    """Files for TLS; without ``ca_file`` the system's authorities are trusted.

    Certificate and host name are always verified, and TLS 1.2 is the least.
    """

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """Everything needed to connect; timeouts are in seconds, secrets stay out of ``repr``.

    ``pool_size`` is for connections to each node of a cluster; commands to one server need one. The
    timeouts are well below the time for which an operation is repeated: a dead connection must not
    use it up.
    """

    mode: RedisMode = RedisMode.SINGLE
    addresses: tuple[Address, ...] = ()
    unix_socket: str | None = None
    master_name: str | None = None
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)
    tls: RedisTls | None = None
    pool_size: int = 16
    connect_timeout: float = 2.0
    command_timeout: float = 2.0

    def __post_init__(self) -> None:
        if (self.unix_socket is None) == (not self.addresses):
            raise ValueError("name either addresses or a unix socket")
        if self.unix_socket is not None and self.mode is not RedisMode.SINGLE:
            raise ValueError("a unix socket leads to a single server only")
        if self.mode is RedisMode.SINGLE and len(self.addresses) > 1:
            raise ValueError("a single server has one address")
        if (self.mode is RedisMode.SENTINEL) != (self.master_name is not None):
            raise ValueError("a master name goes with sentinels, and sentinels need one")
        if self.mode is RedisMode.CLUSTER and self.database:
            raise ValueError("a cluster has only database 0")
        self._check_users()

    def _check_users(self) -> None:
        if self.password is None and self.username is not None:
            raise ValueError("a user name needs a password")
        if self.sentinel_password is None and self.sentinel_username is not None:
            raise ValueError("sentinel_username needs sentinel_password")
        if self.sentinel_password is not None and self.mode is not RedisMode.SENTINEL:
            raise ValueError("sentinel_password goes with mode sentinel")

    @classmethod
    def from_urls(
        cls,
        urls: Sequence[str],
        *,
        mode: RedisMode = RedisMode.SINGLE,
        master_name: str | None = None,
        username: str | None = None,
        password: str | None = None,
        tls: RedisTls | None = None,
    ) -> Self:
        """Make a target from ``redis://``, ``rediss://`` and ``unix://`` URLs.

        A URL may carry ``user:password@`` (``username`` and ``password`` go before them) and a
        database number as its path; options after ``?`` are refused, for the driver would take its
        retries from there. Several URLs must agree on everything but host and port. Other fields
        are set with ``dataclasses.replace``.

        Raises:
            ValueError: a URL or the combination is unusable; the message holds no password.
        """
        places = tuple(_place(url, mode) for url in urls)
        if len({replace(place, address=None) for place in places}) != 1:
            raise ValueError("give at least one URL; all must agree but for host and port")
        common = places[0]
        if tls is not None and not common.encrypted:
            raise ValueError("TLS files go with rediss:// URLs")
        return cls(
            mode=mode,
            addresses=tuple(dict.fromkeys(place.address for place in places if place.address)),
            unix_socket=common.unix_socket,
            master_name=master_name,
            database=common.database,
            username=username or common.username,
            password=password or common.password,
            tls=(tls or RedisTls()) if common.encrypted else None,
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """What one URL says."""

    encrypted: bool
    username: str | None
    password: str | None = field(repr=False)
    address: Address | None
    unix_socket: str | None
    database: int


def _place(url: str, mode: RedisMode) -> _Place:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # The message may quote the password.
        raise ValueError("a Redis URL is malformed") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("a Redis URL begins with redis://, rediss:// or unix://")
    if parts.query or parts.fragment:
        raise ValueError("a Redis URL takes no options")
    local = parts.scheme == "unix"
    if local != (not parts.hostname):
        raise ValueError("a Redis URL needs a host, and unix:// a path instead")
    default_port = _SENTINEL_PORT if mode is RedisMode.SENTINEL else _REDIS_PORT
    return _Place(
        encrypted=parts.scheme == "rediss",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        address=Address(parts.hostname, port or default_port) if parts.hostname else None,
        unix_socket=unquote(parts.path) if local else None,
        database=0 if local else _database(parts.path),
    )


def _database(path: str) -> int:
    number = path.strip("/")
    if number and not (number.isascii() and number.isdigit()):
        raise ValueError("the path of a Redis URL is a database number")
    return int(number or 0)
