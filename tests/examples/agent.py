"""The agent of ``examples/agent_approval`` as a test sees it: its tool, its human, its tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from ciba_client import CibaClient, ClientConfiguration, TokenSet, parse_signing_key
from examples.agent_approval.payment_api import PaymentApi
from examples.agent_approval.transfer_tool import TransferTool
from tests.client_time import ClientTime
from tests.services.running_service import PLAIN, RunningService
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

METADATA = {"profile": "fapi2-ciba", "dpop_bound_access_tokens": True, "scope": "openid"}
RENT = ("850.00", "EUR", "DE89370400440532013000", "Housing Ltd")
PAYMENT = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "850.00"},
    "creditorName": "Housing Ltd",
    "creditorAccount": {"iban": "DE89370400440532013000"},
}


class LosingTransport(httpx2.AsyncHTTPTransport):
    """A way to the bank on which so many answers get lost, each after it was given.

    ``behind_proxy`` says whether something on the way answers in the bank's place.
    """

    def __init__(self, lost: int, *, behind_proxy: bool) -> None:
        super().__init__(verify=PLAIN)
        self.lost = lost
        self.behind_proxy = behind_proxy

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send, and lose what comes back; a demand for a nonce gets through."""
        answer = await super().handle_async_request(request)
        if answer.status_code == 401 or self.lost == 0:
            return answer
        self.lost -= 1
        await answer.aclose()
        if self.behind_proxy:
            return httpx2.Response(502, html="<h1>Bad Gateway</h1>")
        raise httpx2.ReadTimeout("nothing came", request=request)


@dataclass
class Agent:
    """An agent with its tool; ``shown`` is what its human was shown."""

    service: RunningService
    client: CibaClient
    tool: TransferTool | None = None
    shown: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, sentence: str) -> None:
        """Show it to the human."""
        self.shown.append(sentence)
        self.asked.set()

    @asynccontextmanager
    async def transferring(
        self, phone: WirePhone, *transfer: str
    ) -> AsyncIterator[tuple[asyncio.Task[Any], str]]:
        """Call the tool, and yield the call and the one challenge that the phone shows."""
        call = asyncio.create_task(self.tool.transfer(*(transfer or RENT)))
        asked = asyncio.create_task(self.asked.wait())
        await asyncio.wait((call, asked), return_when=asyncio.FIRST_COMPLETED, timeout=30)
        (challenge,) = await phone.fetch()
        assert claims_of(challenge)["display"]["binding_message"] in self.shown[0]
        yield call, challenge

    async def tokens(self, phone: WirePhone) -> TokenSet:
        """Tokens for the rent, approved: what an agent gets that goes around its tool."""
        asking = self.client.authenticate(login_hint="alice", authorization_details=[PAYMENT])
        async with asking as pending:
            assert (await phone.approve_next())["type"] == "accepted"
            return await pending.tokens()

    async def pay(
        self, tokens: TokenSet, payment: Any = PAYMENT, *, client: CibaClient | None = None
    ) -> tuple[int, str | None]:
        """Go to the bank oneself; the status and the error of its answer."""
        url, nonce = f"{self.service.issuer}/resource/payments", None
        while True:
            holder = client or self.client
            headers = holder.resource_headers(tokens, method="POST", url=url, nonce=nonce)
            answer = await self.service.http.post(url, json=payment, headers=headers)
            nonce, error = answer.headers.get("dpop-nonce"), answer.json().get("error")
            if error != "use_dpop_nonce":
                return answer.status_code, error


def configuration(service: RunningService) -> ClientConfiguration:
    """The client that the bank knows the agent's tool as."""
    key = service.clients["agent"].key
    return ClientConfiguration(
        issuer=service.issuer,
        client_id="agent",
        key=parse_signing_key(key.as_pem(private=True), kid=str(key.kid)),
        dpop_bound_access_tokens=True,
        polling_wait=25,
    )


@asynccontextmanager
async def agent_of(
    service: RunningService, *, lost_answers: int = 0, behind_proxy: bool = False
) -> AsyncIterator[Agent]:
    """An agent of Alice, on the time of the service."""
    way = LosingTransport(lost_answers, behind_proxy=behind_proxy)
    async with (
        CibaClient(configuration(service), clock=ClientTime(service.clock)) as client,
        httpx2.AsyncClient(transport=way) as http,
    ):
        bank = PaymentApi(client, http, f"{service.issuer}/resource/payments")
        agent = Agent(service, client)
        agent.tool = TransferTool(client, bank, payer="alice@example.org", show=agent.show)
        yield agent


def new_wire_client() -> WireClient:
    """The registration of the agent's tool."""
    return WireClient("agent", metadata=METADATA)
