"""TLS connections that end when they are given up, whether or not the server takes leave of us.

The driver closes a connection that broke or did not answer without waiting. Over TLS that is only
the beginning: the socket stays open until the server has answered the farewell, which a dead one
never does, and asyncio waits half a minute for it.
"""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import SSLConnection
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedSSLConnection

__all__ = ["end_at_once"]


class _Tls(SSLConnection):
    """A connection whose socket is closed as soon as it counts as disconnected."""

    async def disconnect(self, *args: Any, **details: Any) -> None:  # noqa: ANN401 - the driver's
        """Say farewell as the driver does, and wait for the answer no longer than it does."""
        writer = self._writer
        try:
            await super().disconnect(*args, **details)
        finally:
            if writer is not None:
                writer.transport.abort()


class _MasterTls(_Tls, SentinelManagedSSLConnection):
    """The same to the master that Sentinel names."""


def end_at_once(client: Redis | RedisCluster) -> None:
    """Make all connections of a new client for TLS of this kind, those to sentinels too."""
    if isinstance(client, RedisCluster):
        manager = client.nodes_manager
        manager.connection_kwargs["connection_class"] = _Tls
        for node in manager.startup_nodes.values():
            node.connection_class = _Tls
        return
    pool = client.connection_pool
    if isinstance(pool, SentinelConnectionPool):
        pool.connection_class = _MasterTls
        sentinels: Sentinel = pool.sentinel_manager
        for sentinel in sentinels.sentinels:
            end_at_once(sentinel)
    else:
        pool.connection_class = _Tls
