"""Where Redis is, as configuration says it, and whether what is found there is fit."""

from dataclasses import replace

import pytest
from redis.asyncio import RedisCluster

from ciba_service.stores.driver.commands import Commands, StoreFault
from ciba_service.stores.driver.connection import (
    UnsuitableRedis,
    check_server,
    connect,
    connect_node,
    disconnect,
)
from ciba_service.stores.driver.target import Address, RedisMode, RedisTarget, RedisTls
from tests.redis.servers import cluster_node, redis_server


async def test_a_server_that_keeps_what_it_is_given_is_accepted(redis_target: RedisTarget):
    """Every kind of server we support passes the check."""
    client = connect(redis_target)
    await check_server(client)
    await disconnect(client)


async def test_a_cluster_that_has_to_be_looked_at_anew_is_left_as_well():
    """A slot has moved, or a connection broke, and nothing was asked since."""
    with cluster_node() as target:
        client = connect(target)
        assert isinstance(client, RedisCluster)
        await check_server(client)
        (node,) = client.nodes_manager.nodes_cache.values()
        assert any(connection.is_connected for connection in node._connections)
        client._initialize = True
        await disconnect(client)
        assert not any(connection.is_connected for connection in node._connections)


async def test_a_server_that_may_evict_keys_is_refused():
    """Only `noeviction` will do, or transactions could vanish; the reason names the setting."""
    with redis_server("--maxmemory-policy", "allkeys-lru") as target:
        client = connect(target)
        with pytest.raises(UnsuitableRedis, match=r"maxmemory-policy is allkeys-lru.*noeviction"):
            await check_server(client)
        await disconnect(client)


async def test_the_check_needs_no_right_to_read_the_configuration():
    """A user without CONFIG passes; one without INFO is told what is missing."""
    app = "--user app on >secret ~* &* +@all -config"
    blind = "--user blind on >secret -@all"
    with redis_server(*app.split(), *blind.split()) as target:
        client = connect(replace(target, username="app", password="secret"))
        await check_server(client)
        await disconnect(client)
        client = connect(replace(target, username="blind", password="secret"))
        with pytest.raises(UnsuitableRedis, match=r"needs more rights: .*'info'"):
            await check_server(client)
        await disconnect(client)


async def test_a_database_that_is_not_there_is_told_as_such():
    """Servers have sixteen unless they are told otherwise."""
    with redis_server() as target:
        client = connect(replace(target, database=99))
        with pytest.raises(UnsuitableRedis, match="no database of the number"):
            await check_server(client)
        await disconnect(client)


async def test_a_server_that_does_not_answer_is_a_fault():
    """Being unreachable says nothing about fitness."""
    client = connect(RedisTarget(unix_socket="/nonexistent/redis.sock"))
    with pytest.raises(StoreFault):
        await check_server(client)
    await disconnect(client)


async def test_a_wrong_password_is_a_fault_without_the_password():
    """The message of a refused login names no secret."""
    with redis_server("--requirepass", "right-one") as target:
        commands = Commands(connect(replace(target, password="wrong-one")))
        with pytest.raises(StoreFault) as raised:
            await commands.call("PING")
        assert "wrong-one" not in str(raised.value)
        await commands.aclose()
        commands = Commands(connect(replace(target, password="right-one")))
        assert await commands.call("EXISTS", "n") == 0
        await commands.aclose()


async def test_a_node_is_reached_with_the_settings_of_its_target():
    """A client for one address uses the user and password of the whole."""
    with redis_server("--requirepass", "secret") as target:
        (address,) = target.addresses
        client = connect_node(replace(target, password="secret"), address)
        assert await client.ping()
        await disconnect(client)


def test_a_url_names_host_port_user_password_and_database():
    """Percent-encoding is undone, and the port has a default."""
    target = RedisTarget.from_urls(["redis://app:s%40cret@redis.example/3"])
    assert target.addresses == (Address("redis.example", 6379),)
    assert (target.username, target.password, target.database) == ("app", "s@cret", 3)
    assert target.tls is None


def test_several_urls_name_sentinels_or_nodes():
    """Sentinels have a default port of their own, and duplicates count once."""
    urls = ["rediss://:pw@a.example", "rediss://:pw@b.example:7000", "rediss://:pw@a.example"]
    target = RedisTarget.from_urls(
        urls, mode=RedisMode.SENTINEL, master_name="main", tls=RedisTls(ca_file="ca.pem")
    )
    assert target.addresses == (Address("a.example", 26379), Address("b.example", 7000))
    assert target.tls == RedisTls(ca_file="ca.pem")


def test_a_unix_url_names_a_socket():
    """The path of a unix URL is a path, not a database."""
    target = RedisTarget.from_urls(["unix:///run/redis/redis.sock"])
    assert target.unix_socket == "/run/redis/redis.sock"


def test_secrets_stay_out_of_the_representation():
    """Neither password appears where a target is printed or logged."""
    target = RedisTarget(
        mode=RedisMode.SENTINEL,
        addresses=(Address("a.example", 1),),
        master_name="main",
        password="pw-one",
        sentinel_password="pw-two",
    )
    assert "pw-one" not in repr(target)
    assert "pw-two" not in repr(target)


@pytest.mark.parametrize(
    ("urls", "mode"),
    [
        pytest.param([], RedisMode.SINGLE, id="none"),
        pytest.param(["http://:topsecret@a"], RedisMode.SINGLE, id="scheme"),
        pytest.param(["redis://:topsecret@"], RedisMode.SINGLE, id="no host"),
        pytest.param(["unix://:topsecret@host/path"], RedisMode.SINGLE, id="unix with a host"),
        pytest.param(["redis://:topsecret@a?retry=1"], RedisMode.SINGLE, id="options"),
        pytest.param(["redis://:topsecret@a:port"], RedisMode.SINGLE, id="port"),
        pytest.param(["redis://:topsecret@\N{FULLWIDTH SOLIDUS}a"], RedisMode.SINGLE, id="host"),
        pytest.param(["redis://:topsecret@a/one"], RedisMode.SINGLE, id="database"),
        pytest.param(["redis://app@a"], RedisMode.SINGLE, id="user without password"),
        pytest.param(["redis://a", "redis://b"], RedisMode.SINGLE, id="two of one"),
        pytest.param(["redis://:topsecret@a", "redis://b"], RedisMode.CLUSTER, id="disagreeing"),
        pytest.param(["redis://:topsecret@a/1"], RedisMode.CLUSTER, id="cluster database"),
        pytest.param(["redis://:topsecret@a"], RedisMode.SENTINEL, id="no master name"),
        pytest.param(["unix:///run/redis.sock"], RedisMode.CLUSTER, id="cluster on a socket"),
    ],
)
def test_an_unusable_target_is_refused_without_its_password(urls: list[str], mode: RedisMode):
    """The reason is a sentence that quotes nothing secret."""
    with pytest.raises(ValueError, match=r"[a-z]+") as raised:
        RedisTarget.from_urls(urls, mode=mode)
    assert "topsecret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_tls_files_need_a_tls_url():
    """Certificates that would never be used are a mistake."""
    with pytest.raises(ValueError, match="rediss"):
        RedisTarget.from_urls(["redis://a"], tls=RedisTls(ca_file="ca.pem"))
