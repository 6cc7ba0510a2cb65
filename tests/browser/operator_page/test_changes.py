"""What operators change: each change says in a dialog what will happen, and is seen at once."""

import re
from pathlib import Path

from playwright.async_api import expect

from ciba_service.sca.messages import transaction_id
from tests.browser.conftest import ContextOpener
from tests.browser.operator_page.driven import OperatorPage, operator_page
from tests.browser.watched import Watch
from tests.services.service_fixtures import ServiceRunner
from tests.wire.callback_endpoint import NO_CONTENT, answer, callback_endpoint, outbound_section
from tests.wire.client import WireClient
from tests.wire.operator import operators_section
from tests.wire.registration import registered
from tests.wire.signing import claims_of


async def test_a_user_who_has_locked_the_factors_is_unlocked(console: OperatorPage):
    """Found among the locked ones; afterwards nobody is."""
    service, page = console.service, console.page
    phone = await service.enrolled_phone("alice")
    await service.till.started()
    (challenge,) = await phone.fetch()
    for _ in range(5):
        await phone.decide(phone.approval(challenge, pin=False))
    await console.open()
    await console.sign_in()
    await page.get_by_role("link", name="1 Users locked").click()
    await page.get_by_role("link", name="alice").click()
    await console.see("locked")
    await console.button("Unlock").click()
    await expect(console.dialog()).to_have_accessible_description(
        "All failed attempts of alice are forgotten: every phone has all attempts back."
    )
    await console.button("Go back").click()
    await expect(console.button("Unlock")).to_be_focused()
    assert await console.operators.writes() == []
    await console.button("Unlock").click()
    await console.confirm("Unlock")
    await console.see("active")
    await expect(page.locator("#announced")).to_have_text("The user has all attempts back.")
    await expect(console.button("Unlock")).to_have_count(0)
    assert [each["action"] for each in await console.operators.writes()] == ["users unlock"]
    await console.open("#/users?locked=true")
    await console.see("Nobody is locked.")


async def test_phones_are_revoked_and_turned_away(console: OperatorPage):
    """What cannot be undone is typed; a phone whose name is hostile stays a name."""
    service, page = console.service, console.page
    await service.enrolled_phone("alice", "<img src=x onerror=alert(1)>")
    waiting = service.phone()
    await waiting.enrol(await service.activation_code("alice"), name="Tablet")
    await console.open("#/phones")
    await console.sign_in()
    row = page.get_by_role("row", name="Tablet")
    await expect(row).to_contain_text("waits for approval")
    await row.get_by_role("button", name="Turn away").click()
    await console.confirm("Turn it away")
    await expect(row).to_have_count(0)
    await page.get_by_role("link", name="<img src=x onerror=alert(1)>").click()
    await console.button("Revoke").click()
    await console.confirm("Revoke the phone", typed="alice")
    await console.see("No phone is enrolled.")
    assert await page.locator("img").count() == 0
    actions = [each["action"] for each in await console.operators.writes()]
    assert actions == ["devices revoke", "devices revoke"]


async def test_a_reset_shows_its_code_once(console: OperatorPage):
    """With a link and the second secret; when the dialog is closed it is nowhere on the page."""
    service, page = console.service, console.page
    await service.enrolled_phone("alice", "Pixel")
    await console.open("#/users/alice")
    await console.sign_in()
    await console.button("Reset").click()
    dialog = console.dialog()
    for typed in ("", "bob", "Alice"):
        await dialog.get_by_role("textbox").fill(typed)
        await expect(dialog.get_by_role("button", name="Reset the user")).to_be_disabled()
    await dialog.get_by_role("textbox").fill("alice")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("heading")).to_have_text("Activation code for alice")
    code, link, secret = await dialog.locator("code").all_inner_texts()
    assert link.startswith("http://localhost:8070/#")
    assert await dialog.locator("a").count() == 0
    await console.button("I have handed it over").click()
    await console.see("This user has no phone.")
    content = await page.content()
    assert code not in content
    assert secret not in content
    phone = await service.phone().enrol(code, second_secret=secret)
    assert phone.device_id
    await page.reload()
    await console.button("Code for a further phone").click()
    await console.confirm("Make the code")
    await console.see("The new phone then waits until a phone that the user has approves it.")


async def test_a_request_is_followed_and_cancelled(console: OperatorPage, watch: Watch):
    """Its ledger grows while somebody looks; in the list it vanishes; what is over says so."""
    watch.expect("404")
    service, page = console.service, console.page
    phone = await service.enrolled_phone("alice")
    first = transaction_id(await service.till.started())
    second = transaction_id(await service.till.started())
    await console.open(f"#/transactions/{first}")
    await console.sign_in()
    entries = page.locator(".timeline strong")
    await expect(entries.first).to_have_text("Requested")
    challenge = next(
        each for each in await phone.fetch() if claims_of(each)["transaction_id"] == first
    )
    await phone.decide(phone.denial(challenge))
    await expect(entries.last).to_have_text("Denied")
    await console.see("The user declined.")
    await console.see("Nothing more will.")
    await expect(console.button("Cancel request")).to_have_count(0)
    await console.go("Requests")
    third = transaction_id(await service.till.started())
    await expect(page.get_by_role("row", name=third)).to_be_visible()
    await page.get_by_role("row", name=second).get_by_role("button").click()
    await console.confirm("Cancel the request")
    await expect(page.get_by_role("row", name=second)).to_have_count(0)
    await expect(page.get_by_role("row", name=third)).to_be_visible()
    await page.get_by_label("Open a request by its transaction id").fill(second)
    await page.keyboard.press("Enter")
    await console.see("Cancelled")
    await console.open("#/transactions/nothing")
    await console.see("There is no such thing here, or not any more.")


async def test_a_block_is_lifted_and_clients_are_suspended(console: OperatorPage):
    """Its end is told as an instant; a client that registered is disabled, enabled, removed."""
    service, page = console.service, console.page
    client, _ = await registered(service, client_name='"><script>alert(1)</script>')
    phone = await service.enrolled_phone("alice")
    await service.till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge, reason="not_me"))
    await console.open("#/users/alice")
    await console.sign_in()
    await console.button("Lift the block").click()
    await console.confirm("Lift the block")
    await console.see("Every client may ask this user.")
    await service.service.events.flush()
    await console.go("Events")
    reported = page.locator(".events li", has_text="Not me reported")
    await expect(reported).to_have_text(re.compile(r"blocked until \d+ \w{3,4} \d{4}, \d\d:\d\d"))
    await console.go("Clients")
    await page.get_by_role("link", name='"><script>alert(1)</script>').click()
    await console.button("Disable").click()
    await console.confirm("Disable the client")
    await console.button("Enable").click()
    await console.confirm("Enable the client")
    await console.button("Remove").click()
    await console.confirm("Remove the client", typed=client.client_id)
    await expect(page.get_by_role("row")).to_have_count(2)
    assert await page.locator("main script").count() == 0
    await page.get_by_role("link", name="Shop till").click()
    await console.see("It stands in the configuration, and is changed there.")
    actions = [each["action"] for each in await console.operators.writes()]
    assert actions == ["users unblock", "clients disable", "clients enable", "clients remove"]


async def test_a_callback_that_was_given_up_is_made_again(
    run_service: ServiceRunner,
    tokens: dict[str, str],
    new_context: ContextOpener,
    watch: Watch,
    tmp_path: Path,
):
    """With its reason; when the client has its tokens by now, the dialog says that."""
    watch.expect("409")
    async with callback_endpoint(tmp_path) as endpoint:
        endpoint.answers = [answer("401 Unauthorized")]
        metadata = {
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": endpoint.url,
        }
        shop = WireClient("shop", metadata=metadata)
        sections = {
            "operators": operators_section(tokens),
            "outbound": outbound_section(tmp_path),
            "delivery": {"callback_delay_ms": 0},
        }
        async with (
            run_service(clients=[shop], sections=sections) as service,
            operator_page(service, tokens, new_context) as console,
        ):
            phone = await service.enrolled_phone("alice")
            names = []
            for times in (1, 2):
                auth_req_id = await shop.started(client_notification_token="n" * 43)
                await phone.approve_next()
                await service.telemetry.seen("callback_abandoned", times)
                names.append(transaction_id(auth_req_id))
            endpoint.answers = [NO_CONTENT]
            await console.open("#/deliveries")
            await console.sign_in()
            first, second = (console.page.get_by_role("row", name=name) for name in names)
            await expect(first).to_contain_text("The client's endpoint refused it.")
            await first.get_by_role("button", name="Redeliver").click()
            await console.confirm("Redeliver")
            await service.telemetry.seen("callback_delivered")
            await expect(first).to_have_count(0)
            await shop.poll(auth_req_id)
            await second.get_by_role("button", name="Redeliver").click()
            await console.confirm("Redeliver")
            await console.see(
                "The client has its tokens already. There is nothing more to tell it."
            )
            await console.button("Go back").click()
            await second.get_by_role("link").click()
            await console.see("It cannot be made again: there is nothing left to tell.")
            await console.open(f"#/transactions/{names[0]}")
            await console.see("An operator had it made once more.")
            await console.see("Callback delivered")
