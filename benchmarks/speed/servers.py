"""The two providers, each with a Redis of its own: on loopback, providers on core 0, Redis on 1."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from benchmarks.speed.interpreter import service_interpreter
from benchmarks.speed.names import CLIENT_ID, USERS, user_name
from benchmarks.speed.stages import Signers, Stages
from ciba_service.stores.embedded.keeper import LISTPACK_VALUE

__all__ = ["OTHER_CORE", "Provider", "own_provider", "peer_provider", "peer_version", "redis_info"]

REPOSITORY: Final = Path(__file__).parents[2]
PEER: Final = Path(__file__).parent / "peer"
PEER_MODULES: Final = PEER / "node_modules"
PEER_NODE: Final = PEER_MODULES / ".bin" / "node"
PROVIDER_CORE, OTHER_CORE = 0, 1
_READY_SECONDS: Final = 30.0
_ATTEMPTS: Final = 5
_END_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Provider:
    """One that runs; ``pid`` and ``redis_pid`` are what to look at."""

    name: str
    port: int
    redis_port: int
    pid: int
    redis_pid: int
    stages: Stages
    demands_nonces: bool = False

    def post(self, path: str, body: str = "", headers: Mapping[str, str] = {}) -> Mapping[str, str]:
        """Send a form and return the headers of whatever is answered."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_READY_SECONDS)
        form = {"content-type": "application/x-www-form-urlencoded"}
        try:
            connection.request("POST", path, body, form | dict(headers))
            answer = connection.getresponse()
            answer.read()
            return {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def nonce(self) -> str | None:
        """What token requests must have in their proofs now."""
        if not self.demands_nonces:
            return None
        for _ in range(_ATTEMPTS):
            told = self._told_nonce()
            if told is not None:
                return told
        raise RuntimeError(f"{self.name} tells no nonce; its log says why")

    def _told_nonce(self) -> str | None:
        line = self.stages.token_requests(1, None).read_text("ascii").split("\n")[0]
        path, proof, body = line.split("\t")
        return self.post(path, body, {"DPoP": proof}).get("dpop-nonce")

    @contextmanager
    def alone(self, other: "Provider") -> Iterator[None]:
        """Nothing that ``other`` does besides counts here: it stands still meanwhile."""
        os.kill(other.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(other.pid, signal.SIGCONT)


def peer_version() -> str:
    """What we are measured against, and what it runs on."""
    package = json.loads((PEER_MODULES / "oidc-provider" / "package.json").read_text("utf-8"))
    node = subprocess.run(  # noqa: S603 - of the peer's lock
        [str(PEER_NODE), "--version"], capture_output=True, check=True, timeout=10
    )
    return f"node-oidc-provider {package['version']} on Node {node.stdout.decode().strip()}"


def redis_info(port: int, section: str, member: str) -> int:
    """A number out of INFO."""
    with socket.create_connection(("127.0.0.1", port), _READY_SECONDS) as connection:
        connection.sendall(f"INFO {section}\r\n".encode())
        answer = b""
        while f"{member}:".encode() not in answer or not answer.endswith(b"\r\n"):
            answer += connection.recv(65_536)
    _, _, rest = answer.decode().partition(f"\n{member}:")
    return int(rest.partition("\r\n")[0])


@contextmanager
def own_provider(
    directory: Path, signers: Signers, *, clients: Sequence[str] = (CLIENT_ID,)
) -> Iterator[Provider]:
    """The service, without limits on clients and users, and with opaque tokens like the peer's."""
    directory.mkdir()
    port = _free_port()
    with _redis(directory) as (redis_port, redis_pid):
        stages = Stages(signers, f"http://127.0.0.1:{port}", "/bc-authorize", "/token", directory)
        config = directory / "ciba.toml"
        config.write_text(_configuration(stages, port, redis_port, directory, clients), "utf-8")
        program = service_interpreter().program
        command = [program, "-m", "benchmarks.speed.service", str(config)]
        with _running("service", command, {}, directory) as pid:
            _until_open(port, pid)
            provider = Provider(
                "service", port, redis_port, pid, redis_pid, stages, demands_nonces=True
            )
            provider.post("/bench/enrol")
            yield provider


@contextmanager
def peer_provider(directory: Path, signers: Signers) -> Iterator[Provider]:
    """node-oidc-provider with the FAPI 2.0 profile, poll mode, requests signed and DPoP."""
    directory.mkdir()
    port = _free_port()
    with _redis(directory) as (redis_port, redis_pid):
        stages = Stages(signers, f"http://127.0.0.1:{port}", "/backchannel", "/token", directory)
        keys = directory / "keys.json"
        keys.write_text(json.dumps({"client": signers.client_key.jwk()}), "utf-8")
        environment = {
            "PORT": str(port),
            "REDIS_PORT": str(redis_port),
            "KEYS": str(keys),
            "CLIENT_ID": CLIENT_ID,
            "NODE_ENV": "production",
        }
        command = [str(PEER_NODE), "--expose-gc", str(PEER / "server.mjs")]
        with _running("peer", command, environment, directory) as pid:
            _until_open(port, pid)
            yield Provider("peer", port, redis_port, pid, redis_pid, stages)


def _configuration(
    stages: Stages, port: int, redis_port: int, directory: Path, clients: Sequence[str]
) -> str:
    users = "\n".join(f'[[users]]\nsub = "{user_name(number)}"' for number in range(USERS))
    registered = "".join(_client(name, stages.signers) for name in clients)
    return f"""
[server]
issuer = "{stages.issuer}"
port = {port}
[store]
url = "redis://127.0.0.1:{redis_port}/0"
data_directory = "{directory / "var"}"
[requests]
open_prompts = 100
[metrics]
port = {_free_port()}
[tokens]
access_token_format = "opaque"
[limits]
client_requests = 0
hint_requests = 0
user_prompts = 0
user_prompts_of_client = 0
denials = 0
{registered}
{users}
"""


def _client(name: str, signers: Signers) -> str:
    jwk = ", ".join(f'{member} = "{value}"' for member, value in signers.client_key.jwk().items())
    return f"""
[[clients]]
client_id = "{name}"
client_name = "Benchmark"
profile = "fapi2-ciba"
dpop_bound_access_tokens = true
grant_types = ["urn:openid:params:grant-type:ciba"]
scope = "openid pay"
token_endpoint_auth_method = "private_key_jwt"
token_endpoint_auth_signing_alg = "ES256"
backchannel_token_delivery_mode = "poll"
backchannel_authentication_request_signing_alg = "ES256"
id_token_signed_response_alg = "ES256"
polling_interval = 0
jwks = {{ keys = [{{ {jwk} }}] }}
"""


@contextmanager
def _redis(directory: Path) -> Iterator[tuple[int, int]]:
    port = _free_port()
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port)]
    command += ["--dir", str(directory), "--save", "", "--appendonly", "no"]
    command += ["--hash-max-listpack-value", str(LISTPACK_VALUE)]
    with _running("redis", command, {}, directory, core=OTHER_CORE) as pid:
        _until_open(port, pid)
        yield port, pid


@contextmanager
def _running(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    *,
    core: int = PROVIDER_CORE,
) -> Iterator[int]:
    """Run a program on one core until the end of the block."""
    with (directory / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - commands of this file
            ["taskset", "-c", str(core), *command],  # noqa: S607 - of the system
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            env=os.environ | dict(environment),
        )
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until_open(port: int, pid: int) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"process {pid} does not listen on port {port}; its log says why")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
