"""The playground without its page: what it runs, what it shows of it, and whom it lets in."""

import asyncio
import json
import runpy
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from ciba_client import SystemClock
from tests.browser.playground_stage import Stage, registered, shown_program, staged
from tests.services.service_fixtures import ServiceRunner


@pytest.fixture
async def stage(run_service: ServiceRunner, tmp_path: Path) -> AsyncIterator[Stage]:
    """A playground with three clients, a service, and alice's phone."""
    async with staged(run_service, tmp_path) as running:
        yield running


@pytest.fixture
async def page(stage: Stage) -> AsyncIterator[httpx2.AsyncClient]:
    """What speaks as the page does."""
    async with stage.http() as http:
        yield http


async def told(http: httpx2.AsyncClient) -> AsyncIterator[tuple[str, Any]]:
    """Everything that the stream tells."""
    async with asyncio.timeout(20), http.stream("GET", "/api/stream") as stream:
        name = ""
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            if line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


async def seen(http: httpx2.AsyncClient, flow: str, state: str, *labels: str) -> dict[str, Any]:
    """The view of a flow once it is in a state, and has these among its steps."""
    async for _, data in told(http):
        for view in data.get("flows", [data]):
            if view.get("id") == flow and view.get("state") == state:
                shown = [step["label"] for step in view["steps"]]
                if all(label in shown for label in labels):
                    return dict(view)
    raise AssertionError("the stream ended")


async def begun(http: httpx2.AsyncClient, client: str, **order: Any) -> str:
    """Start a flow for alice."""
    answer = await http.post("/api/flows", json={"client": client, "hint": "alice", **order})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def approved(stage: Stage, http: httpx2.AsyncClient, client: str, **order: Any) -> str:
    """A flow that alice has approved."""
    flow = await begun(http, client, **order)
    await seen(http, flow, "waiting")
    await stage.phone.approve_next()
    if client == "till":
        stage.bank.clock.advance(5)
    await seen(http, flow, "done")
    return flow


async def detail(http: httpx2.AsyncClient, view: dict[str, Any], label: str) -> dict[str, Any]:
    """The last message of a step."""
    step = next(step for step in view["steps"] if step["label"] == label)
    answer = await http.get(f"/api/flows/{view['id']}/messages/{step['messages'][-1]}")
    return dict(answer.json())


def unexplained(message: dict[str, Any]) -> list[str]:
    """Claims and header members that nothing is said about."""
    return [
        f"{token['name']}: {member['name']}"
        for token in message["tokens"]
        for member in (*token["header"], *token["claims"])
        if not member["explanation"]["specification"]
    ]


PAYMENT = {"amount": "12.50", "currency": "EUR", "payee": "Shop", "iban": "DE89370400440532013000"}


async def test_every_claim_that_a_flow_brings_is_explained(stage: Stage, page: httpx2.AsyncClient):
    """In what this client signs, and in what the service issues, in each mode, with all signed."""
    signatures = set()
    for client in ("till", "kiosk", "bookshop"):
        flow = await approved(
            stage,
            page,
            client,
            scope="openid profile",
            binding_message="W4SCT",
            requested_expiry=120,
            acr_values="urn:openbanking:psd2:sca",
            payment={**PAYMENT, "remittance": "Invoice 7"},
        )
        for use in ("userinfo", "introspect", "receipt"):
            answer = await page.post(f"/api/flows/{flow}/use", json={"name": use})
            assert answer.status_code == 200, answer.text
        view = await seen(page, flow, "done")
        for step in view["steps"]:
            for number in step["messages"]:
                message = (await page.get(f"/api/flows/{flow}/messages/{number}")).json()
                assert unexplained(message) == []
                assert message["summary"]
                signatures |= {(each["name"], each["signature"]) for each in message["tokens"]}
    assert signatures == {
        ("Signed authentication request", "verified"),
        ("Client assertion", "verified"),
        ("DPoP proof", "own_word"),
        ("ID token", "verified"),
        ("Access token", "verified"),
        ("SCA receipt", "verified"),
    }


async def test_polls_are_folded_and_tokens_can_be_used(stage: Stage, page: httpx2.AsyncClient):
    """Three polls told the same are one step; then userinfo, refresh, introspection, receipt."""
    flow = await begun(page, "till")
    await seen(page, flow, "waiting")
    for times in (2, 3, 4):
        stage.bank.clock.advance(6)
        await polled(page, flow, times)
    await stage.phone.approve_next()
    stage.bank.clock.advance(6)
    view = await seen(page, flow, "done")
    polls = [step for step in view["steps"] if step["label"] == "Token request"]
    assert [(step["answer"], step.get("count", 1)) for step in polls] == [
        ("400 use_dpop_nonce", 1),
        ("400 authorization_pending", 3),
        ("200 OK", 1),
    ]
    for use in view["can"]:
        answer = (await page.post(f"/api/flows/{flow}/use", json={"name": use})).json()
        assert answer["text"].startswith(("Answered", "Receipt of ")), answer
    assert view["can"] == ["userinfo", "refresh", "introspect", "receipt"]
    view = await seen(page, flow, "done", "Userinfo", "Refresh", "Introspection", "Receipt")
    userinfo = await detail(page, view, "Userinfo")
    assert {each["found_in"] for each in userinfo["tokens"]} == {"authorization", "dpop"}
    assert (await page.post(f"/api/flows/{flow}/use", json={"name": "pay"})).json() == {
        "text": "That cannot be done with this flow."
    }
    again = await begun(page, "till", hint="", hint_kind="id_token_hint", hint_of=flow)
    await seen(page, again, "waiting")


async def polled(http: httpx2.AsyncClient, flow: str, times: int) -> None:
    """Wait until so many polls were answered."""
    async for _, data in told(http):
        for view in data.get("flows", [data]):
            steps = view["steps"] if view.get("id") == flow else []
            polls = [step["messages"] for step in steps if step["label"] == "Token request"]
            if sum(map(len, polls)) >= times:
                return


async def test_a_hostile_endpoint_is_seen_to_be_called_again(
    stage: Stage, page: httpx2.AsyncClient
):
    """It answers 500, and is called again; switched back, it takes the push."""
    assert (await page.post("/api/endpoint", json={"answer": "500"})).status_code == 200
    flow = await begun(page, "bookshop")
    await seen(page, flow, "waiting")
    await stage.phone.approve_next()
    refused = await detail(page, await seen(page, flow, "waiting", "Push: tokens"), "Push: tokens")
    assert refused["response"]["line"] == "HTTP/1.1 500 Internal Server Error"
    assert "switched to: 500" in refused["summary"]
    assert (await page.post("/api/endpoint", json={"answer": None})).status_code == 200
    await stage.again()
    await seen(page, flow, "done")
    stage.bank.clock.advance(3)  # the ledger is looked at every other second
    view = await seen(page, flow, "done", "Notification failed")
    assert [step["answer"] for step in view["steps"] if step["label"] == "Push: tokens"] == [
        "500, as switched",
        "204 No Content",
    ]


async def test_an_endpoint_may_give_no_answer_at_all(stage: Stage, page: httpx2.AsyncClient):
    """What it does is shown all the same; a body with 200 is an answer like any other."""
    for answer, shown in {
        "reset": "no answer",
        "nothing": "no answer",
        "200-body": "200",
    }.items():
        await page.post("/api/endpoint", json={"answer": answer})
        flow = await begun(page, "kiosk")
        await seen(page, flow, "waiting")
        await stage.phone.approve_next()
        view = await seen(page, flow, "done" if answer == "200-body" else "waiting", "Ping")
        ping = next(step for step in view["steps"] if step["label"] == "Ping")
        assert ping["answer"] == f"{shown}, as switched"


async def test_a_request_is_taken_back(stage: Stage, page: httpx2.AsyncClient):
    """The prompt vanishes, and a second time there is nothing to cancel."""
    flow = await begun(page, "kiosk")
    await seen(page, flow, "waiting")
    assert (await page.post(f"/api/flows/{flow}/cancel", json={})).json()["text"] == "Cancelled."
    view = await seen(page, flow, "cancelled", "Cancel", "Prompt withdrawn")
    assert view["problem"]["code"] == "invalid_grant"
    assert await stage.phone.fetch() == []
    again = await page.post(f"/api/flows/{flow}/cancel", json={})
    assert again.json()["text"] == "There is nothing to cancel any more."
    assert (await page.post(f"/api/flows/{flow}/forget", json={})).status_code == 200
    assert (await page.get(f"/api/flows/{flow}/program")).status_code == 404


@pytest.mark.parametrize("client", ["kiosk", "bookshop"])
async def test_the_program_that_is_shown_does_the_same(
    run_service: ServiceRunner,
    tmp_path: Path,
    client: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """It is run as it is, as a program of its own, and prints the claims of the ID token."""
    async with registered(run_service, tmp_path) as (bank, loaded):
        monkeypatch.setattr(SystemClock, "now", lambda _: bank.clock.now_ms() / 1000)
        # Its thread must not take the handlers of this run away, whose locks others hold.
        monkeypatch.setattr(uvicorn.Config, "configure_logging", lambda _: None)
        phone = await bank.enrolled_phone("alice")
        order = {"client": client, "hint": "alice", "binding_message": "It's 7", "payment": PAYMENT}
        program = tmp_path / "program.py"
        program.write_text(await shown_program(loaded, bank, order), "utf-8")
        run = asyncio.to_thread(runpy.run_path, str(program), run_name="__main__")
        done = asyncio.create_task(run)
        async with phone.online() as socket:
            if not socket.first:
                await socket.next("challenge")
        await phone.approve_next()
        await asyncio.wait_for(done, 20)
    assert "'sub': 'alice'" in capsys.readouterr().out


async def test_the_command_of_curl_is_what_was_sent(stage: Stage, page: httpx2.AsyncClient):
    """Word for word, so that the service refuses it as a replay."""
    flow = await begun(page, "kiosk")
    view = await seen(page, flow, "waiting")
    message = await detail(page, view, "Authentication request")
    words = shlex.split(message["curl"].replace("\\\n", ""))
    headers = dict(
        words[i + 1].split(": ", 1) for i, each in enumerate(words) if each == "--header"
    )
    body = words[words.index("--data-raw") + 1]
    assert words[2] == f"{stage.bank.issuer}/bc-authorize"
    assert body == message["request"]["body"]
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.post(words[2], content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_what_went_wrong_is_explained(stage: Stage, page: httpx2.AsyncClient):
    """Refused by the service, by the SDK, by the form; declined; expired; unreachable."""
    flow = await begun(page, "kiosk", hint="nobody")
    problem = (await seen(page, flow, "refused"))["problem"]
    assert problem["code"] == "unknown_user_id"
    assert problem["explanation"]["section"] == "13"
    flow = await begun(page, "kiosk", scope="profile")
    assert (await seen(page, flow, "refused"))["problem"]["code"] == ""
    flow = await begun(page, "kiosk")
    await seen(page, flow, "waiting")
    (challenge,) = await stage.phone.fetch()
    await stage.phone.decide(stage.phone.denial(challenge))
    assert (await seen(page, flow, "denied", "Denied"))["problem"]["code"] == "access_denied"
    flow = await begun(page, "till", requested_expiry=10)
    await seen(page, flow, "waiting")
    stage.bank.clock.advance(11)
    assert (await seen(page, flow, "expired"))["problem"]["code"] == "expired_token"
    for order, reason in (
        ({"client": "nobody"}, "there is no such client"),
        ({"client": "till", "hint": "a", "authorization_details": "{"}, "JSON array"),
        ({"client": "till", "unknown": 1}, "incomplete"),
        ({"client": "till", "hint_kind": "id_token_hint", "hint_of": flow}, "no ID token"),
    ):
        answer = await page.post("/api/flows", json=order)
        assert answer.status_code == 400
        assert reason in answer.json()["error"]
