"""The place of ``make demo``: its directory, addresses, keys and configuration."""

import asyncio
import secrets
import socket
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ciba_service.sca.factors.activation import activation_link, new_activation_code

__all__ = [
    "BIN",
    "BY_HAND",
    "CLIENTS",
    "ENDPOINT",
    "DemoFailed",
    "Place",
    "free_port",
    "prepare",
    "run_program",
]

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent
PIN: Final = "739154"
ISSUER_PORT: Final = 8080
PHONE_PORT: Final = 8070
PLAYGROUND_PORT: Final = 8060
ENDPOINT: Final = "/ciba/notifications"
BY_HAND: Final = "carol@example.org"

# Whoever runs the demo; the till of the example polls, the two clients here are told.
FURTHER: Final = """
[outbound]
allow_loopback_http = true

[[users]]
sub = "carol"
login_hints = ["{by_hand}"]
activation_code = "{code}"

[[clients]]
client_id = "kiosk"
client_name = "Cinema Kiosk"
profile = "fapi2-ciba"
dpop_bound_access_tokens = true
grant_types = ["urn:openid:params:grant-type:ciba"]
scope = "openid profile"
token_endpoint_auth_method = "private_key_jwt"
backchannel_token_delivery_mode = "ping"
backchannel_client_notification_endpoint = "{endpoint}"
backchannel_authentication_request_signing_alg = "ES256"
{kiosk}

[[clients]]
client_id = "bookshop"
client_name = "Bookshop"
profile = "ciba-core"
grant_types = ["urn:openid:params:grant-type:ciba", "refresh_token"]
scope = "openid profile"
token_endpoint_auth_method = "private_key_jwt"
backchannel_token_delivery_mode = "push"
backchannel_client_notification_endpoint = "{endpoint}"
backchannel_authentication_request_signing_alg = "ES256"
{bookshop}
"""


CLIENT: Final = """
issuer = "{issuer}"
client_id = "{client_id}"
key = "{key}"
dpop_bound_access_tokens = {bound}
backchannel_token_delivery_mode = "{mode}"
"""
NOTIFIED: Final = """
backchannel_client_notification_endpoint = "{endpoint}"
"""
CLIENTS: Final = {"till": "poll", "kiosk": "ping", "bookshop": "push"}
"""In which mode each of the clients is told."""


class DemoFailed(Exception):
    """Something did not come about; the text says what."""


@dataclass(frozen=True)
class Place:
    """Where the demo's files and addresses are.

    ``phone_port`` is that of the web phone, ``callback_port`` where clients are notified. ``code``
    is the activation code of whoever runs the demo.
    """

    directory: Path
    issuer: str
    port: int
    phone_port: int
    playground_port: int
    callback_port: int
    code: str = field(repr=False)

    @property
    def config(self) -> Path:
        """The service's configuration."""
        return self.directory / "ciba.toml"

    @property
    def endpoint(self) -> str:
        """Where kiosk and bookshop are notified."""
        return f"http://127.0.0.1:{self.callback_port}{ENDPOINT}"

    @property
    def phone_origin(self) -> str:
        """Where the web phone is, by the name that keys and passkeys of a browser need."""
        return f"http://localhost:{self.phone_port}"

    @property
    def invitation(self) -> str:
        """The web phone with an activation code for whoever runs the demo."""
        return activation_link(f"{self.phone_origin}/", self.code)

    def client(self, client_id: str) -> Path:
        """The configuration of a client."""
        return self.directory / f"{client_id}.toml"

    def key(self, client_id: str) -> Path:
        """The private key of a client."""
        return self.directory / f"{client_id}.jwk"


async def prepare(directory: Path, *, well_known: bool) -> Place:
    """Make keys and configurations.

    ``well_known``: on the ports of the documentation where they are free, so that a browser finds
    the phone that it had in the demo before.
    """
    wishes = (ISSUER_PORT, PHONE_PORT, PLAYGROUND_PORT) if well_known else (0, 0, 0)
    port, phone_port, playground_port = map(free_port, wishes)
    place = Place(
        directory,
        f"http://127.0.0.1:{port}",
        port,
        phone_port,
        playground_port,
        callback_port=free_port(0),
        code=new_activation_code(secrets.token_bytes),
    )
    jwks = {
        name: (await run_program("ciba-client", "keygen", str(place.key(name)), "--toml")).strip()
        for name in CLIENTS
    }
    further = FURTHER.format(by_hand=BY_HAND, code=place.code, endpoint=place.endpoint, **jwks)
    place.config.write_text(_example(place, jwks["till"]) + further, "utf-8")
    for client_id in CLIENTS:
        place.client(client_id).write_text(_client(place, client_id), "utf-8")
    (directory / "pin").write_text(PIN, "utf-8")
    return place


def _client(place: Place, client_id: str) -> str:
    """The configuration of a client, as it is registered."""
    text = CLIENT.format(
        issuer=place.issuer,
        client_id=client_id,
        key=place.key(client_id),
        bound=str(client_id != "bookshop").lower(),
        mode=CLIENTS[client_id],
    )
    return text if client_id == "till" else text + NOTIFIED.format(endpoint=place.endpoint)


def _example(place: Place, jwks: str) -> str:
    """The example of a configuration, at home in this place."""
    text = (ROOT / "ciba.example.toml").read_text("utf-8")
    for theirs, ours in (
        ('issuer = "http://127.0.0.1:8080"', f'issuer = "{place.issuer}"'),
        ("port = 8080", f"port = {place.port}"),
        ('data_directory = "var"', f'data_directory = "{place.directory}/var"'),
        ("http://localhost:8070", place.phone_origin),
        ('# logo_file = "till.png"', f'logo_file = "{ROOT}/scripts/till.png"'),
        ("jwks = { keys = [] }", jwks),
    ):
        if theirs not in text:
            raise DemoFailed(f"ciba.example.toml has no {theirs}")
        text = text.replace(theirs, ours)
    return text


async def run_program(program: str, *arguments: str) -> str:
    """What a program of ours prints; raises ``DemoFailed`` with what it complains of."""
    process = await asyncio.create_subprocess_exec(
        BIN / program, *arguments, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise DemoFailed(f"{program}: {errors.decode().strip()}")
    return output.decode()


def free_port(wish: int) -> int:
    """The port that is wished for, or another one if it is taken; 0 is any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wish))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
