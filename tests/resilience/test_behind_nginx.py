"""Two replicas behind the nginx that is shipped, over TLS, on Redis as it is shipped."""

import asyncio
import base64
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ciba_client import (
    CibaClient,
    ClientConfiguration,
    NotificationReceiver,
    Pinged,
    TokensReceived,
)
from ciba_client.client_file import load_client, read_client_file
from ciba_client.listener import ListeningAddress, listening
from tests.deployment.compose_files import ROOT, command_of, environment_of
from tests.deployment.prepared import Places, prepare
from tests.ports import free_port
from tests.redis.servers import _ask, _until
from tests.services.nginx_front import Front, nginx
from tests.services.service_process import BIN, READY_SECONDS, WallClock, _run_here
from tests.wire.client import CIBA
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

HINT = "alice@example.org"


@dataclass
class Replica:
    """One of the two processes."""

    port: int
    metrics: int
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The process, which was started."""
        assert self.process is not None
        return self.process

    def held(self) -> bool:
        """Whether a poll waits in this process."""
        return b"\nciba_held_polls 1.0\n" in asked(self.metrics, "/metrics")

    def is_ready(self) -> bool:
        """Whether it says so."""
        return asked(self.port, "/readyz") == b'{"status":"ready"}'


def asked(port: int, path: str) -> bytes:
    """What a listener of this machine answers; nothing where nobody listens."""
    connection = HTTPConnection("127.0.0.1", port, timeout=READY_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    except OSError:
        return b""
    finally:
        connection.close()


@dataclass
class Deployment:
    """What docker-compose.yml and deploy/compose.tls.yml start, in one directory."""

    directory: Path
    places: Places
    front: Front
    redis: int
    replicas: tuple[Replica, Replica]
    phones: list[WirePhone] = field(default_factory=list)
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        """Where it is found."""
        return f"https://localhost:{self.front.ports[8443]}"

    @property
    def environment(self) -> dict[str, str]:
        """What the replicas are told, but for host and ports."""
        told = environment_of("ciba-1")
        url = told["CIBA_STORE__URL"].replace("redis:6379", f"127.0.0.1:{self.redis}")
        return {**told, "CIBA_STORE__URL": url, "CIBA_METRICS__HOST": "127.0.0.1"}

    def start(self, one: Replica) -> None:
        """Start a replica by the command of docker-compose.yml."""
        ports = {
            "CIBA_SERVER__HOST": "127.0.0.1",
            "CIBA_SERVER__PORT": str(one.port),
            "CIBA_METRICS__PORT": str(one.metrics),
        }
        command = [BIN / "ciba-service", *command_of("ciba-1")[:-1], self.config]
        with one.log.open("ab") as log:
            one.process = subprocess.Popen(  # noqa: S603 - our own
                command, env={**os.environ, **self.environment, **ports}, stderr=log
            )

    def both(self) -> None:
        """Both replicas are there and ready."""
        for one in self.replicas:
            if one.process is None or one.process.poll() is not None:
                self.start(one)
        for one in self.replicas:
            _until(one.is_ready, one.process, seconds=READY_SECONDS)

    @property
    def config(self) -> str:
        """The configuration that was prepared."""
        return str(self.places.configuration / "ciba.toml")

    def trust(self, *, certificate: Path | None = None) -> ssl.SSLContext:
        """TLS of whoever believes the authority; with a certificate and key of its own."""
        context = ssl.create_default_context(cafile=str(self.places.configuration / "ca.pem"))
        if certificate is not None:
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        return context

    def client(self, name: str) -> ClientConfiguration:
        """A client of the playground, whose polls are held."""
        settings = read_client_file(self.places.playground / f"{name}.toml")
        return replace(load_client(settings, warn=print), polling_wait=20)

    @asynccontextmanager
    async def phone(self, base_url: str) -> AsyncIterator[WirePhone]:
        """Alice's phone; orders and decisions over HTTPS go to an address of their own."""
        context = self.trust()
        async with httpx2.AsyncClient(
            base_url=base_url, verify=context, timeout=READY_SECONDS
        ) as http:
            known = self.phones[0]
            yield replace(known, http=http, tls=context)

    async def enrol(self) -> None:
        """A phone for Alice, by the command that gives a code and a second secret."""
        words = ["users", "activate", "alice-approves", "--json", "--config", self.config]
        made = (await asyncio.to_thread(_run_here, words, self.environment)).json()
        async with httpx2.AsyncClient(base_url=self.issuer, verify=self.trust()) as http:
            phone = WirePhone(http, self.issuer, WallClock())  # type: ignore[arg-type]
            secret = {"second_secret": made["second_secret"]}
            self.phones.append(await phone.enrol(made["activation_code"], **secret))


def write_configuration(directory: Path, front: Front) -> Places:
    """As ``prepare`` writes it, from deploy/ciba.tls.toml with the places of this machine."""
    places = Places(*(directory / name for name in ("tls", "playground", "configuration")))
    for each in (places.tls, places.playground, places.configuration):
        each.mkdir()
    text = (ROOT / "deploy/ciba.tls.toml").read_text("utf-8")
    for theirs, ours in {
        ":8443": f":{front.ports[8443]}",
        ":8444": f":{front.ports[8444]}",
        "172.30.73.2": "127.0.0.1",
        "nginx:8446": f"127.0.0.1:{front.ports[8446]}",
        "/var/lib/ciba-keys": f"{directory}/keys",
        '"/var/lib/ciba"': f'"{directory}/data"',
        "/etc/ciba": str(places.configuration),
        "drain_seconds = 5": "drain_seconds = 1",
        '"poll"': '"poll"\npolling_interval = 1',
    }.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    template = directory / "template.toml"
    template.write_text(text, "utf-8")
    prepare(template, places, now=datetime.now(UTC))  # noqa: TID251 - TLS looks at the real clock
    return places


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """All of it, once a worker."""
    directory = tmp_path_factory.mktemp("deployment")
    replicas = tuple(
        Replica(free_port(), free_port(), directory / f"ciba-{number}.log") for number in (1, 2)
    )
    front = Front(directory / "nginx", directory / "tls", (replicas[0].port, replicas[1].port))
    places = write_configuration(directory, front)
    deployment = Deployment(directory, places, front, free_port(), replicas)  # type: ignore[arg-type]
    made = _run_here([*command_of("keys")[:-1], deployment.config], {})
    assert made.status == 0
    with ExitStack() as stack:
        stack.enter_context(redis(deployment))
        try:
            deployment.both()
            stack.enter_context(nginx(front))
            asyncio.run(deployment.enrol())
            yield deployment
        finally:
            for one in replicas:
                if one.process is not None:
                    one.process.kill()
                    one.process.wait()


@contextmanager
def redis(deployment: Deployment) -> Iterator[None]:
    """Redis by the command of docker-compose.yml."""
    (deployment.directory / "redis").mkdir()
    start_redis(deployment)
    try:
        yield
    finally:
        stop_redis(deployment)


def start_redis(deployment: Deployment) -> None:
    """With whatever its directory has."""
    place, port = deployment.directory / "redis", deployment.redis
    command = [*command_of("redis"), "--dir", str(place), "--port", str(port)]
    server = subprocess.Popen(  # noqa: S603 - ours
        [*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL
    )
    deployment.servers.append(server)
    _until(lambda: _ask(port, "AUTH health any\r\nPING").endswith("+PONG"), server)


def stop_redis(deployment: Deployment) -> None:
    """As a power cut does."""
    server = deployment.servers.pop()
    server.kill()
    server.wait()


@pytest.fixture
def bank(running: Deployment) -> Deployment:
    """With one replica at least, which is enough for most."""
    return running


@pytest.fixture
def both(bank: Deployment) -> None:
    """With both replicas there, whatever a test before did to them."""
    bank.both()


@pytest.fixture
async def http(bank: Deployment) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who reaches the issuer through nginx."""
    async with httpx2.AsyncClient(
        base_url=bank.issuer, verify=bank.trust(), timeout=READY_SECONDS
    ) as client:
        yield client


@pytest.mark.parametrize("name", ["till", "terminal"])
async def test_a_client_of_the_playground_gets_its_tokens(bank: Deployment, name: str):
    """By signatures and DPoP, or by its certificate; the phone approves on a socket."""
    async with (
        bank.phone(bank.issuer) as phone,
        CibaClient(bank.client(name)) as client,
        phone.online() as socket,
        client.authenticate(login_hint=HINT, binding_message="W4SCT") as pending,
    ):
        waiting = asyncio.create_task(pending.tokens())
        offer = await socket.next("challenge")
        outcome = await socket.decide(phone.approval(offer["challenge"]))
        assert outcome["type"] == "accepted"
        tokens = await waiting
    bound = {"till": "jkt", "terminal": "x5t#S256"}[name]
    assert claims_of(tokens.access_token)["cnf"].keys() == {bound}


async def test_the_kiosk_is_pinged_through_nginx(bank: Deployment):
    """Over TLS, at an address that is not public and that the service was allowed to call."""
    receiver = NotificationReceiver()
    address = ListeningAddress("127.0.0.1", bank.front.ports[8062])
    async with (
        listening(receiver, address),
        CibaClient(bank.client("kiosk"), notifications=receiver) as client,
        bank.phone(bank.issuer) as phone,
        client.authenticate(login_hint=HINT, binding_message="W4SCT") as pending,
    ):
        await phone.approve_next()
        told = [type(event) async for event in pending.events()]
    assert told == [Pinged, TokensReceived]


async def test_a_certificate_in_a_header_proves_nothing(bank: Deployment, http: httpx2.AsyncClient):
    """Neither at the issuer nor at the aliases does a client say itself who it is."""
    certificate = (bank.places.playground / "terminal.pem").read_text("ascii")
    der = x509.load_pem_x509_certificate(certificate.encode()).public_bytes(Encoding.DER)
    forged = {
        "X-Client-Certificate": quote(certificate),
        "Client-Cert": f":{base64.b64encode(der).decode()}:",
    }
    form = {"client_id": "terminal", "grant_type": CIBA, "auth_req_id": "x" * 43}
    for port in (8443, 8444):
        url = f"https://localhost:{bank.front.ports[port]}/token"
        refused = await http.post(url, data=form, headers=forged)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def test_the_service_judges_a_certificate_that_nginx_would_refuse(
    bank: Deployment, tmp_path: Path
):
    """One that has expired is answered as any client that did not prove who it is."""
    later = datetime.now(UTC) - timedelta(days=500)  # noqa: TID251 - TLS looks at the real clock
    old = Places(*(tmp_path / name for name in ("tls", "playground", "configuration")))
    for each in (old.tls, old.playground, old.configuration):
        each.mkdir()
    prepare(ROOT / "deploy/ciba.tls.toml", old, now=later)
    context = bank.trust(certificate=old.playground / "terminal.pem")
    base_url = f"https://localhost:{bank.front.ports[8444]}"
    form = {"client_id": "terminal", "grant_type": CIBA, "auth_req_id": "x" * 43}
    async with httpx2.AsyncClient(base_url=base_url, verify=context) as expired:
        refused = await expired.post("/token", data=form)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def holding(bank: Deployment) -> Replica:
    """The replica that holds a poll, as soon as one does."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            for one in bank.replicas:
                if await asyncio.to_thread(one.held):
                    return one


@pytest.mark.usefixtures("both")
async def test_a_decision_at_one_replica_wakes_a_poll_at_the_other(bank: Deployment):
    """The poll is held open behind nginx; the word goes round through Redis."""
    async with (
        CibaClient(bank.client("terminal")) as client,
        client.authenticate(login_hint=HINT, binding_message="W4SCT") as pending,
    ):
        waiting = asyncio.create_task(pending.tokens())
        held = await holding(bank)
        (other,) = (one for one in bank.replicas if one is not held)
        async with bank.phone(f"http://127.0.0.1:{other.port}") as phone:
            await phone.approve_next()
        assert (await waiting).access_token


async def test_events_come_when_they_happen(bank: Deployment):
    """A client that follows its request hears of each step, and nginx keeps none back."""
    context = bank.trust(certificate=bank.places.playground / "terminal.pem")
    url = f"https://localhost:{bank.front.ports[8444]}/bc-authorize/events"
    accept = {"Accept": "text/event-stream"}
    async with (
        CibaClient(bank.client("terminal")) as client,
        client.authenticate(login_hint=HINT, binding_message="W4SCT") as pending,
        httpx2.AsyncClient(verify=context, timeout=READY_SECONDS) as http,
        bank.phone(bank.issuer) as phone,
    ):
        form = {"client_id": "terminal", "auth_req_id": str(pending.auth_req_id.value)}
        async with http.stream("POST", url, data=form, headers=accept) as stream:
            lines = stream.aiter_lines()
            assert await heard(lines) == "requested"
            assert await heard(lines) == "announced"
            await phone.approve_next()
            assert await heard(lines) == "approved"


async def heard(lines: AsyncIterator[str]) -> str:
    """The kind of the next event."""
    async for line in lines:
        if line.startswith("event: "):
            return line.removeprefix("event: ")
    raise AssertionError("the stream ended")


@pytest.mark.usefixtures("both")
async def test_a_redis_that_dies_comes_back_with_all_it_had(bank: Deployment):
    """The phone that was enrolled before approves a request that was made before."""
    async with (
        CibaClient(bank.client("terminal")) as client,
        bank.phone(bank.issuer) as phone,
        client.authenticate(login_hint=HINT, binding_message="W4SCT") as pending,
    ):
        await asyncio.to_thread(stop_redis, bank)
        await asyncio.to_thread(start_redis, bank)
        await asyncio.to_thread(bank.both)
        await phone.approve_next()
        assert (await pending.tokens()).access_token


@pytest.mark.usefixtures("both")
async def test_a_replica_that_dies_is_not_noticed(bank: Deployment, http: httpx2.AsyncClient):
    """Whoever asks next is answered by the other, whatever connections there were."""
    for _ in range(4):  # each has connections to nginx now
        assert (await http.get("/readyz")).status_code == 200
    dying = bank.replicas[0].running
    dying.kill()
    dying.wait()
    async with (
        CibaClient(bank.client("terminal")) as client,
        bank.phone(bank.issuer) as phone,
        client.authenticate(login_hint=HINT, binding_message="W4SCT") as pending,
    ):
        waiting = asyncio.create_task(pending.tokens())
        for _ in range(6):
            assert (await http.get("/readyz")).status_code == 200
        await phone.approve_next()
        assert (await waiting).access_token


@pytest.mark.usefixtures("both")
async def test_a_replica_that_is_stopped_loses_no_request(
    bank: Deployment, http: httpx2.AsyncClient
):
    """It drains, ends its connections one by one, and closes; of many requests each is answered."""
    ending = bank.replicas[0].running
    ending.terminate()
    statuses: set[int] = set()

    async def ask() -> None:
        while ending.poll() is None:
            statuses.add((await http.post("/jwks")).status_code)  # nginx repeats no POST

    await asyncio.gather(*(ask() for _ in range(4)))
    assert statuses == {405}
    assert (await http.get("/readyz")).status_code == 200
