"""Redis over TLS: whom we trust, whom we take it for, who we say we are."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.asyncio.cluster import RedisCluster

from ciba_service.settings import StoreSettings
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import (
    UnsuitableRedis,
    check_server,
    connect,
    disconnect,
    server_time_ms,
)
from ciba_service.stores.driver.faults import StoreFault
from ciba_service.stores.driver.subscription import Message, Resubscribed, Subscription
from ciba_service.stores.driver.tls import _Tls
from tests.ports import free_port
from tests.redis.servers import REDIS_SERVER, _ask, _until, redis_server


class Authority:
    """Signs certificates, and writes them down as PEM files."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = self._write(f"{name}.pem", self._signed(self._name, self._key, authority=True))

    def certify(self, name: str, *addresses: str) -> tuple[str, str]:
        """A certificate for some IP addresses, or for a client, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._signed(subject, key, *addresses)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (self._directory / f"{name}.key").write_bytes(private)
        return self._write(f"{name}.pem", certificate), str(self._directory / f"{name}.key")

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *addresses: str,
        authority: bool = False,
    ) -> x509.Certificate:
        begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        builder = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + dt.timedelta(days=36500))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if addresses:
            names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, certificate: x509.Certificate) -> str:
        path = self._directory / name
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)


@dataclass(frozen=True)
class Secured:
    """A server that wants client certificates and passwords, and who signed which."""

    port: int
    ours: Authority
    client: tuple[str, str]

    def settings(self, **members: object) -> StoreSettings:
        """What an operator configures, with changes."""
        certificate, key = self.client
        usual = {
            "url": f"rediss://app:right-one@127.0.0.1:{self.port}",
            "ca_file": self.ours.file,
            "certificate_file": certificate,
            "key_file": key,
        }
        return StoreSettings(**(usual | members))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that neither side trusts."""
    return Authority(tmp_path_factory.mktemp("theirs"), "theirs")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Debian's server, a cluster of its own, with a certificate for 127.0.0.1 and no other name."""
    ours = Authority(tmp_path_factory.mktemp("ours"), "ours")
    port, bus_port = free_port(), free_port()
    settings = ["--user", "app", "on", ">right-one", "~*", "&*", "+@all", *_tls(ours, port)]
    settings += [
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        str(bus_port),
        "--tls-cluster",
        "yes",
    ]
    with redis_server(*settings) as plain:
        (address,) = plain.addresses
        _ask(address.port, "CLUSTER ADDSLOTSRANGE 0 16383")
        _until(lambda: "cluster_state:ok" in _ask(address.port, "CLUSTER INFO"))
        yield Secured(port, ours, ours.certify("client"))


def _tls(authority: Authority, port: int) -> list[str]:
    certificate, key = authority.certify("redis", "127.0.0.1")
    return [
        "--tls-port", str(port), "--tls-auth-clients", "yes", "--tls-cert-file", certificate,
        "--tls-key-file", key, "--tls-ca-cert-file", authority.file,
    ]  # fmt: skip


async def refusal(settings: StoreSettings) -> str:
    """The sentence with which a start ends."""
    client = connect(settings.target())
    try:
        with pytest.raises((UnsuitableRedis, StoreFault)) as raised:
            await check_server(client)
    finally:
        await disconnect(client)
    return str(raised.value)


@pytest.mark.parametrize("mode", ["single", "cluster"])
async def test_a_server_of_a_trusted_authority_is_used(secured: Secured, mode: str):
    """Certificates of both sides, ACL user and password in the URL: commands and messages pass."""
    target = secured.settings(mode=mode).target()
    client = connect(target)
    await check_server(client)
    assert await server_time_ms(client) > 1_700_000_000_000
    commands = Commands(client)
    assert await commands.call("EXISTS", "n") == 0
    async with Subscription(target, commands, ["channel"]) as subscription:
        assert await anext(subscription) == Resubscribed()
        await commands.call("SPUBLISH", "channel", "hello")
        assert await anext(subscription) == Message("channel", b"hello")
    if isinstance(client, RedisCluster):
        assert {node.connection_class for node in client.get_nodes()} == {_Tls}
    await commands.aclose()


async def test_user_and_password_may_stand_apart_from_the_url(secured: Secured):
    """Keys of their own go before what the URL says."""
    url = f"rediss://eve:wrong-one@127.0.0.1:{secured.port}"
    client = connect(secured.settings(url=url, username="app", password="right-one").target())
    await check_server(client)
    await disconnect(client)


async def test_sentinel_and_master_are_asked_over_tls(secured: Secured, tmp_path: Path):
    """Both connections present the certificate and verify the other side."""
    ours, port = secured.ours, free_port()
    with redis_server(*_tls(ours, secured_port := free_port())):
        asked = free_port()
        lines = [f"port {asked}", "bind 127.0.0.1", f"dir {tmp_path}", "tls-replication yes"]
        tls = _tls(ours, port)
        lines += [f"{name[2:]} {value}" for name, value in zip(tls[::2], tls[1::2], strict=True)]
        lines += [f"sentinel monitor bank 127.0.0.1 {secured_port} 1\n"]
        configuration = tmp_path / "sentinel.conf"
        configuration.write_text("\n".join(lines), "ascii")
        with subprocess.Popen(  # noqa: S603, ASYNC220  (the command is written here)
            [str(REDIS_SERVER), str(configuration), "--sentinel"], stdout=subprocess.DEVNULL
        ) as sentinel:
            try:
                _until(lambda: "flags\r\n$6\r\nmaster\r\n" in _ask(asked, "SENTINEL MASTERS"))
                settings = secured.settings(
                    url=f"rediss://127.0.0.1:{port}", mode="sentinel", master_name="bank"
                )
                client = connect(settings.target())
                await check_server(client)
                await disconnect(client)
                wrong = msgspec.structs.replace(settings, master_name="savings")
                assert await refusal(wrong) == (
                    "Redis cannot be used: No master found for 'savings'"
                )
            finally:
                sentinel.kill()


@pytest.mark.clause("oidc-16.17-1")
@pytest.mark.parametrize("ca", ["the system's", "another"])
async def test_a_server_of_another_authority_is_refused(
    secured: Secured, theirs: Authority, ca: str
):
    """Whoever is not trusted is told nothing, not even a user name."""
    ca_file = None if ca == "the system's" else theirs.file
    sentence = await refusal(secured.settings(ca_file=ca_file))
    assert sentence.startswith("Redis cannot be used: ")
    assert "certificate verify failed" in sentence


@pytest.mark.clause("oidc-16.17-1")
async def test_a_certificate_for_another_name_is_refused(secured: Secured):
    """It is the host of the URL that must be in the certificate."""
    url = f"rediss://app:right-one@localhost:{secured.port}"
    sentence = await refusal(secured.settings(url=url))
    assert "certificate is not valid for 'localhost'" in sentence


async def test_a_server_may_want_to_know_who_we_are(secured: Secured, theirs: Authority):
    """Without a certificate, or with one of a stranger, the start ends with a sentence.

    It holds the server's reason where that arrives before the connection is reset.
    """
    sentence = await refusal(secured.settings(certificate_file=None, key_file=None))
    assert "Redis cannot be used" in sentence
    certificate, key = theirs.certify("stranger")
    sentence = await refusal(secured.settings(certificate_file=certificate, key_file=key))
    assert "Redis cannot be used" in sentence


async def test_plain_text_is_not_spoken_to_a_tls_port(secured: Secured):
    """Neither way round: no password leaves in clear because of a wrong scheme."""
    nothing = {"ca_file": None, "certificate_file": None, "key_file": None}
    url = f"redis://app:right-one@127.0.0.1:{secured.port}"
    assert "cannot be used" in await refusal(secured.settings(url=url, **nothing))
    with redis_server() as plain:
        url = f"rediss://app:right-one@127.0.0.1:{plain.addresses[0].port}"
        assert "cannot be used" in await refusal(secured.settings(url=url))


@pytest.mark.parametrize("mode", ["single", "cluster"])
@pytest.mark.parametrize(
    "user", [{"username": "app", "password": "wrong-one"}, {"password": "wrong-one"}, {}], ids=str
)
async def test_a_wrong_password_is_a_sentence_without_it(
    secured: Secured, mode: str, user: dict[str, str]
):
    """It says which settings to look at, and quotes neither of them."""
    url = f"rediss://eve:wrong-too@127.0.0.1:{secured.port}"
    assert await refusal(secured.settings(url=url, mode=mode, **user)) == (
        "Redis refuses the user: store.username and store.password, or those in the URL, are not "
        "right."
    )


def hears_the_end(listener: ssl.SSLSocket) -> bool:
    """Take one connection, answer nothing, not even a farewell; say whether it ended all the same.

    Within five seconds, that is: long before asyncio gives up waiting for an answer.
    """
    connection, _ = listener.accept()
    connection.settimeout(5)
    try:
        # Below TLS, so that whatever arrives is read and nothing of it is answered.
        while socket.socket.recv(connection, 4096):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    finally:
        connection.close()
    return True


@pytest.mark.parametrize("mode", ["single", "cluster", "sentinel"])
async def test_a_silent_server_keeps_no_connection(tmp_path: Path, mode: str):
    """What is given up is closed at once, though nobody answers the farewell of TLS."""
    ours = Authority(tmp_path, "ours")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ours.certify("redis", "127.0.0.1"))
    with (
        ThreadPoolExecutor(max_workers=1) as thread,
        socket.create_server(("127.0.0.1", 0)) as plain,
        context.wrap_socket(plain, server_side=True) as listener,
    ):
        ended = asyncio.wrap_future(thread.submit(hears_the_end, listener))
        settings = StoreSettings(
            url=f"rediss://127.0.0.1:{listener.getsockname()[1]}",
            mode=mode,  # type: ignore[arg-type]
            master_name="bank" if mode == "sentinel" else None,
            ca_file=ours.file,
            deadline_ms=2_500,
        )
        client = connect(settings.target())
        with pytest.raises(StoreFault):
            await check_server(client)
        assert await ended
        await disconnect(client)
