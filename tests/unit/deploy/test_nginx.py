"""The nginx that is shipped in front: what it hands on, what it drops, and what it says itself."""

import asyncio
import json
import secrets
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest

from ciba_service.commands.serving.serve import server_config
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.listening.bounded_http import HttpBounds
from ciba_service.listening.refusals import refusal_body
from ciba_service.settings import ServerSettings
from tests.deployment.compose_files import ROOT
from tests.deployment.prepared import Places, prepare
from tests.ports import held_ports
from tests.redis.servers import _until
from tests.services.nginx_front import SHIPPED, Front, nginx

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
INTERACTION = "0F8A2F3E-9B1C-4d5e-8f60-718293a4b5c6"
FORGED = {
    "X-Client-Certificate": "forged",
    "Client-Cert": ":Zm9yZ2Vk:",
    "Client-Cert-Chain": ":Zm9yZ2Vk:",
    "Forwarded": "for=192.0.2.1",
    "X-Forwarded-For": "192.0.2.1",
    "X-Real-IP": "192.0.2.1",
    "TE": "trailers",
}


@dataclass
class Replica:
    """Answers whatever is asked, and keeps what came."""

    port: int
    heads: list[bytes] = field(default_factory=list)
    connections: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections.append(writer)
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                length = int(self.header("content-length") or 0)
                self.heads[-1] += await reader.readexactly(length)
                writer.write(ANSWER)
        except asyncio.IncompleteReadError:
            pass
        finally:
            await ended(writer)

    def header(self, name: str) -> str | None:
        """A header of what came last."""
        head = self.heads[-1].partition(b"\r\n\r\n")[0].decode()
        lines = (line.partition(":") for line in head.split("\r\n")[1:])
        return next((value.strip() for each, _, value in lines if each.lower() == name), None)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Certificates for this machine."""
    base = tmp_path_factory.mktemp("prepared")
    found = Places(*(base / name for name in ("tls", "playground", "configuration")))
    for each in (found.tls, found.playground, found.configuration):
        each.mkdir()
    now = datetime.now(UTC)  # noqa: TID251 - TLS looks at the real clock
    prepare(ROOT / "deploy/ciba.tls.toml", found, now=now)
    return found


@pytest.fixture(scope="module")
def front(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """An nginx in front of two ports."""
    directory = tmp_path_factory.mktemp("front") / "nginx"
    with held_ports(1) as (absent,):
        with held_ports(1) as (first,):
            ports = Front(directory, places.tls, (first, absent))
        with nginx(ports) as running:
            yield running


@asynccontextmanager
async def replica(front: Front) -> AsyncIterator[Replica]:
    """The first of the two; the second is not there."""
    found = Replica(front.replicas[0])
    server = await asyncio.start_server(found.serve, "127.0.0.1", found.port)
    async with server:
        yield found
        for connection in found.connections:
            connection.close()


async def ended(writer: asyncio.StreamWriter) -> None:
    """Close a connection and wait for its end, whatever the peer makes of it."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@pytest.fixture
def trusting(places: Places) -> ssl.SSLContext:
    """Whoever trusts the authority of this machine."""
    return ssl.create_default_context(cafile=str(places.configuration / "ca.pem"))


@pytest.fixture
async def http(front: Front, trusting: ssl.SSLContext) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the issuer."""
    base_url = f"https://localhost:{front.ports[8443]}"
    async with httpx2.AsyncClient(base_url=base_url, verify=trusting) as client:
        yield client


async def said(front: Front, port: int, request: bytes, tls: ssl.SSLContext | None) -> bytes:
    """What is answered to these bytes."""
    name = "localhost" if tls else None
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", front.ports[port], ssl=tls, server_hostname=name
    )
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read()
    await ended(writer)
    return answer


@pytest.mark.parametrize("kind", ["development", "tls"])
def test_nginx_takes_its_files(places: Places, tmp_path: Path, kind: str):
    """Both sets are whole and correct, and nothing in them is worth a warning."""
    checked = Front(tmp_path / "nginx", places.tls, (1, 2), kind=kind)
    told = subprocess.run(  # noqa: S603 - the command is our own
        checked.command("-t"), capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "[warn]" not in told.stderr


def test_every_file_is_used():
    """None is left over in the folder."""
    used = {f"front.{kind}.conf" for kind in ("development", "tls")}
    used |= {"nginx.conf", "mtls.conf", "playground.conf", "service.conf", "tls.conf"}
    assert {file.name for file in SHIPPED.iterdir()} == used


def test_its_limits_agree_with_the_service():
    """What nginx lets through the service takes; idle connections nginx closes first."""
    text = (SHIPPED / "nginx.conf").read_text("utf-8")
    settings = dict(
        line.strip().rstrip(";").split(" ", 1)
        for line in text.splitlines()
        if line.endswith(";") and " " in line.strip()
    )
    assert settings["client_max_body_size"] == "64k"
    assert ClientFormEndpoint.body.limit == 64 * 1024
    assert settings["client_header_buffer_size"] == "2k"
    assert settings["large_client_header_buffers"] == "3 8k"
    assert HttpBounds().head_size > (2 + 3 * 8) * 1024
    config = server_config(None, ServerSettings(issuer="https://op.example"))
    assert config.timeout_keep_alive == 5
    assert "keepalive_timeout 4s;" in text
    assert "proxy_read_timeout 60s;" in (SHIPPED / "service.conf").read_text("utf-8")
    assert config.ws_ping_interval == 20


async def test_what_a_client_says_of_itself_is_dropped(front: Front, http: httpx2.AsyncClient):
    """Certificates and addresses that a client claims reach no replica."""
    async with replica(front) as upstream:
        answer = await http.get("/healthz?seen=1", headers=FORGED)
    assert answer.status_code == 200
    assert upstream.heads[-1].startswith(b"GET /healthz?seen=1 HTTP/1.1\r\n")
    assert b"forged" not in upstream.heads[-1].lower()
    assert b"192.0.2.1" not in upstream.heads[-1]
    handed = {name: upstream.header(name.lower()) for name in FORGED}
    assert handed == dict.fromkeys(FORGED) | {"X-Real-IP": "127.0.0.1"}


@pytest.mark.parametrize(
    ("sent", "written"),
    [(INTERACTION, INTERACTION), (f"{INTERACTION}x", ""), ('","secret":"', "")],
    ids=["a UUID", "more", "no UUID"],
)
async def test_lines_of_the_log_are_found_by_the_interaction(
    front: Front, http: httpx2.AsyncClient, sent: str, written: str
):
    """Each is JSON with the path, who asked, and an ``x-fapi-interaction-id`` that is a UUID."""
    path, log = f"/{secrets.token_hex(8)}", front.directory / "access.log"
    async with replica(front):
        await http.get(f"{path}?access_token=secret", headers={"x-fapi-interaction-id": sent})
    _until(lambda: path in log.read_text("utf-8"))  # it is written after the answer
    text = log.read_text("utf-8")
    (line,) = (json.loads(each) for each in text.splitlines() if path in each)
    assert (line["path"], line["interaction_id"]) == (path, written)
    assert (line["peer"], line["status"], line["tls"]) == ("127.0.0.1", "200", "TLSv1.3")
    assert "secret" not in text


async def test_the_certificate_of_a_connection_is_handed_on(
    front: Front, trusting: ssl.SSLContext, places: Places
):
    """On the port of the aliases, in place of what the client says."""
    trusting.load_cert_chain(places.playground / "terminal.pem", places.playground / "terminal.key")
    base_url = f"https://localhost:{front.ports[8444]}"
    async with (
        replica(front) as upstream,
        httpx2.AsyncClient(base_url=base_url, verify=trusting) as certified,
    ):
        await certified.get("/token", headers=FORGED)
    handed = upstream.header("x-client-certificate")
    assert handed is not None
    assert handed.startswith("-----BEGIN%20CERTIFICATE-----%0A")


async def test_only_sockets_of_phones_are_upgraded(front: Front, trusting: ssl.SSLContext):
    """Any other protocol, and any other path, is plain HTTP to the replicas."""
    head = (
        b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: %b\r\n\r\n"
    )
    seen = []
    async with replica(front) as upstream:
        for path, protocol in (
            (b"/device/ws", b"websocket"),
            (b"/bank/device/ws", b"WebSocket"),
            (b"/device/ws", b"h2c"),
            (b"/token", b"websocket"),
        ):
            await said(front, 8443, head % (path, protocol), trusting)
            seen.append((upstream.header("upgrade"), upstream.header("connection")))
    assert seen == [("websocket", "upgrade")] * 2 + [(None, None)] * 2


AMBIGUOUS = {
    "both lengths": b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding": b"POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "two lengths": b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\n",
    "space": b"GET /token HTTP/1.1\r\nHost : a\r\n\r\n",
    "no host": b"GET /token HTTP/1.1\r\n\r\n",
    "long header": b"GET /token HTTP/1.1\r\nHost: a\r\nDPoP: " + b"x" * 9000 + b"\r\n\r\n",
    "long path": b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "trace": b"TRACE /token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "its own": b"GET /.nginx/unavailable HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "nonsense": b"nonsense\r\n\r\n",
}
OTHER_STATUS = {"long path": 414, "trace": 405}


@pytest.mark.parametrize("what", AMBIGUOUS)
async def test_what_could_be_read_in_two_ways_goes_no_further(
    front: Front, trusting: ssl.SSLContext, what: str
):
    """It is refused as the service would, in JSON, and no replica hears of it."""
    async with replica(front) as upstream:
        answer = await said(front, 8443, AMBIGUOUS[what], trusting)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % OTHER_STATUS.get(what, 400))
    assert b"Content-Type: application/json" in head
    assert b"Cache-Control: no-store" in head
    assert body == refusal_body(HTTPStatus.BAD_REQUEST)
    assert upstream.heads == []


async def test_a_body_that_is_too_large_goes_no_further(front: Front, http: httpx2.AsyncClient):
    """64 KiB are handed on whole; one byte more is 413, in the words of the service."""
    async with replica(front) as upstream:
        assert (await http.post("/token", content=b"x" * 65_536)).status_code == 200
        assert upstream.header("content-length") == "65536"
        refused = await http.post("/token", content=b"x" * 65_537)
        assert len(upstream.heads) == 1
    assert refused.status_code == 413
    assert refused.content == refusal_body(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


async def test_without_a_replica_clients_are_told_to_come_back(
    places: Places, trusting: ssl.SSLContext, tmp_path: Path
):
    """503 with Retry-After and JSON, as the service itself says it."""
    with (
        held_ports(2) as (first, second),
        nginx(Front(tmp_path / "nginx", places.tls, (first, second))) as alone,
    ):
        base_url = f"https://localhost:{alone.ports[8443]}"
        async with httpx2.AsyncClient(base_url=base_url, verify=trusting) as http:
            refused = await http.post("/token", data={"grant_type": "x"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.headers["content-type"] == "application/json"
    assert refused.headers["cache-control"] == "no-store"
    assert refused.content == refusal_body(HTTPStatus.SERVICE_UNAVAILABLE)


async def test_plain_http_on_a_port_of_tls_is_answered(front: Front):
    """In JSON, too, and with nothing that leads elsewhere."""
    answer = await said(front, 8443, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", None)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "invalid_request"


@pytest.mark.clause("fapi-ciba-7.9-3")
@pytest.mark.parametrize("port", [8443, 8444])
@pytest.mark.parametrize(
    ("version", "ciphers", "taken"),
    [
        (ssl.TLSVersion.TLSv1_3, None, True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-GCM-SHA256", True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES256-GCM-SHA384", True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-CHACHA20-POLY1305", False),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-SHA256", False),
        (ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256", False),
    ],
)
async def test_tls_is_that_of_fapi(
    front: Front,
    trusting: ssl.SSLContext,
    port: int,
    version: ssl.TLSVersion,
    ciphers: str | None,
    taken: bool,  # noqa: FBT001 - a column
):
    """TLS 1.3, and of 1.2 two suites with forward secrecy and authenticated encryption."""
    trusting.maximum_version = version
    if ciphers is not None:
        trusting.set_ciphers(ciphers)
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", front.ports[port], ssl=trusting, server_hostname="localhost"
        )
    except (ssl.SSLError, ConnectionError):
        assert not taken
        return
    assert taken
    assert writer.get_extra_info("ssl_object").version() == version.name.replace("_", ".")
    await ended(writer)
