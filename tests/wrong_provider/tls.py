"""The provider behind TLS that asks clients for their certificates (RFC 8705 section 2)."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.services.prompt_server import PromptServer
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.unit.protocol.client.certificates.authority import (
    CA,
    Authority,
    common_name,
    der,
    issue,
    key,
)
from tests.wrong_provider.clients.certificates import CERTIFICATE

__all__ = ["ROOT", "ClientCertificate", "serving_tls"]

LONG = (-1, 36_500)
NAME, ROOT_KEY = common_name("root"), key(owner="root")
ROOT = Authority(
    NAME,
    ROOT_KEY,
    issue(NAME, ROOT_KEY, issuer=NAME, signing_key=ROOT_KEY, extensions=(CA,), days=LONG),
)


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate of the authority: in a file with its key, and as a connection shows it."""

    file: Path
    der: bytes

    @classmethod
    def write(cls, name: str, folder: Path) -> Self:
        """Issue one."""
        own = key(owner=name)
        certificate = ROOT.issue(name, own, days=LONG)
        parts = (
            certificate.public_bytes(Encoding.PEM),
            own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )
        file = folder / f"{name}.pem"
        file.write_bytes(b"".join(parts))
        return cls(file, der(certificate))


class _Certified(HttpToolsProtocol):
    """Puts the client's certificate where uvicorn takes the state of each request from."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look at the certificate."""
        presented = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.app_state = {**self.app_state, CERTIFICATE: presented}
        super().connection_made(transport)


@asynccontextmanager
async def serving_tls(
    app: ASGIApp, own: LoopbackCertificate, authority: Authority | None = None
) -> AsyncIterator[str]:
    """Serve it until the end of the block; yields its URL.

    Whoever has a certificate of the authority may show it.
    """
    context = own.context()
    if authority is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=der(authority.certificate))
    config = uvicorn.Config(
        app,
        http=_Certified,
        log_config=None,
        lifespan="off",
        ws="none",
        ssl_certfile=own.chain,
        ssl_context_factory=lambda _config, _default: context,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = PromptServer(config)
        running = asyncio.create_task(server._serve(sockets=[listener]))
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.end()
            await running
