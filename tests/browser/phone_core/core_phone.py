"""The web phone's modules in a page of their own, without any screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page

from tests.browser.web_phone import WebPhone
from tests.services.running_service import RunningService
from tests.wire.client import WireClient

PIN, OTHER_PIN, WRONG_PIN = "739154", "804627", "739155"
PAYMENT = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.50"},
    "creditorName": "Corner Shop Ltd",
}
ONLINE = "state.connection === 'online'"
ASKED = "state.requests.length === 1"
NOTHING = "state.requests.length === 0"
UNSURE = "state.requests[0]?.step === 'unsure'"
MODULE = "phone.js"
"""An address at which the browser shows text: of the page's origin, and without its screens."""

OPENED = """async ([issuer, number]) => {
  const { Phone } = await import("/phone.js");
  globalThis.phone = await Phone.open({ number, issuer });
}"""
ACTED = """async ([act, ...given]) => {
  try {
    return { value: (await phone[act](...given)) ?? null };
  } catch (error) {
    const { name, code, attemptsLeft, retryAt, message, stack } = error;
    return name === "PhoneError" ? { code, attemptsLeft, retryAt } : { broken: message + stack };
  }
}"""
BEGUN = """([name, act, ...given]) => {
  globalThis.outcomes ??= {};
  phone[act](...given).then(
    (outcome) => { outcomes[name] = outcome; },
    (error) => { outcomes[name] = { code: error.code ?? String(error) }; },
  );
}"""


@dataclass
class CorePhone:
    """The facade of one phone in one page."""

    page: Page
    issuer: str
    number: int = 1

    async def open(self) -> "CorePhone":
        """Open the phone, as the page does when it is loaded."""
        await self.page.evaluate(OPENED, [self.issuer, self.number])
        return self

    async def reload(self) -> "CorePhone":
        """Load the page again."""
        await self.page.reload()
        return await self.open()

    async def state(self) -> dict[str, Any]:
        """What there is to show."""
        state: dict[str, Any] = await self.page.evaluate("() => phone.state")
        return state

    async def when(self, condition: str) -> dict[str, Any]:
        """The state, as soon as a condition on ``state`` holds."""
        await self.page.wait_for_function(f"() => ((state) => {condition})(phone.state)")
        return await self.state()

    async def act(self, name: str, *given: Any) -> Any:
        """Do something that succeeds, and return what it gives."""
        result = await self.page.evaluate(ACTED, [name, *given])
        assert "value" in result, result
        return result["value"]

    async def refused(self, name: str, *given: Any) -> dict[str, Any]:
        """Do something that fails, and return why."""
        result: dict[str, Any] = await self.page.evaluate(ACTED, [name, *given])
        assert "code" in result, result
        return result

    async def begin(self, outcome: str, name: str, *given: Any) -> None:
        """Do something whose outcome comes later, under a name of its own."""
        await self.page.evaluate(BEGUN, [outcome, name, *given])

    async def outcome(self, name: str) -> dict[str, Any]:
        """What became of it."""
        await self.page.wait_for_function("(name) => globalThis.outcomes?.[name]", arg=name)
        result: dict[str, Any] = await self.page.evaluate("(name) => outcomes[name]", name)
        return result


async def asked(
    bank: RunningService, phone: CorePhone, *, by: WireClient | None = None, **claims: Any
) -> tuple[str, str]:
    """A request that is open on the phone: the client's name of it, and the phone's."""
    auth_req_id = await (by or bank.till).started(**claims)
    state = await phone.when(ASKED)
    return auth_req_id, state["requests"][0]["transactionId"]


async def told(bank: RunningService, auth_req_id: str) -> str:
    """What the client is told: ``tokens``, or an error."""
    bank.clock.advance(6)
    answer = (await bank.till.poll(auth_req_id)).json()
    return str(answer.get("error", "tokens"))


@asynccontextmanager
async def rules_served(web_phone: WebPhone, issuer: str) -> AsyncIterator[str]:
    """Serve the modules for a service that nobody runs; yields where a page finds them."""
    async with web_phone.serving(issuer) as address:
        yield address + MODULE
