"""The demo resource at the level of the wire: tokens that are bound, presented right or wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.services.running_service import RunningService
from tests.wire.client import CIBA, WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone

ACCOUNTS, PAYMENTS = "/resource/accounts", "/resource/payments"
PAYMENT = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.50"},
    "creditorName": "Corner Shop Ltd",
    "creditorAccount": {"iban": "DE89370400440532013000"},
}
FAPI2 = {
    "profile": "fapi2-ciba",
    "dpop_bound_access_tokens": True,
    "grant_types": [CIBA, "refresh_token"],
    "scope": "openid accounts",
    "authorization_details_types": ["payment_initiation", "account_information"],
}


async def token_request(
    client: WireClient, dpop: WireDpop, form: Mapping[str, str]
) -> httpx2.Response:
    """A token request with a proof; the first answer may only bring the nonce."""
    for _ in range(2):
        proof = dpop.proof("POST", f"{client.issuer}/token", client.now())
        sent = {**form, **client.credentials()}
        answer = dpop.learn(await client.post("/token", sent, headers={"DPoP": proof}))
        if answer.json().get("error") != "use_dpop_nonce":
            break
    return answer


async def bound_tokens(
    client: WireClient, phone: WirePhone, dpop: WireDpop, **claims: Any
) -> dict[str, Any]:
    """The tokens of a request that was approved, bound to the key."""
    auth_req_id = await client.started(**claims)
    assert (await phone.approve_next())["type"] == "accepted"
    answer = await token_request(client, dpop, {"grant_type": CIBA, "auth_req_id": auth_req_id})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@dataclass
class Holder:
    """Whoever holds an access token and the key it is bound to."""

    service: RunningService
    token: str
    dpop: WireDpop = field(default_factory=WireDpop)

    def proof(self, method: str, path: str, **changed: Any) -> str:
        """A proof for one call; ``changed`` bends it."""
        url, now = f"{self.service.issuer}{path}", self.service.clock.now()
        return self.dpop.proof(method, url, now, access_token=self.token, **changed)

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] = {},
        proof: Mapping[str, Any] = {},
        **options: Any,
    ) -> httpx2.Response:
        """Call a resource with the token and a proof; ``proof`` bends that."""
        sent = {
            "authorization": f"DPoP {self.token}",
            "dpop": self.proof(method, path, **proof),
            **headers,
        }
        return await self.send(method, path, headers=sent, **options)

    async def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send just this."""
        answer = await self.service.http.request(method, path, **options)
        return self.dpop.learn(answer)

    async def accounts(self, **options: Any) -> httpx2.Response:
        """Read the accounts."""
        return await self.call("GET", ACCOUNTS, **options)

    async def pay(self, **options: Any) -> httpx2.Response:
        """Have the payment executed."""
        return await self.call("POST", PAYMENTS, **options)


async def holder(
    service: RunningService, client: WireClient, phone: WirePhone, **claims: Any
) -> Holder:
    """A client that got a token, with its key."""
    dpop = WireDpop()
    tokens = await bound_tokens(client, phone, dpop, **claims)
    return Holder(service, tokens["access_token"], dpop)


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.json()["error"]


def challenges(answer: httpx2.Response) -> tuple[str, str]:
    """What the resource asks for: the challenge for bearer tokens and the one for DPoP."""
    bearer, dpop = sorted(answer.headers.get_list("www-authenticate"))
    return bearer, dpop
