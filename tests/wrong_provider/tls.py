"""The provider behind TLS that asks clients for their certificates (RFC 8705 section 2)."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.prompt_server import PromptServer
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.wrong_provider.certificates import CERTIFICATE

__all__ = ["der_of", "serving_tls"]


class _Certified(HttpToolsProtocol):
    """Puts the client's certificate where uvicorn takes the state of each request from."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look at the certificate."""
        presented = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.app_state = {**self.app_state, CERTIFICATE: presented}
        super().connection_made(transport)


@asynccontextmanager
async def serving_tls(
    app: ASGIApp, own: LoopbackCertificate, clients: Iterable[LoopbackCertificate]
) -> AsyncIterator[str]:
    """Serve it until the end of the block; yields its URL."""
    context = own.context()
    context.verify_mode = ssl.CERT_OPTIONAL
    for each in clients:
        context.load_verify_locations(each.chain)
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
        server = PromptServer(config)
        running = asyncio.create_task(server._serve(sockets=[listener]))
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.end()
            await running


def der_of(certificate: LoopbackCertificate) -> bytes:
    """A certificate as a connection shows it."""
    return ssl.PEM_cert_to_DER_cert(certificate.chain.read_text("ascii"))
