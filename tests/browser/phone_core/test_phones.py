"""The web phone among other phones of its user: enrolled, approved, renamed, revoked, forgotten."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, Route

from ciba_service.protocol.jose.life_cycle import token_keys_kept
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.service_keys.key_rotation import prune_keys, rotate_keys
from tests.browser.phone_core.conftest import PhoneOpener
from tests.browser.phone_core.core_phone import (
    ASKED,
    ONLINE,
    OTHER_PIN,
    PIN,
    UNSURE,
    WRONG_PIN,
    CorePhone,
    asked,
    told,
)
from tests.browser.watched import Watch
from tests.browser.web_phone import PhoneService, WebPhone
from tests.redis.servers import flush_all
from tests.services.running_service import RunningService, running_service
from tests.wire.client import WireClient
from tests.wire.tokens import REFRESHING

LOST = "ERR_|WebSocket|Failed to load|NetworkError"
KEPT = token_keys_kept(access_token_lifetime=300, id_token_lifetime=300, id_token_hint_lifetime=0)
LASTING = {**REFRESHING, "scope": "openid offline_access"}
IN_VAULT = ["format", "history", "identity", "noticed", "over", "unanswered"]
HELD = """async ([number, issuer]) => {
  const opening = indexedDB.open(`ciba-phone-${number} ${issuer}`, 1);
  const database = await new Promise((resolve) => {
    opening.onsuccess = () => resolve(opening.result);
  });
  const store = database.transaction("kept").objectStore("kept");
  const all = (request) => new Promise((resolve) => {
    request.onsuccess = () => resolve(request.result);
  });
  const [names, values] = [await all(store.getAllKeys()), await all(store.getAll())];
  const told = [];
  const look = (value, path) => {
    if (value instanceof CryptoKey) {
      told.push([path, value.type, value.extractable]);
    } else if (typeof value === "object" && value !== null) {
      Object.entries(value).forEach(([name, each]) => look(each, `${path}.${name}`));
    }
  };
  names.forEach((name, at) => look(values[at], name));
  return { names, keys: told, identity: Object.keys(values[names.indexOf("identity")] ?? {}) };
}"""


async def lose_answers(page: Page, watch: Watch, *, path: str = "**/device/messages") -> None:
    """Requests arrive, and their answers do not."""
    watch.expect(LOST)

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await page.route(path, lose)


@pytest.mark.clause("sca-art9-2")
async def test_a_phone_is_enrolled_and_keeps_no_secret_that_can_be_read(
    bank: RunningService, open_phone: PhoneOpener, watch: Watch
):
    """A lost answer comes again, after a reload; what is kept then cannot be taken out."""
    phone = await open_phone(bank)
    assert (await phone.state())["stage"] == "new"
    wanted: dict[str, Any] = {"activationCode": "K7QM-2RXP-9D4T", "name": "Web", "pin": PIN}
    for changed, code in (
        ({"pin": "12345"}, "invalid_pin"),
        ({"pin": "123456"}, "weak_pin"),
        ({"name": " "}, "invalid_name"),
        ({"name": "Alice\u202e"}, "invalid_name"),
    ):
        assert (await phone.refused("enrol", wanted | changed))["code"] == code
    watch.expect("400")
    assert (await phone.refused("enrol", wanted))["code"] == "enrolment_refused"
    assert (await phone.page.evaluate(HELD, [1, phone.issuer]))["keys"] == []
    right = wanted | {"activationCode": await bank.activation_code("alice")}
    await lose_answers(phone.page, watch, path="**/device/enrolments")
    assert (await phone.refused("enrol", right))["code"] == "unreachable"
    await phone.page.unroute_all()
    await phone.reload()
    await phone.act("enrol", right)
    state = await phone.when(ONLINE)
    assert (state["stage"], state["subject"], state["deviceName"]) == ("ready", "alice", "Web")
    assert (await phone.refused("enrol", right))["code"] == "already_enrolled"
    held = await phone.page.evaluate(HELD, [1, phone.issuer])
    assert sorted(held["names"]) == IN_VAULT
    assert held["keys"] == [
        ["identity.signingKey", "private", False],
        ["identity.totp.key", "secret", False],
    ]
    await phone.act("forget")
    assert (await phone.state())["stage"] == "new"
    assert (await phone.page.evaluate(HELD, [1, phone.issuer]))["names"] == []
    assert (await phone.refused("devices"))["code"] == "not_enrolled"


NAMES = "async () => (await indexedDB.databases()).map(({ name }) => name).sort()"
FORMER = """async ([name, former]) => {
  const { openDatabase, deleteDatabase } = await import("/storage/database.js");
  const [now, before] = [await openDatabase(name), await openDatabase(former)];
  await before.replace(await now.readAll());
  now.close();
  before.close();
  await deleteDatabase(name);
}"""


async def test_phones_of_two_services_do_not_mix(bank: RunningService, phone: CorePhone):
    """A site that is led to another service and back finds the phone that it had."""
    device_id = (await phone.state())["deviceId"]
    await phone.page.evaluate("phone.close()")
    other = await CorePhone(phone.page, "http://127.0.0.1:9").open()
    assert (await other.state())["stage"] == "new"
    await other.page.evaluate("phone.close()")
    await phone.open()
    assert (await phone.when(ONLINE))["deviceId"] == device_id
    numbers = """async (issuer) => {
      const { phoneNumbers } = await import("/screens/phone-numbers.js");
      return phoneNumbers(issuer);
    }"""
    assert await phone.page.evaluate(numbers, bank.issuer) == [1]
    assert await phone.page.evaluate(numbers, "http://127.0.0.1:8") == []


async def test_a_phone_that_was_called_by_its_number_is_taken_over(
    bank: RunningService, phone: CorePhone
):
    """By its own service only; nothing of it is left under the name that it had."""
    name, other = f"ciba-phone-1 {bank.issuer}", "ciba-phone-1 http://127.0.0.1:9"
    device_id = (await phone.state())["deviceId"]
    await phone.page.evaluate("phone.close()")
    await phone.page.evaluate(FORMER, [name, "ciba-phone-1"])
    stranger = await CorePhone(phone.page, "http://127.0.0.1:9").open()
    assert (await stranger.state())["stage"] == "new"
    await stranger.page.evaluate("phone.close()")
    assert await phone.page.evaluate(NAMES) == ["ciba-phone-1", other]
    await phone.open()
    assert (await phone.when(ONLINE))["deviceId"] == device_id
    assert await phone.page.evaluate(NAMES) == sorted([name, other])


async def test_a_further_phone_is_approved_by_its_code(
    bank: RunningService, phone: CorePhone, enrol_phone: PhoneOpener, watch: Watch
):
    """It shows a code, which is typed on the first phone with the PIN; later it is revoked."""
    watch.expect("403")
    invited = await phone.act("invite", PIN)
    assert invited["link"].endswith(f"/device/enrolments#{invited['activationCode']}")
    second = await enrol_phone(bank, 2, activationCode=invited["activationCode"])
    waiting = await second.state()
    assert (waiting["stage"], len(waiting["comparisonCode"])) == ("waiting", 6)
    assert (await second.refused("devices"))["code"] == "not_approved"
    (newcomer,) = (await phone.when("state.newcomers.length === 1"))["newcomers"]
    assert newcomer["name"] == "Web 2"
    assert "code" not in newcomer
    name = newcomer["deviceId"]
    wrong = f"{(int(waiting['comparisonCode']) + 1) % 1_000_000:06}"
    assert (await phone.refused("approveNewcomer", name, wrong, PIN))["code"] == "no_such_newcomer"
    code = waiting["comparisonCode"]
    assert (await phone.refused("approveNewcomer", "x", code, PIN))["code"] == "no_such_newcomer"
    refused = await phone.refused("approveNewcomer", name, code, WRONG_PIN)
    assert (refused["code"], refused["attemptsLeft"]) == ("wrong_pin", 4)
    await phone.act("approveNewcomer", name, f"{code[:3]} {code[3:]}", PIN)
    state = await phone.when("state.newcomers.length === 0")
    assert [each["type"] for each in state["notices"]] == ["device_enrolled"]
    await second.page.evaluate("phone.reconnect()")
    await second.when("state.stage === 'ready'")
    await second.act("rename", "Old tablet")
    assert (await second.state())["deviceName"] == "Old tablet"
    listed = await phone.act("devices")
    assert [(each["name"], each["isThis"]) for each in listed] == [
        ("Web 1", True),
        ("Old tablet", False),
    ]
    auth_req_id, name = await asked(bank, phone)
    await second.when(ASKED)
    assert await second.act("approve", name, {"pin": PIN}) == {"outcome": "approved"}
    assert await told(bank, auth_req_id) == "tokens"
    await phone.when("state.requests.length === 0")
    await phone.act("revokeDevice", listed[1]["deviceId"], PIN)
    ended = await second.when("state.stage === 'ended'")
    assert ended["endedBecause"] == "revoked"
    assert (await second.page.evaluate(HELD, [2, bank.issuer]))["names"] == ["ended"]
    assert (await second.refused("devices"))["code"] == "ended"
    assert (await (await second.reload()).state())["endedBecause"] == "revoked"


async def test_a_further_phone_is_turned_away(
    bank: RunningService, phone: CorePhone, enrol_phone: PhoneOpener, watch: Watch
):
    """Then it destroys its keys, and the first phone gives itself up in the end."""
    watch.expect("403")
    second = await enrol_phone(bank, 2)
    (newcomer,) = (await phone.when("state.newcomers.length === 1"))["newcomers"]
    await phone.act("rejectNewcomer", newcomer["deviceId"], "not_me")
    await second.page.evaluate("phone.reconnect()")
    ended = await second.when("state.stage === 'ended'")
    assert ended["endedBecause"] == "rejected"
    again = await phone.refused("rejectNewcomer", newcomer["deviceId"], "declined")
    assert again["code"] == "unknown_device"
    assert (await phone.refused("rename", "\u200b"))["code"] == "invalid_name"
    await phone.act("giveUp")
    assert (await phone.when("state.stage === 'ended'"))["endedBecause"] == "given_up"
    code = await bank.activation_code("alice")
    await phone.act("enrol", {"activationCode": code, "name": "Once more", "pin": OTHER_PIN})
    assert (await phone.when(ONLINE))["stage"] == "ready"


async def test_a_changed_pin_counts_even_if_nobody_heard(
    bank: RunningService, phone: CorePhone, watch: Watch
):
    """The answer gets lost and the page goes away; the next one finds out before a PIN is used."""
    assert (await phone.refused("changePin", PIN, "111111"))["code"] == "weak_pin"
    assert (await phone.refused("changePin", WRONG_PIN, OTHER_PIN))["code"] == "wrong_pin"
    await lose_answers(phone.page, watch)
    await phone.begin("change", "changePin", PIN, OTHER_PIN)
    assert (await phone.refused("changePin", PIN, "628015"))["code"] == "busy"
    assert await phone.outcome("change") == {"code": "unreachable"}
    assert (await phone.state())["pinChangePending"]
    await phone.page.unroute_all(behavior="wait")
    await phone.reload()
    state = await phone.when("!state.pinChangePending")
    assert [each["type"] for each in state["notices"]] == ["pin_changed"]
    _, name = await asked(bank, phone)
    assert (await phone.act("approve", name, {"pin": PIN}))["reason"] == "factors"
    assert await phone.act("approve", name, {"pin": OTHER_PIN}) == {"outcome": "approved"}


async def test_a_page_that_stays_asks_which_pin_counts(phone: CorePhone, watch: Watch):
    """As soon as the service answers again, and before anybody types a PIN."""
    watch.expect("ERR_INTERNET_DISCONNECTED")
    await lose_answers(phone.page, watch)
    await phone.begin("change", "changePin", PIN, OTHER_PIN)
    assert await phone.outcome("change") == {"code": "unreachable"}
    await phone.page.context.set_offline(True)
    await phone.when("state.connection === 'offline'")
    await phone.page.unroute_all(behavior="wait")
    await phone.page.context.set_offline(False)
    state = await phone.when("!state.pinChangePending")
    assert [each["type"] for each in state["notices"]] == ["pin_changed"]


async def test_a_passkey_takes_the_place_of_the_pin(
    bank: RunningService, phone: CorePhone, watch: Watch
):
    """Made in the browser's authenticator, registered with the PIN, used, and removed."""
    watch.expect("pubKeyCredParams is missing")  # of RS256, which the service takes from nobody
    browser = await phone.page.context.new_cdp_session(phone.page)
    await browser.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = await browser.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    _, name = await asked(bank, phone)
    lacking = await phone.refused("approve", name, {"usePasskey": True})
    assert lacking["code"] == "missing_factor"
    await phone.act("addPasskey", PIN)
    listed = await phone.act("passkeys")
    assert (listed["offered"], len(listed["passkeys"])) == (True, 1)
    assert (await phone.state())["hasPasskey"]
    assert await phone.act("approve", name, {"usePasskey": True}) == {"outcome": "approved"}
    auth_req_id, name = await asked(bank, phone)
    stranger = {"authenticatorId": made["authenticatorId"], "isUserVerified": False}
    await browser.send("WebAuthn.setUserVerified", stranger)
    assert (await phone.refused("approve", name, {"usePasskey": True}))["code"] == "no_gesture"
    assert (await phone.state())["requests"][0]["step"] == "open"
    assert await phone.act("approve", name, {"pin": PIN}) == {"outcome": "approved"}
    await phone.act("removePasskey", listed["passkeys"][0]["passkeyId"])
    await phone.when("!state.hasPasskey")
    assert (await phone.refused("removePasskey", "A" * 22))["code"] == "unknown_passkey"
    assert await told(bank, auth_req_id) == "tokens"


async def test_new_challenge_keys_are_pinned(
    embedded_target: RedisTarget,
    tmp_path: Path,
    till: WireClient,
    web_phone: WebPhone,
    enrol_phone: PhoneOpener,
):
    """Those announced under the one it has: what comes is signed and factors encrypted so."""
    await flush_all(embedded_target)
    section = {"device": web_phone.device(second_secret=False)}
    async with (
        running_service(
            embedded_target, tmp_path / "keys", clients=[till], sections=section
        ) as bank,
        web_phone.serving(bank.issuer),
    ):
        phone = await enrol_phone(bank)
        old = bank.service.keys.factors_key.public_jwk["kid"]
        for _ in range(2):
            rotate_keys(
                bank.keys.directory,
                token_keys_kept=KEPT,
                random=secrets.token_bytes,
                now=bank.clock.now_ms(),
            )
            bank.clock.advance(1_000)
        prune_keys(bank.keys.directory, token_keys_kept=KEPT, now=bank.clock.now_ms(), kid=old)
        assert await bank.service.keys.refresh()
        await phone.reload()
        state = await phone.when("state.notices.length > 0")
        assert {each["type"] for each in state["notices"]} == {"keys_pinned"}
        _, name = await asked(bank, phone)
        assert await phone.act("approve", name, {"pin": PIN}) == {"outcome": "approved"}


async def test_what_was_approved_for_a_key_that_is_gone_is_asked_again(
    embedded_target: RedisTarget,
    tmp_path: Path,
    till: WireClient,
    web_phone: WebPhone,
    enrol_phone: PhoneOpener,
    browser_context: BrowserContext,
    watch: Watch,
):
    """On the page as it is: with the key that the service announces it is approved."""
    watch.expect(LOST)
    await flush_all(embedded_target)
    section = {"device": web_phone.device(second_secret=False)}
    async with (
        running_service(
            embedded_target, tmp_path / "keys", clients=[till], sections=section
        ) as bank,
        web_phone.serving(bank.issuer),
    ):
        phone = await enrol_phone(bank)
        old = bank.service.keys.factors_key.public_jwk["kid"]
        for _ in range(2):
            rotate_keys(
                bank.keys.directory,
                token_keys_kept=KEPT,
                random=secrets.token_bytes,
                now=bank.clock.now_ms(),
                purpose="factors",
            )
            bank.clock.advance(1_000)
        auth_req_id, name = await asked(bank, phone)
        await browser_context.set_offline(offline=True)
        await phone.when("state.connection === 'offline'")
        await phone.begin("first", "approve", name, {"pin": PIN})
        await phone.when(UNSURE)
        prune_keys(bank.keys.directory, token_keys_kept=KEPT, now=bank.clock.now_ms(), kid=old)
        assert await bank.service.keys.refresh()
        await browser_context.set_offline(offline=False)
        assert (await phone.outcome("first"))["reason"] == "invalid_decision"
        await phone.when(ASKED)
        assert await phone.act("approve", name, {"pin": PIN}) == {"outcome": "approved"}
        assert await told(bank, auth_req_id) == "tokens"


async def test_names_for_clients_and_what_clients_may_go_on_doing(
    start_phone_service: PhoneService, web_phone: WebPhone, enrol_phone: PhoneOpener
):
    """A handle is shown once; an access that lasts is listed, and ended."""
    agent = WireClient("agent", metadata=LASTING)
    async with (
        start_phone_service(clients=[agent]) as bank,
        web_phone.serving(bank.issuer),
    ):
        phone = await enrol_phone(bank)
        made = await phone.act("makeHandle")
        assert made["expiresAt"] > await phone.page.evaluate("Date.now()")
        auth_req_id, name = await asked(bank, phone, by=agent, login_hint=made["handle"])
        assert await phone.act("approve", name, {"pin": PIN}) == {"outcome": "approved"}
        assert (await agent.poll(auth_req_id)).status_code == 200
        (access,) = await phone.act("accesses")
        assert (access["transactionId"], access["client"]) == (name, "Shop agent")
        assert access["until"] > access["since"]
        await phone.act("endAccess", name)
        assert await phone.act("accesses") == []
        assert (await phone.refused("endAccess", "A" * 22))["code"] == "unknown_access"
