"""Making a client for a target, and asking whether the server behind it is fit for use."""

import re
import ssl
from typing import Any, Final, assert_never

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from ciba_service.stores.driver.faults import (
    DRIVER_ERRORS,
    UnsuitableRedis,
    start_error,
    store_error,
)
from ciba_service.stores.driver.target import Address, RedisMode, RedisTarget
from ciba_service.stores.driver.tls import end_at_once

__all__ = [
    "RedisTarget",
    "UnsuitableRedis",
    "check_server",
    "connect",
    "connect_node",
    "connected_replicas",
    "demands_replicas",
    "disconnect",
    "server_time_ms",
]

_LEAST_VERSION: Final = (7, 0)
_POLICY: Final = "noeviction"
_REPLICA: Final = re.compile(r"slave\d+")
_GOOD_REPLICAS: Final = "min_slaves_good_slaves"


def _socket_options(target: RedisTarget) -> dict[str, Any]:
    options: dict[str, Any] = {
        # A command that is sent again by the driver may run twice. Only `run` repeats.
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "socket_timeout": target.command_timeout,
        "socket_connect_timeout": target.connect_timeout,
        "protocol": 2,
        "driver_info": None,
    }
    if target.tls is not None:
        options |= {
            "ssl": True,
            "ssl_ca_certs": target.tls.ca_file,
            "ssl_certfile": target.tls.certificate_file,
            "ssl_keyfile": target.tls.key_file,
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
            "ssl_min_version": ssl.TLSVersion.TLSv1_2,
        }
    return options


def _client_options(target: RedisTarget) -> dict[str, Any]:
    return _socket_options(target) | {
        "username": target.username,
        "password": target.password,
        "max_connections": target.pool_size,
    }


def connect(target: RedisTarget) -> Redis | RedisCluster:
    """Make a client; it connects when first used, never repeats a command, and decodes nothing."""
    client = _client(target)
    if target.tls is not None:
        end_at_once(client)
    return client


def _client(target: RedisTarget) -> Redis | RedisCluster:
    match target.mode:
        case RedisMode.CLUSTER:
            nodes = [ClusterNode(address.host, address.port) for address in target.addresses]
            return RedisCluster(startup_nodes=nodes, **_client_options(target))
        case RedisMode.SENTINEL:
            return _master(target, _client_options(target) | {"db": target.database})
        case RedisMode.SINGLE if target.unix_socket is not None:
            options = _client_options(target) | {"db": target.database}
            return Redis(unix_socket_path=target.unix_socket, **options)
        case RedisMode.SINGLE:
            (address,) = target.addresses
            return _node(target, address)
        case _:
            assert_never(target.mode)


def connect_node(target: RedisTarget, address: Address) -> Redis:
    """Make a client for one server of a target, with the same user, TLS and limits."""
    client = _node(target, address)
    if target.tls is not None:
        end_at_once(client)
    return client


def _node(target: RedisTarget, address: Address) -> Redis:
    options = _client_options(target) | {"db": target.database}
    return Redis(host=address.host, port=address.port, **options)


def _master(target: RedisTarget, options: dict[str, Any]) -> Redis:
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        [(address.host, address.port) for address in target.addresses],
        sentinel_kwargs=_socket_options(target)
        | {"username": target.sentinel_username, "password": target.sentinel_password},
        **options,
    )
    client: Redis = sentinel.master_for(target.master_name or "")
    return client


async def disconnect(client: Redis | RedisCluster) -> None:
    """Close every connection of a client, those to sentinels included."""
    await client.aclose()
    if isinstance(client, RedisCluster):
        # Cut off, or told that a slot has moved, it takes itself for closed until it is used again.
        await client.nodes_manager.aclose()
        await client.nodes_manager.aclose("startup_nodes")
    elif isinstance(client.connection_pool, SentinelConnectionPool):
        await client.connection_pool.sentinel_manager.aclose()


async def check_server(client: Redis | RedisCluster) -> None:
    """Refuse a server older than 7.0, or one that may evict keys; in a cluster, any such node.

    INFO says both, so that no right to run CONFIG is needed.

    Raises:
        UnsuitableRedis: the server must not be used, or refuses the user.
        StoreFault: the server could not be asked.
    """
    try:
        infos = await _infos(client)
    except DRIVER_ERRORS as error:
        raise start_error(error) from None
    for info in infos:
        _check(info)


async def connected_replicas(client: Redis | RedisCluster) -> int:
    """How many replicas follow a primary at present; in a cluster the fewest of any.

    Raises:
        UnsuitableRedis, StoreFault: as ``check_server`` does.
    """
    try:
        infos = await _infos(client)
    except DRIVER_ERRORS as error:
        raise start_error(error) from None
    return min(sum(map(_is_online, info.items())) for info in infos)


def _is_online(line: tuple[str, Any]) -> bool:
    """Whether a line of INFO is about a replica that has everything, and acknowledges more."""
    name, value = line
    return bool(_REPLICA.fullmatch(name)) and value.get("state") == "online"


async def demands_replicas(client: Redis | RedisCluster) -> bool:
    """Whether every primary refuses writes that no replica would have (``min-replicas-to-write``).

    INFO says how many replicas are good enough only where that is demanded.

    Raises:
        UnsuitableRedis, StoreFault: as ``check_server`` does.
    """
    try:
        infos = await _infos(client)
    except DRIVER_ERRORS as error:
        raise start_error(error) from None
    return all(_GOOD_REPLICAS in info for info in infos)


async def _infos(client: Redis | RedisCluster) -> list[dict[str, Any]]:
    if isinstance(client, Redis):
        return [await client.info()]
    await client.initialize()
    answer = await client.info(target_nodes=client.get_primaries())
    # One node answers for itself, several answer under their names.
    return [answer] if "redis_version" in answer else list(answer.values())


def _check(info: dict[str, Any]) -> None:
    version = str(info.get("redis_version", ""))
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < _LEAST_VERSION:
        raise UnsuitableRedis(f"Redis or Valkey 7.0 or later is needed; this is {version}.")
    policy = info.get("maxmemory_policy")
    if policy != _POLICY:
        raise UnsuitableRedis(
            f"maxmemory-policy is {policy}: keys could vanish. Set it to {_POLICY}."
        )


async def server_time_ms(client: Redis | RedisCluster) -> int:
    """Ask for the server's clock, in milliseconds since the epoch; in a cluster any primary's.

    Raises:
        StoreFault: the server did not answer.
    """
    try:
        if isinstance(client, Redis):
            seconds, microseconds = await client.time()
        else:
            await client.initialize()
            node = client.get_primaries()[0]
            seconds, microseconds = await client.time(target_nodes=node)
    except DRIVER_ERRORS as error:
        raise store_error(error) from None
    return int(seconds) * 1000 + int(microseconds) // 1000
