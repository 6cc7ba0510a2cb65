"""``ciba-service serve`` listens for operators apart from everybody else."""

import asyncio
import ssl
from pathlib import Path

import httpx2
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from ciba_service.commands.outcome import CommandFailed
from ciba_service.commands.serving.serve import check_tls, operator_config
from ciba_service.listening.listeners import Listener, ListeningServer, bound_socket
from ciba_service.settings import parse_settings
from tests.ports import free_port
from tests.services.running_service import PLAIN, _toml
from tests.services.service_process import READY_SECONDS, installation
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.wire.grants import TokenEndpoint, token_endpoint
from tests.wire.operator import operator

TOKEN = "a-token-of-an-operator"


class Saying:
    """An application that says its name."""

    def __init__(self, name: bytes) -> None:
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or live."""
        if scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.name})


async def test_a_listener_may_have_an_application_of_its_own():
    """Each socket leads to its own application; both end together."""
    public, operators = (bound_socket("127.0.0.1", 0, backlog=4) for _ in range(2))
    ports = [each.getsockname()[1] for each in (public, operators)]
    settings = parse_settings(_toml("https://op.example", (), (), {}), {})
    own = operator_config(Saying(b"operators"), settings.server)
    config = uvicorn.Config(Saying(b"public"), log_config=None, lifespan="on")
    server = ListeningServer(config, [Listener(public), Listener(operators, config=own)])
    server.config.setup_event_loop = lambda: None  # type: ignore[method-assign]
    serving = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0)
    async with httpx2.AsyncClient(verify=PLAIN) as http:
        said = [(await http.get(f"http://127.0.0.1:{port}/")).content for port in ports]
    assert said == [b"public", b"operators"]
    server.should_exit = True
    await serving


def test_a_certificate_that_does_not_fit_stops_the_start(tmp_path: Path):
    """With a sentence that names it."""
    trusted = LoopbackCertificate.write(tmp_path)
    trusted.key.write_text("no key")
    members = {"tls_certificate": str(trusted.chain), "tls_key": str(trusted.key), "port": 0}
    sections = {"operators": [operator("anna", TOKEN, "read")], "operator": members}
    settings = parse_settings(_toml("https://op.example", (), (), sections), {})
    with pytest.raises(CommandFailed, match="loopback"):
        check_tls(settings)


async def test_operators_are_served_over_tls_beside_the_service(tmp_path: Path):
    """On their own port, by https only; no path of theirs is on the public one.

    The same goes for token endpoints elsewhere.
    """
    trusted = LoopbackCertificate.write(tmp_path)
    port, grants_port = free_port(), free_port()
    async with installation(tmp_path) as place:
        place.configure(
            token_endpoints=[token_endpoint("bank", TOKEN)],
            grants={
                "port": grants_port,
                "tls_certificate": str(trusted.chain),
                "tls_key": str(trusted.key),
            },
            operators=[operator("anna", TOKEN, "read")],
            operator={
                "port": port,
                "tls_certificate": str(trusted.chain),
                "tls_key": str(trusted.key),
            },
        )
        service = await place.serve()
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        context = ssl.create_default_context(cafile=str(trusted.chain))
        base_url = f"https://127.0.0.1:{port}"
        async with httpx2.AsyncClient(
            base_url=base_url, verify=context, timeout=READY_SECONDS
        ) as http:
            told = await http.get("/operator/status", headers=bearer)
            assert (told.status_code, told.json()["ready"]) == (200, True)
            opened = await http.post("/operator/session", headers=bearer)
            assert opened.headers["set-cookie"].startswith("__Host-ciba-operator=")
            # The cookie alone is good for reading, and for paths that there are.
            assert (await http.get("/operator/users")).status_code == 200
            assert (await http.get("/healthz")).status_code == 404
        assert (await place.http.get("/operator/status", headers=bearer)).status_code == 404
        base_url = f"https://127.0.0.1:{grants_port}"
        async with httpx2.AsyncClient(
            base_url=base_url, verify=context, timeout=READY_SECONDS
        ) as http:
            asked = await TokenEndpoint(http, TOKEN).redeem("A" * 43)
            assert (asked.status_code, asked.json()["status"]) == (200, "invalid")
        assert (await TokenEndpoint(place.http, TOKEN).redeem("A" * 43)).status_code == 404
        (listening,) = [each for each in service.events() if each["event"] == "listening"]
        assert (listening["operator_port"], listening["grants_port"]) == (port, grants_port)
        assert await service.terminate() == 0
