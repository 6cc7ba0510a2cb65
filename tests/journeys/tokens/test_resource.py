"""What a token is good for: accounts are read as far as it goes, its payment is executed once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ciba_service.protocol.tokens.token_text import token_hash
from ciba_service.stores.keys import access_token_key, grant_key, payment_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.resource import (
    ACCOUNTS,
    FAPI2,
    PAYMENT,
    Holder,
    bound_tokens,
    challenges,
    holder,
    refusal,
    token_request,
)
from tests.wire.signing import claims_of, new_key
from tests.wire.tokens import granted, revoke


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A FAPI client that may read accounts and start payments."""
    return WireClient("shop", metadata=FAPI2)


@pytest.fixture
async def bank(run_service: ServiceRunner, shop: WireClient) -> AsyncIterator[RunningService]:
    """A service with a demo resource."""
    async with run_service(clients=[shop]) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


@pytest.fixture
async def payer(bank: RunningService, shop: WireClient, alice: WirePhone) -> Holder:
    """The holder of a token for one payment."""
    return await holder(bank, shop, alice, authorization_details=[PAYMENT])


async def seen(who: Holder) -> list[dict[str, Any]]:
    """The accounts that a token shows."""
    answer = await who.accounts()
    assert answer.status_code == 200, answer.text
    return list(answer.json()["accounts"])


@pytest.mark.clause("fapi1-p1-6.2.1-1", "fapi-ciba-6-1")
async def test_a_scope_opens_all_accounts_of_the_user(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """With names and balances, and again with the same token."""
    reader = await holder(bank, shop, alice, scope="openid accounts")
    accounts = await seen(reader)
    assert [account["name"] for account in accounts] == ["Current account", "Savings account"]
    assert all(account.keys() == {"iban", "name", "balance"} for account in accounts)
    assert all(account["balance"]["currency"] == "EUR" for account in accounts)
    assert await seen(reader) == accounts


@pytest.mark.clause("fapi1-p1-6.2.1-6")
async def test_everybody_has_accounts_of_their_own(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """What is shown is what belongs to the token's user."""
    bob = await bank.enrolled_phone("bob")
    hers = await seen(await holder(bank, shop, alice, scope="openid accounts"))
    his = await seen(await holder(bank, shop, bob, scope="openid accounts", login_hint="bob"))
    assert {account["iban"] for account in hers}.isdisjoint(account["iban"] for account in his)


@pytest.mark.clause("fapi1-p1-6.2.1-6")
async def test_details_open_what_they_name_and_no_more(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Of the accounts named, what the actions name; an account of somebody else is not there."""
    accounts = await seen(await holder(bank, shop, alice, scope="openid accounts"))
    hers, another = accounts[1]["iban"], "DE89370400440532013000"
    detail = {
        "type": "account_information",
        "actions": ["read_balances"],
        "accounts": [{"iban": hers}, {"iban": another}],
    }
    reader = await holder(bank, shop, alice, scope="openid", authorization_details=[detail])
    assert await seen(reader) == [{"iban": hers, "balance": accounts[1]["balance"]}]
    # The scope does not open again what the details left out.
    both = await holder(bank, shop, alice, scope="openid accounts", authorization_details=[detail])
    assert await seen(both) == [{"iban": hers, "balance": accounts[1]["balance"]}]


async def test_details_without_accounts_mean_all_of_them(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """And transactions are shown to whom they were granted."""
    detail = {"type": "account_information", "actions": ["list_accounts", "read_transactions"]}
    reader = await holder(bank, shop, alice, scope="openid", authorization_details=[detail])
    for account in await seen(reader):
        assert account.keys() == {"iban", "name", "transactions"}
        assert account["transactions"][0].keys() == {"booked_on", "amount", "text"}


@pytest.mark.clause("fapi1-p1-6.2.1-5", "fapi2-sp-5.3.4-4", "rfc6750-3.1-1", "rfc9700-2.3-2")
async def test_without_either_the_scope_is_insufficient(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """403, and the challenge of the scheme that was used names the scope."""
    refused = await (await holder(bank, shop, alice, scope="openid")).accounts()
    assert refusal(refused) == (403, "insufficient_scope")
    bearer, dpop = challenges(refused)
    assert bearer == "Bearer"
    assert dpop.startswith('DPoP error="insufficient_scope"')
    assert ', scope="accounts", ' in dpop


async def test_the_operator_says_which_scope_it_is(run_service: ServiceRunner, shop: WireClient):
    """A client that may ask for nothing but openid can read accounts where that is enough."""
    async with run_service(
        clients=[shop], sections={"resource": {"accounts_scope": "openid"}}
    ) as service:
        reader = await holder(service, shop, await service.enrolled_phone(), scope="openid")
        assert len(await seen(reader)) == 2


async def test_a_narrower_token_of_the_same_grant_opens_nothing(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """The token's scope counts, and not the grant's."""
    dpop = WireDpop()
    tokens = await bound_tokens(shop, alice, dpop, scope="openid accounts")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    narrow = (await token_request(shop, dpop, {**form, "scope": "openid"})).json()
    refused = await Holder(bank, narrow["access_token"], dpop).accounts()
    assert refusal(refused) == (403, "insufficient_scope")
    assert len(await seen(Holder(bank, tokens["access_token"], dpop))) == 2


@pytest.mark.parametrize("body", [None, PAYMENT, dict(reversed(PAYMENT.items()))])
async def test_a_payment_is_executed_on_presentation_of_its_token(
    payer: Holder, body: dict[str, Any] | None
):
    """With an empty body, or with one that states the same payment in whatever order."""
    options: dict[str, Any] = {} if body is None else {"json": body}
    answer = await payer.pay(**options)
    assert answer.status_code == 201
    assert answer.json() == {
        "payment_id": claims_of(payer.token)["txn"],
        "status": "executed",
        "executed_at": payer.service.clock.now(),
        "payment": PAYMENT,
    }


@pytest.mark.clause("fapi1-p2-8.8-1")
async def test_nothing_is_executed_before_the_token_is_presented(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Neither the approval nor the tokens nor reading about them move any money."""
    payer = await holder(bank, shop, alice, authorization_details=[PAYMENT])
    key = payment_key(claims_of(payer.token)["txn"])
    await payer.call("GET", "/userinfo")
    assert await bank.commands.call("EXISTS", key) == 0
    assert bank.telemetry.named("payment_executed") == []
    assert (await payer.pay()).status_code == 201
    assert await bank.commands.call("EXISTS", key) == 1
    (event,) = bank.telemetry.named("payment_executed")
    assert event.fields["client_id"] == "shop"


async def test_a_second_use_is_refused(payer: Holder):
    """However often; the token stays good for what is no payment."""
    assert (await payer.pay()).status_code == 201
    for _ in range(2):
        again = await payer.pay()
        assert refusal(again) == (409, "payment_executed")
        assert "www-authenticate" not in again.headers
    assert (await payer.call("GET", "/userinfo")).status_code == 200


async def test_of_many_uses_at_once_one_executes(payer: Holder):
    """The others are told that it was."""
    answers = await asyncio.gather(*(payer.pay() for _ in range(8)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 7


@pytest.mark.clause("rfc9700-2.3-2", "fapi2-sp-5.3.4-4")
@pytest.mark.parametrize(
    "changed",
    [
        {"instructedAmount": {"currency": "EUR", "amount": "12.51"}},
        {"creditorName": "Corner Shop Inc"},
        {"remittanceInformationUnstructured": "Invoice 4711"},
    ],
    ids=["a cent more", "another payee", "something added"],
)
async def test_a_token_pays_nothing_but_its_payment(payer: Holder, changed: dict[str, Any]):
    """403 for another, and the granted one can still be executed."""
    refused = await payer.pay(json={**PAYMENT, **changed})
    assert refusal(refused) == (403, "insufficient_scope")
    assert (await payer.pay()).status_code == 201


@pytest.mark.parametrize(
    ("body", "type_", "status"),
    [
        (b"{}", None, 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"type": "payment_initiation"}', "application/json", 400),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "application/json", 400),
        (b'{"a": 1, "a": 2}', "application/json", 400),
        (b" " * 8193, "application/json", 413),
        (b"amount=1", "application/x-www-form-urlencoded", 400),
    ],
    ids=["untyped", "cut off", "array", "empty", "deep", "repeated member", "large", "form"],
)
async def test_a_body_that_is_no_payment_is_refused(
    payer: Holder, body: bytes, type_: str | None, status: int
):
    """400 or 413, in JSON, and nothing is executed."""
    headers = {} if type_ is None else {"content-type": type_}
    refused = await payer.pay(content=body, headers=headers)
    assert refusal(refused) == (status, "invalid_request")
    assert payer.service.telemetry.named("payment_executed") == []


async def test_a_token_without_a_payment_pays_nothing(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Whatever scope it has, and whatever the body asks for."""
    reader = await holder(bank, shop, alice, scope="openid accounts")
    for options in ({}, {"json": PAYMENT}):
        refused = await reader.pay(**options)
        assert refusal(refused) == (403, "insufficient_scope")
        assert "scope=" not in challenges(refused)[1]


async def test_a_revoked_token_pays_nothing(payer: Holder, shop: WireClient):
    """Also when it ends between the look at it and the payment."""
    await revoke(shop, payer.token)
    assert refusal(await payer.pay()) == (401, "invalid_token")


async def test_a_lost_phone_takes_its_approvals_with_it(payer: Holder, alice: WirePhone):
    """Also after the tokens were issued: whoever had the phone may have approved."""
    await payer.service.service.stores.devices.revoke(
        alice.device_id, now=payer.service.clock.now_ms()
    )
    assert refusal(await payer.pay()) == (401, "invalid_token")
    assert payer.service.telemetry.named("payment_executed") == []


async def test_a_token_that_ends_while_it_is_looked_at_pays_nothing(
    payer: Holder, monkeypatch: pytest.MonkeyPatch
):
    """The script that executes looks once more."""
    txn, store = claims_of(payer.token)["txn"], payer.service.service.stores.payments
    execute = type(store).execute

    async def after_the_end(self: Any, *args: Any, **options: Any) -> Any:
        key = access_token_key(txn, token_hash(payer.token))
        await payer.service.commands.call("DEL", key)
        return await execute(self, *args, **options)

    monkeypatch.setattr(type(store), "execute", after_the_end)
    assert refusal(await payer.pay()) == (401, "invalid_token")
    assert payer.service.telemetry.named("payment_executed") == []


@pytest.mark.clause("rfc9470-3-1", "rfc9470-9-1")
async def test_a_weak_approval_is_told_what_a_payment_needs(
    run_service: ServiceRunner, shop: WireClient
):
    """401 with the acr, but only to whoever presents a valid token."""
    sections = {"policy": {"floor": "urn:openbanking:psd2:ca"}}
    async with run_service(clients=[shop], sections=sections) as service:
        phone = await service.enrolled_phone()
        auth_req_id = await shop.started(scope="openid accounts")
        await phone.approve_next(pin=False)
        dpop = WireDpop()
        form = {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": auth_req_id}
        tokens = (await token_request(shop, dpop, form)).json()
        weak = Holder(service, tokens["access_token"], dpop)
        assert claims_of(weak.token)["acr"] == "urn:openbanking:psd2:ca"
        refused = await weak.pay()
        assert refusal(refused) == (401, "insufficient_user_authentication")
        assert ', acr_values="urn:openbanking:psd2:sca"' in challenges(refused)[1]
        assert (await weak.accounts()).status_code == 200
        thief = Holder(service, weak.token, WireDpop(key=new_key(kid="thief"), nonce=dpop.nonce))
        stolen = await thief.pay()
        assert refusal(stolen) == (401, "invalid_token")
        assert "acr_values" not in "".join(challenges(stolen))


@pytest.mark.clause("rfc9470-3-1", "rfc9470-3-2")
async def test_accounts_need_an_approval_of_the_last_180_days(
    run_service: ServiceRunner, shop: WireClient
):
    """A token refreshed at the very end outlives that by minutes; then 401 tells the age."""
    days = 180 * 86_400
    lifetimes = {"refresh_token_idle_lifetime": days, "refresh_token_lifetime": days}
    async with run_service(clients=[shop], sections={"tokens": lifetimes}) as service:
        dpop, phone = WireDpop(), await service.enrolled_phone()
        first = await bound_tokens(shop, phone, dpop, scope="openid accounts")
        service.clock.advance(days - 60)
        form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        fresh = (await token_request(shop, dpop, form)).json()
        reader = Holder(service, fresh["access_token"], dpop)
        assert len(await seen(reader)) == 2
        service.clock.advance(61)
        refused = await reader.accounts()
    assert refusal(refused) == (401, "insufficient_user_authentication")
    assert ', max_age="15552000"' in challenges(refused)[1]


async def test_the_resource_is_there_when_it_is_wanted(
    run_service: ServiceRunner, till: WireClient
):
    """In development by default, elsewhere only on demand."""
    https = {"server": {"issuer": "https://op.example"}}
    for sections, status in (
        ({}, 401),
        ({"resource": {"enabled": False}}, 404),
        (https, 404),
        ({**https, "resource": {"enabled": True}}, 401),
    ):
        async with run_service(clients=[till], sections=sections) as service:
            answer = await service.http.get(ACCOUNTS)
            assert (answer.status_code, answer.headers["content-type"]) == (
                status,
                "application/json",
            )


async def test_a_store_that_cannot_answer_is_503(payer: Holder):
    """Nobody is refused for what is not known."""
    await payer.service.commands.call("HSET", grant_key(claims_of(payer.token)["txn"]), "v", "99")
    answer = await payer.pay()
    assert refusal(answer) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert [failure.name for failure in payer.service.telemetry.failures] == ["store_unavailable"]
    payer.service.telemetry.failures.clear()


async def test_bearer_tokens_of_core_clients_are_taken_if_the_operator_says_so(
    run_service: ServiceRunner, till: WireClient
):
    """They are bound to nothing, so that is off by default."""
    for allowed, status in ((True, 403), (False, 401)):
        sections = {"resource": {"unbound_tokens": allowed}}
        async with run_service(clients=[till], sections=sections) as service:
            token = (await granted(till, await service.enrolled_phone()))["access_token"]
            headers = {"authorization": f"Bearer {token}"}
            answer = await service.http.get(ACCOUNTS, headers=headers)
            assert answer.status_code == status
