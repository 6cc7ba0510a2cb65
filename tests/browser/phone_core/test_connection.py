"""The web phone and a connection that comes and goes."""

import asyncio
from collections.abc import Callable

import pytest
from playwright.async_api import BrowserContext, Route, WebSocketRoute

from ciba_service.sca.messages import CloseCode
from tests.browser.phone_core.conftest import PhoneOpener
from tests.browser.phone_core.core_phone import (
    ASKED,
    NOTHING,
    ONLINE,
    PIN,
    UNSURE,
    CorePhone,
    asked,
    told,
)
from tests.browser.watched import Watch
from tests.browser.web_phone import PhoneService, WebPhone
from tests.services.running_service import RunningService

LOST = "ERR_|WebSocket|Failed to load|NetworkError"


async def test_a_decision_outlives_network_and_page(
    bank: RunningService, phone: CorePhone, browser_context: BrowserContext, watch: Watch
):
    """Made offline and sent when the network is back, even by a page that was loaded meanwhile."""
    watch.expect(LOST)
    auth_req_id, name = await asked(bank, phone)
    await browser_context.set_offline(offline=True)
    await phone.when("state.connection === 'offline'")
    await phone.begin("first", "approve", name, {"pin": PIN})
    await phone.when(UNSURE)
    assert (await phone.refused("deny", name, "declined"))["code"] == "not_open"
    assert (await phone.refused("devices"))["code"] == "unreachable"
    await phone.act("close")
    assert await phone.outcome("first") == {"code": "closed"}
    await phone.open()
    await phone.when(UNSURE)
    await browser_context.set_offline(offline=False)
    state = await phone.when(f"{ONLINE} && {NOTHING}")
    assert [each["verdict"] for each in state["history"]] == ["approved"]
    assert await told(bank, auth_req_id) == "tokens"


async def test_not_me_that_was_said_offline_is_heeded_after_the_end(
    bank: RunningService, phone: CorePhone, browser_context: BrowserContext, watch: Watch
):
    """The request expires before it is heard; the client is blocked, and the phone says so."""
    watch.expect(LOST)
    _, name = await asked(bank, phone)
    await browser_context.set_offline(offline=True)
    await phone.when("state.connection === 'offline'")
    await phone.begin("report", "deny", name, "not_me")
    await phone.when(UNSURE)
    bank.clock.advance(200)
    await browser_context.set_offline(offline=False)
    assert await phone.outcome("report") == {"outcome": "denied"}
    state = await phone.when(f"{ONLINE} && {NOTHING}")
    past = [(each["verdict"], each["reason"]) for each in state["history"]]
    assert (past, state["notices"]) == ([("denied", "not_me")], [])
    assert (await bank.till.start()).json()["error"] == "unknown_user_id"


async def test_a_clock_that_is_wrong_ends_nothing(
    bank: RunningService, phone: CorePhone, browser_context: BrowserContext, watch: Watch
):
    """A page that was loaded offline waits for the service's time: its own may be hours ahead."""
    watch.expect(LOST)
    cancelled, over = await asked(bank, phone)
    await bank.till.cancel(cancelled)
    await phone.when(NOTHING)
    auth_req_id, name = await asked(bank, phone)
    await browser_context.set_offline(offline=True)
    await phone.when("state.connection === 'offline'")
    await phone.begin("first", "approve", name, {"pin": PIN})
    await phone.when(UNSURE)
    await phone.act("close")
    await phone.page.evaluate("""() => {
      const { now } = Date;
      Date.now = () => now() + 3 * 60 * 60 * 1000;
    }""")
    await phone.open()
    await phone.page.evaluate("() => new Promise((resolve) => setTimeout(resolve))")
    await phone.when(UNSURE)
    await browser_context.set_offline(offline=False)
    state = await phone.when(f"{ONLINE} && {NOTHING}")
    assert [each["verdict"] for each in state["history"]] == ["approved"]
    assert state["reportable"] == [over]
    assert await told(bank, auth_req_id) == "tokens"


@pytest.mark.parametrize("hours", [2, -2])
async def test_a_clock_that_is_set_while_the_page_is_open(
    bank: RunningService, phone: CorePhone, watch: Watch, hours: int
):
    """The phone is told the time anew: what waits goes on waiting, and what comes is shown."""
    watch.expect(LOST)
    _, name = await asked(bank, phone)
    await phone.page.evaluate(
        """(set) => {
          const { now } = Date;
          Date.now = () => now() + set;
        }""",
        hours * 3_600_000,
    )
    await bank.till.started()
    left = "state.requests.every((each) => Math.abs(each.expiresAt - Date.now()) < 200_000)"
    state = await phone.when(f"{ONLINE} && state.requests.length === 2 && {left}")
    assert state["notices"] == []
    assert await phone.act("approve", name, {"pin": PIN}) == {"outcome": "approved"}


async def test_without_sockets_everything_goes_over_https(
    bank: RunningService, phone: CorePhone, watch: Watch
):
    """Where a proxy lets none through, the phone asks every other second, and decides."""
    watch.expect(LOST)

    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close(code=1011)

    await phone.page.route_web_socket("**/device/ws", refuse)
    await phone.reload()
    await phone.when(ONLINE)
    auth_req_id, name = await asked(bank, phone)
    await phone.page.evaluate("(name) => phone.shown(name)", name)
    assert await phone.act("deny", name, "declined") == {"outcome": "denied"}
    assert await told(bank, auth_req_id) == "access_denied"


async def test_a_socket_that_ends_is_followed_by_another(
    bank: RunningService, phone: CorePhone, watch: Watch
):
    """With a new nonce; a lost answer is asked for again, what cannot be read is not said twice."""
    watch.expect(LOST)
    first, closing = [CloseCode.NOT_AUTHENTICATED], set()
    ends = {'"accepted"': [1012], '"decide"': []}

    async def between(socket: WebSocketRoute) -> None:
        if first:
            await socket.close(code=first.pop())
            return
        server = socket.connect_to_server()

        def carry(message: str | bytes, on: Callable[[str | bytes], None]) -> None:
            codes = next((each for word, each in ends.items() if word in str(message)), [])
            if codes:
                closing.add(asyncio.ensure_future(socket.close(code=codes.pop())))
            else:
                on(message)

        socket.on_message(lambda message: carry(message, server.send))
        server.on_message(lambda message: carry(message, socket.send))

    await phone.page.route_web_socket("**/device/ws", between)
    await phone.reload()
    await phone.when(ONLINE)
    assert first == []
    auth_req_id, name = await asked(bank, phone)
    assert await phone.act("approve", name, {"pin": PIN}) == {"outcome": "approved"}
    assert ends['"accepted"'] == []
    assert await told(bank, auth_req_id) == "tokens"
    ends['"decide"'].append(CloseCode.MALFORMED)
    _, name = await asked(bank, phone)
    assert await phone.act("approve", name, {"pin": PIN}) == {"outcome": "unknown"}
    await phone.when(f"{ONLINE} && {NOTHING}")


async def test_another_issuer_is_not_trusted(phone: CorePhone, watch: Watch):
    """Neither on a socket nor over HTTPS does the phone sign for anybody else."""
    watch.expect(LOST)
    sent: list[str | bytes] = []

    def hear(message: str | bytes) -> None:
        sent.append(message)

    async def pretend(socket: WebSocketRoute) -> None:
        socket.on_message(hear)
        socket.send('{"type": "hello", "issuer": "https://attacker.example", "nonce": "n"}')

    async def nonce(route: Route) -> None:
        hello = {"type": "hello", "issuer": "https://attacker.example", "nonce": "n"}
        await route.fulfill(json=hello, headers={"access-control-allow-origin": "*"})

    await phone.page.route_web_socket("**/device/ws", pretend)
    await phone.page.route("**/device/nonce", nonce)
    await phone.reload()
    state = await phone.when("state.problem !== null")
    assert state["problem"] == {"code": "untrusted"}
    assert (await phone.refused("devices"))["code"] == "untrusted"
    assert sent == []


async def test_one_tab_at_a_time_has_the_phone(
    bank: RunningService, phone: CorePhone, open_phone: PhoneOpener, watch: Watch
):
    """Another tab, or a copy elsewhere, may take its place; it comes back when that is closed."""
    watch.expect(LOST)
    auth_req_id, name = await asked(bank, phone)
    second = await open_phone(bank)
    assert (await second.state())["connection"] == "elsewhere"
    assert (await second.refused("approve", name, {"pin": PIN}))["code"] == "elsewhere"
    await second.act("takeOver")
    await second.when(f"{ONLINE} && {ASKED}")
    await phone.when("state.connection === 'elsewhere'")
    assert (await phone.refused("approve", name, {"pin": PIN}))["code"] == "elsewhere"
    assert await second.act("approve", name, {"pin": PIN}) == {"outcome": "approved"}
    assert await told(bank, auth_req_id) == "tokens"
    await second.page.close()
    state = await phone.when(f"{ONLINE} && state.history.length === 1")
    assert state["requests"] == []
    replaced = [CloseCode.REPLACED]

    async def replace(socket: WebSocketRoute) -> None:
        if replaced:
            await socket.close(code=replaced.pop())
        else:
            socket.connect_to_server()

    await phone.page.route_web_socket("**/device/ws", replace)
    await phone.reload()
    await phone.when("state.connection === 'elsewhere'")
    await phone.act("takeOver")
    await phone.when(ONLINE)
    assert await phone.act("devices") != []


async def test_a_service_that_comes_back_finds_the_phone(
    start_phone_service: PhoneService, web_phone: WebPhone, enrol_phone: PhoneOpener, watch: Watch
):
    """What was decided while it was away is handed in when it is there again."""
    watch.expect(LOST)
    async with start_phone_service() as bank, web_phone.serving(bank.issuer):
        phone = await enrol_phone(bank)
        auth_req_id, name = await asked(bank, phone)
    port, clock = int(bank.issuer.rpartition(":")[2]), bank.clock
    await phone.when("state.retryAt !== null")
    await phone.begin("late", "approve", name, {"pin": PIN})
    await phone.when(UNSURE)
    async with start_phone_service(port=port, clock=clock) as bank:
        await phone.page.evaluate("phone.reconnect()")
        assert await phone.outcome("late") == {"outcome": "approved"}
        assert await told(bank, auth_req_id) == "tokens"


async def test_a_connection_that_says_nothing_is_given_up(phone: CorePhone, watch: Watch):
    """After a minute the phone asks; without an answer in ten seconds it connects anew."""
    watch.expect(LOST)
    sockets: list[WebSocketRoute] = []
    said: list[str] = []

    async def between(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        sockets.append(socket)

        def hear(message: str | bytes) -> None:
            said.append(str(message))
            if len(sockets) > 1 or '"fetch"' not in str(message):
                server.send(message)

        socket.on_message(hear)

    await phone.page.clock.install()
    await phone.page.route_web_socket("**/device/ws", between)
    await phone.reload()
    await phone.when(ONLINE)
    await phone.page.evaluate("""() => {
      globalThis.hasLeft = false;
      phone.addEventListener("change", () => { hasLeft ||= phone.state.connection !== "online"; });
    }""")
    for _ in range(20):
        await phone.page.clock.fast_forward(12_000)
        if await phone.page.evaluate("hasLeft"):
            break
    assert '{"type":"fetch"}' in said
    await phone.when(f"hasLeft && {ONLINE}")
    assert len(sockets) >= 2
