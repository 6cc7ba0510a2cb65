"""The client library and the service in push mode: what one sends is what the other demands."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from ciba_client import (
    AccessDenied,
    CibaClient,
    ClientConfiguration,
    Expired,
    InvalidIdToken,
    NotificationReceiver,
    PendingAuthentication,
    RequestCancelled,
    TokenDeliveryMode,
    TokenSet,
    TokenType,
    TransactionFailed,
    parse_signing_key,
)
from ciba_service.stores.keys import partition_of
from tests.client_time import SharedTime
from tests.services.asgi_server import serving
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone

SECTIONS = {"outbound": {"allow_loopback_http": True}, "delivery": {"callback_delay_ms": 0}}


@dataclass
class Endpoint:
    """The receiver in the shop's application, on a way on which things may happen."""

    receiver: NotificationReceiver = field(default_factory=NotificationReceiver)
    pushes: list[bytes] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    changes: dict[str, object] = field(default_factory=dict)
    loses_answers: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one push on, as it came or changed, and its answer back, or lose it."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        self.pushes.append(body)
        changed = json.dumps({**json.loads(body), **self.changes}).encode()

        async def arrived() -> Message:
            return {"type": "http.request", "body": changed if self.changes else body}

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.statuses.append(message["status"])
                if self.loses_answers:
                    self.loses_answers -= 1
                    message = {**message, "status": 502}
            await send(message)

        await self.receiver(scope, arrived, answered)


@dataclass
class Shop:
    """A client that is pushed to, its library, the service, and alice's phone."""

    bank: RunningService
    library: CibaClient
    phone: WirePhone
    endpoint: Endpoint

    async def again(self) -> None:
        """Let the time of the second attempt come."""
        due = (await self.bank.telemetry.seen("callback_due")).fields
        self.bank.clock.advance((int(str(due["again_at"])) - self.bank.clock.now_ms()) / 1000)
        await self.bank.service.worker.work_off(partition_of(str(due["transaction_id"])))

    async def userinfo(self, tokens: TokenSet) -> int:
        """What userinfo says to a token, with the nonce it asks for."""
        url = f"{self.bank.issuer}/userinfo"
        async with httpx2.AsyncClient(trust_env=False) as http:
            nonce = None
            for _ in range(2):
                headers = self.library.resource_headers(tokens, method="GET", url=url, nonce=nonce)
                answer = await http.get(url, headers=headers)
                nonce = answer.headers.get("dpop-nonce")
        return answer.status_code


@asynccontextmanager
async def opened(run_service: ServiceRunner, **metadata: Any) -> AsyncIterator[Shop]:
    """Everything there is, up and running."""
    endpoint = Endpoint()
    async with serving(endpoint) as url:
        members = {
            "backchannel_token_delivery_mode": "push",
            "backchannel_client_notification_endpoint": f"{url}/ciba",
            "grant_types": [CIBA, "refresh_token"],
        }
        shop = WireClient("shop", metadata={**members, **metadata})
        async with run_service(clients=[shop], sections=SECTIONS) as bank:
            configuration = ClientConfiguration(
                issuer=bank.issuer,
                client_id="shop",
                key=parse_signing_key(shop.key.as_pem(private=True), kid="key-1"),
                backchannel_token_delivery_mode=TokenDeliveryMode.PUSH,
                dpop_bound_access_tokens=bool(metadata.get("dpop_bound_access_tokens")),
            )
            async with CibaClient(
                configuration, notifications=endpoint.receiver, clock=SharedTime(bank.clock)
            ) as library:
                yield Shop(bank, library, await bank.enrolled_phone("alice"), endpoint)
            assert bank.telemetry.failures == []


@pytest.fixture
async def shop(run_service: ServiceRunner) -> AsyncIterator[Shop]:
    """A shop that gets refresh tokens, and none that is bound."""
    async with opened(run_service) as shop:
        yield shop


@asynccontextmanager
async def asked(shop: Shop, **parameters: Any) -> AsyncIterator[PendingAuthentication]:
    """Alice is asked."""
    request = shop.library.authenticate(
        login_hint="alice", binding_message="W4SCT", scope="openid profile", **parameters
    )
    async with request as pending:
        yield pending


async def test_an_approval_brings_verified_tokens(shop: Shop):
    """The bindings that the service makes are those that the library demands (CIBA 10.3.1)."""
    async with asked(shop) as pending:
        waiting = asyncio.create_task(pending.tokens())
        await shop.phone.approve_next()
        tokens = await waiting
    await shop.bank.telemetry.seen("callback_delivered")
    assert (pending.interval, shop.endpoint.statuses) == (None, [204])
    assert tokens.token_type is TokenType.BEARER
    assert tokens.refresh_token is not None
    assert tokens.id_token.sub == "alice"
    assert await shop.userinfo(tokens) == 200


@pytest.mark.parametrize("grant_types", [[CIBA], [CIBA, "refresh_token"]])
async def test_pushed_tokens_may_be_bound_to_the_clients_key(
    run_service: ServiceRunner, grant_types: list[str]
):
    """The start shows the key, with the service's nonce (CIBA 5), and the library can use them."""
    bound = {"dpop_bound_access_tokens": True, "grant_types": grant_types}
    async with opened(run_service, **bound) as shop, asked(shop) as pending:
        await shop.phone.approve_next()
        tokens = await pending.tokens()
        assert tokens.token_type is TokenType.DPOP
        assert (tokens.refresh_token is None) is (len(grant_types) == 1)
        assert await shop.userinfo(tokens) == 200
        await shop.bank.telemetry.seen("callback_delivered")


async def test_a_denial_is_raised(shop: Shop):
    """Pushed as an error (CIBA 12)."""
    async with asked(shop) as pending:
        (challenge,) = await shop.phone.fetch()
        await shop.phone.decide(shop.phone.denial(challenge))
        with pytest.raises(AccessDenied):
            await pending.tokens()
    await shop.bank.telemetry.seen("callback_delivered")


async def test_a_failure_is_raised(shop: Shop):
    """Five wrong attempts end the request."""
    async with asked(shop) as pending:
        (challenge,) = await shop.phone.fetch()
        for _ in range(5):
            await shop.phone.decide(shop.phone.approval(challenge, pin=False))
        with pytest.raises(TransactionFailed, match="transaction_failed"):
            await pending.tokens()
    await shop.bank.telemetry.seen("callback_delivered")


async def test_an_expiry_is_raised_as_the_service_tells_it(shop: Shop):
    """The library need not wait for its own patience to end."""
    async with asked(shop, requested_expiry=10) as pending:
        waiting = asyncio.create_task(pending.tokens())
        shop.bank.clock.advance(10)
        with pytest.raises(Expired) as caught:
            await waiting
    assert caught.value.description != "no push came in time"
    await shop.bank.telemetry.seen("callback_delivered")


async def test_a_push_whose_answer_was_lost_comes_again_and_changes_nothing(shop: Shop):
    """The library takes the same tokens once, and acknowledges them twice."""
    shop.endpoint.loses_answers = 1
    async with asked(shop) as pending:
        await shop.phone.approve_next()
        tokens = await pending.tokens()
        await shop.again()
        await shop.bank.telemetry.seen("callback_delivered")
        assert await pending.tokens() == tokens
    assert shop.endpoint.statuses == [204, 204]
    assert shop.endpoint.pushes[0] == shop.endpoint.pushes[1]
    assert await shop.userinfo(tokens) == 200


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
async def test_tokens_that_were_changed_on_the_way_are_not_used_and_are_revoked(
    shop: Shop, name: str
):
    """The library refuses the push, and the service takes back what nobody has."""
    shop.endpoint.changes = {name: "of-somebody-else"}
    async with asked(shop) as pending:
        await shop.phone.approve_next()
        with pytest.raises(InvalidIdToken, match="belongs to another"):
            await pending.tokens()
        abandoned = await shop.bank.telemetry.seen("callback_abandoned")
    assert abandoned.fields["reason"] == "refused"
    token = json.loads(shop.endpoint.pushes[0])["access_token"]
    answer = await shop.bank.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_a_program_that_has_left_is_not_brought_tokens(shop: Shop):
    """They are revoked as well."""
    async with asked(shop):
        (challenge,) = await shop.phone.fetch()
    await shop.phone.decide(shop.phone.approval(challenge))
    abandoned = await shop.bank.telemetry.seen("callback_abandoned")
    assert (abandoned.fields["reason"], shop.endpoint.statuses) == ("refused", [410])


async def test_a_request_is_taken_back(shop: Shop):
    """The prompt is gone, whoever waits hears of it, and nothing is pushed."""
    async with asked(shop) as pending:
        waiting = asyncio.create_task(pending.tokens())
        assert await pending.cancel() is True
        assert await pending.cancel() is True
        with pytest.raises(RequestCancelled):
            await waiting
        assert await shop.phone.fetch() == []
    assert shop.endpoint.pushes == []


async def test_what_was_delivered_is_not_taken_back(shop: Shop):
    """The push was faster."""
    async with asked(shop) as pending:
        await shop.phone.approve_next()
        tokens = await pending.tokens()
        await shop.bank.telemetry.seen("callback_delivered")
        assert await pending.cancel() is False
        assert await pending.tokens() == tokens
