"""The operators' page: the overview on a busy day, and the timeline of a request."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Page, ViewportSize

from ciba_service.sca.messages import transaction_id
from ciba_service.stores.driver.target import RedisTarget
from tests.services.running_service import RunningService, running_service
from tests.wire.callback_endpoint import answer, callback_endpoint, outbound_section
from tests.wire.client import WireClient
from tests.wire.operator import Operators, operating, operator
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key
from tools.screenshots.camera import Camera

__all__ = ["operator_pictures"]

_OPERATOR: Final = "anna"
_USERS: Final = ("alice", "bob", "carol", "dora")
_VIEWPORT: Final = ViewportSize(width=1280, height=860)
_WRONG_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class _Stage:
    """A service on a busy day, and the request to be looked at."""

    operators: Operators
    shown: str


async def operator_pictures(
    browser: Browser, camera: Camera, target: RedisTarget, directory: Path
) -> None:
    """Take them; ``directory`` is for keys and certificates."""
    async with _stage(target, directory) as stage:
        context = await browser.new_context(
            viewport=_VIEWPORT,
            reduced_motion="reduce",
            device_scale_factor=1.5,
            timezone_id="Europe/Berlin",
        )
        page = await context.new_page()
        address = f"{stage.operators.base_url}/operator/"
        await page.goto(address)
        await page.get_by_label("Operator token").fill(stage.operators.tokens[_OPERATOR])
        await page.get_by_role("button", name="Sign in").click()
        await page.locator(".events li").first.wait_for()
        await _take(page, camera, "operator-overview")
        await page.goto(f"{address}#/transactions/{stage.shown}")
        await page.locator(".timeline li").first.wait_for()
        await _take(page, camera, "operator-timeline")
        await context.close()


async def _take(page: Page, camera: Camera, name: str) -> None:
    await page.locator("main [aria-busy]").wait_for(state="detached")
    await page.evaluate("document.activeElement.blur()")
    await camera.take(page, name)
    await camera.take(page, f"{name}-dark", scheme="dark")


@asynccontextmanager
async def _stage(target: RedisTarget, directory: Path) -> AsyncIterator[_Stage]:
    tokens = {_OPERATOR: secrets.token_urlsafe(32)}
    async with AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(callback_endpoint(directory))
        endpoint.answers = [answer("401 Unauthorized")]
        bakery = WireClient("corner-bakery", metadata={"client_name": "Corner Bakery"})
        coffee = WireClient(
            "harbour-coffee",
            key=new_key(kid="harbour"),
            metadata={
                "client_name": "Harbour Coffee",
                "backchannel_token_delivery_mode": "ping",
                "backchannel_client_notification_endpoint": endpoint.url,
            },
        )
        sections: dict[str, Any] = {
            "operators": [operator(_OPERATOR, tokens[_OPERATOR], "write")],
            "outbound": outbound_section(directory),
            "delivery": {"callback_delay_ms": 0},
        }
        service = await stack.enter_async_context(
            running_service(
                target,
                directory / "keys",
                clients=[bakery, coffee],
                users=[{"sub": user} for user in _USERS],
                sections=sections,
            )
        )
        operators = await stack.enter_async_context(operating(service, tokens))
        phones = {user: await service.enrolled_phone(user, f"{user}'s phone") for user in _USERS}
        for user in ("alice", "bob"):
            await stack.enter_async_context(phones[user].online())
        await _lock(service, bakery, phones["carol"])
        shown = await _pinged(service, coffee, phones["bob"])
        service.clock.advance(20)
        for client, user in ((bakery, "alice"), (coffee, "bob"), (bakery, "dora")):
            await _ask(client, user)
            service.clock.advance(17)
        await service.service.events.flush()
        yield _Stage(operators, shown)


async def _lock(service: RunningService, client: WireClient, phone: WirePhone) -> None:
    """A user tries the wrong PIN too often."""
    await _ask(client, "carol")
    (challenge,) = await phone.fetch()
    for _ in range(_WRONG_ATTEMPTS):
        service.clock.advance(3)
        await phone.decide(phone.approval(challenge, pin=False))


async def _pinged(service: RunningService, client: WireClient, phone: WirePhone) -> str:
    """A user approves, the client's endpoint refuses to hear of it, and the client asks itself."""
    auth_req_id = await _ask(client, "bob")
    await service.service.worker.work_off(0)
    service.clock.advance(0.4)
    challenges = await phone.fetch()
    for state in ("received", "shown"):
        await phone.send({"type": state, "transaction_id": transaction_id(auth_req_id)})
        service.clock.advance(0.3)
    service.clock.advance(7.9)
    await phone.decide(phone.approval(challenges[-1]))
    await service.telemetry.seen("callback_abandoned", 1)
    service.clock.advance(4.2)
    await client.poll(auth_req_id)
    return transaction_id(auth_req_id)


async def _ask(client: WireClient, user: str) -> str:
    token = "n" * 43 if client.metadata.get("backchannel_token_delivery_mode") else None
    return await client.started(login_hint=user, client_notification_token=token)
