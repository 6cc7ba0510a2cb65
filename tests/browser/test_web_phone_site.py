"""The site of the web phone, in a browser."""

import socket

from playwright.async_api import expect

from ciba_service.sca.phones.devices import user_tag
from tests.browser.conftest import PageOpener
from tests.browser.phone_screens import PhoneScreens
from tests.browser.watched import Watch
from tests.browser.web_phone import PhoneService, WebPhone
from tests.services.running_service import RunningService

ASKING = """async (issuer) => {
  const status = async (path, options) => {
    try {
      return (await fetch(issuer + path, options)).status;
    } catch (error) {
      return error.name;
    }
  };
  const headers = { authorization: "Device x", "content-type": "application/json" };
  const body = JSON.stringify({ type: "fetch" });
  const greeting = new Promise((resolve) => {
    const socket = new WebSocket(`${issuer.replace("http", "ws")}/device/ws`, "ciba-device.v1");
    socket.onmessage = (event) => resolve(JSON.parse(event.data).type);
    socket.onclose = () => resolve("closed");
  });
  return [
    await status("/device/nonce"),
    await status("/device/messages", { method: "POST", headers, body }),
    await greeting,
  ];
}"""


async def test_the_page_is_there_and_knows_its_service(
    open_page: PageOpener, phone_service_and_page: tuple[RunningService, str]
):
    """It opens without a complaint, and learns from its own site where the service is."""
    service, address = phone_service_and_page
    page = await open_page(address)
    await expect(page.get_by_role("main")).to_be_visible()
    told = await page.evaluate("async () => (await fetch('configuration.json')).json()")
    assert told == {"issuer": service.issuer}


async def test_a_link_with_a_code_of_the_configuration_sets_the_phone_up(
    open_page: PageOpener, start_phone_service: PhoneService, web_phone: WebPhone
):
    """Also one that somebody made up for development; the code leaves the address at once."""
    alice = {"sub": "alice", "activation_code": "ALICE-PHONE-ONE"}
    async with (
        start_phone_service(users=[alice]) as service,
        web_phone.serving(service.issuer) as address,
    ):
        page = await open_page(f"{address}#ALICE-PHONE-ONE")
        await PhoneScreens(page).enrol(None)
        await expect(page.get_by_role("heading", name="This phone is ready")).to_be_visible()
        assert page.url == address
        assert len(await service.service.stores.devices.list(user_tag("alice"))) == 1


async def test_its_service_lets_the_page_in_and_another_one_does_not(
    open_page: PageOpener,
    phone_service_and_page: tuple[RunningService, str],
    watch: Watch,
):
    """The page reads answers and refusals, and is greeted on a socket; another one is not."""
    service, address = phone_service_and_page
    page = await open_page(address)
    assert await page.evaluate(ASKING, service.issuer) == [200, 401, "hello"]
    watch.expect("401")
    elsewhere = WebPhone(socket.create_server(("127.0.0.1", 0)))
    async with elsewhere.serving(service.issuer) as other:
        page = await open_page(other)
        assert await page.evaluate(ASKING, service.issuer) == ["TypeError", "TypeError", "closed"]
    elsewhere.listener.close()
    watch.expect("CORS|403|ERR_FAILED|WebSocket")
