"""The HTTP clients of a run: one for each certificate, and one that shows none."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2

from ciba_client.client_file import UnusableInput
from ciba_client.conformance.plan import Plan, PlannedClient
from ciba_client.sdk.provider.addresses import is_loopback

__all__ = ["Doors", "opened_doors"]

_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "ciba-client-conformance",
}
_NO_PASSWORD: Final = ""


@dataclass(frozen=True, slots=True)
class Doors:
    """``anonymous`` shows no certificate; the clients show theirs, where they have one."""

    anonymous: httpx2.AsyncClient
    by_client: dict[str, httpx2.AsyncClient] = field(default_factory=dict)

    def of(self, client: PlannedClient) -> httpx2.AsyncClient:
        """By which this client goes out."""
        return self.by_client.get(client.client_id, self.anonymous)


@asynccontextmanager
async def opened_doors(plan: Plan) -> AsyncIterator[Doors]:
    """Open them until the end of the block; raises ``UnusableInput`` for an unusable file."""
    async with AsyncExitStack() as stack:
        anonymous = await stack.enter_async_context(_http(plan, None))
        by_client = {}
        for client in (plan.client, plan.second_client):
            if client is not None and client.certificate is not None:
                http = await stack.enter_async_context(_http(plan, client))
                by_client[client.client_id] = http
        yield Doors(anonymous, by_client)


def _http(plan: Plan, client: PlannedClient | None) -> httpx2.AsyncClient:
    trust_env = not is_loopback(plan.issuer)
    return httpx2.AsyncClient(
        headers=_HEADERS,
        verify=_context(plan.ca_file, client, trust_env=trust_env),
        trust_env=trust_env,
    )


def _context(
    ca_file: Path | None, client: PlannedClient | None, *, trust_env: bool
) -> ssl.SSLContext:
    try:
        context = (
            httpx2.create_ssl_context(trust_env=trust_env)
            if ca_file is None
            else ssl.create_default_context(cafile=ca_file)
        )
        if client is not None and client.certificate is not None:
            context.load_cert_chain(client.certificate, client.certificate_key, _NO_PASSWORD)
    except OSError as error:  # ssl.SSLError is one
        raise UnusableInput("a certificate, its key or ca_file cannot be used") from error
    return context
