"""Callbacks that were given up: operators see why, and have them made once more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from ciba_service.cli import main
from ciba_service.sca.messages import transaction_id
from tests.services.service_process import READY_SECONDS, Installation, Serving, installation
from tests.wire.callback_endpoint import (
    NO_CONTENT,
    CallbackEndpoint,
    answer,
    callback_endpoint,
    outbound_section,
)
from tests.wire.phone import WirePhone

TOKEN = "notify-me-with-this-token"
PRESET = "ALICE-PHONE-ONE"


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[CallbackEndpoint]:
    """Where the till is pinged; it refuses at first."""
    async with callback_endpoint(tmp_path) as serving:
        serving.answers = [answer("401 Unauthorized")]
        yield serving


@pytest.fixture
async def place(tmp_path: Path, endpoint: CallbackEndpoint) -> AsyncIterator[Installation]:
    """An installation whose till is pinged."""
    async with installation(tmp_path) as place:
        place.till.metadata |= {
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": endpoint.url,
        }
        place.configure(
            users=({"sub": "alice", "activation_code": PRESET},),
            device={"second_secret": False},
            outbound=outbound_section(tmp_path),
            delivery={"callback_delay_ms": 0},
        )
        yield place


async def told(serving: Serving, event: str, times: int = 1) -> None:
    """Wait until the log of a process has said so."""
    async with asyncio.timeout(READY_SECONDS):
        while [line["event"] for line in serving.events()].count(event) < times:
            assert serving.process.returncode is None
            await asyncio.sleep(0.05)


async def given_up(place: Installation, serving: Serving, phone: WirePhone, times: int = 1) -> str:
    """An approved request whose ping was refused."""
    auth_req_id = await place.till.started(client_notification_token=TOKEN)
    assert (await phone.approve_next())["type"] == "accepted"
    await told(serving, "callback_abandoned", times)
    return auth_req_id


async def test_a_callback_that_was_given_up_is_made_once_more(
    place: Installation, endpoint: CallbackEndpoint
):
    """Listed with its reason, shown, made due again, and made by the service that runs."""
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    auth_req_id = await given_up(place, serving, phone)
    name = transaction_id(auth_req_id)
    (listed,) = (await place.command("deliveries", "list", "--json")).json()
    since = datetime.fromisoformat(listed.pop("at"))
    assert abs(since.timestamp() - place.till.clock.now()) < READY_SECONDS
    assert listed == {
        "transaction_id": name, "client_id": "till", "state": "abandoned", "attempts": 1,
        "reason": "refused",
    }  # fmt: skip
    shown = (await place.command("deliveries", "show", name, "--json")).json()
    assert shown | listed == shown
    assert shown["transaction"] == "approved"
    assert datetime.fromisoformat(shown["redeliver_until"]) > since

    endpoint.answers = [NO_CONTENT]
    again = await place.command("deliveries", "redeliver", name, "--json")
    assert (again.status, again.json()) == (0, {"transaction_id": name, "state": "due"})
    await told(serving, "callback_delivered")
    first, second = endpoint.received
    assert first == second
    assert second.json == {"auth_req_id": auth_req_id}
    assert (await place.command("deliveries", "list", "--json")).json() == []
    shown = (await place.command("deliveries", "show", name, "--json")).json()
    assert (shown["state"], shown["attempts"], shown["redeliver_until"]) == ("delivered", 1, "")
    late = await place.command("deliveries", "redeliver", name)
    assert (late.status, late.err) == (
        1, f"ciba-service: the callback of {name} was not abandoned\n",
    )  # fmt: skip
    assert (await place.till.poll(auth_req_id)).status_code == 200
    (said,) = [line for line in serving.events() if line["event"] == "callback_delivered"]
    assert (said["transaction_id"], said["attempts"]) == (name, 1)
    assert TOKEN not in serving.log.read_text("utf-8") + again.err
    assert '"event":"callback_redelivered"' in again.err
    assert await serving.terminate() == 0


async def test_lists_by_client_and_state_while_nothing_runs(place: Installation):
    """What is due and what was given up stands on the data directory; so does the wish."""
    serving = await place.serve()
    phone = await place.phone().enrol(PRESET)
    collected = await given_up(place, serving, phone)
    assert (await place.till.poll(collected)).status_code == 200
    open_request = await given_up(place, serving, phone, times=2)
    assert await serving.terminate() == 0
    newest, oldest = transaction_id(open_request), transaction_id(collected)

    refused = await place.command("deliveries", "redeliver", oldest)
    assert (refused.status, refused.err) == (
        1, f"ciba-service: {oldest} is redeemed: there is nothing more to tell its client\n",
    )  # fmt: skip
    table = await place.command("deliveries", "list")
    header, *rows = [line.split() for line in table.out.splitlines()]
    assert header == ["transaction_id", "client_id", "state", "attempts", "reason", "at"]
    assert [(row[0], row[2]) for row in rows] == [(newest, "abandoned"), (oldest, "abandoned")]
    first = await place.command("deliveries", "list", "--limit", "1", "--json")
    assert [row["transaction_id"] for row in first.json()] == [newest]
    assert "there are more than 1" in first.err
    again = await place.command("deliveries", "redeliver", newest)
    assert (again.status, again.out) == (0, f"the callback of {newest} is due again\n")
    for options, expected in (
        (("--client", "till"), [newest, oldest]),
        (("--state", "due", "--client", "nobody"), []),
        (("--state", "abandoned"), [oldest]),
    ):
        rows = (await place.command("deliveries", "list", "--json", *options)).json()
        assert [row["transaction_id"] for row in rows] == expected
    shown = await place.command("deliveries", "show", newest)
    assert ["state", "due"] in [line.split() for line in shown.out.splitlines()]


@pytest.mark.parametrize("name", ["nonsense", "--" + "A" * 20])
async def test_a_name_that_is_none_is_said_to_be(place: Installation, name: str):
    """Also one that begins with a hyphen, as one in 64 does: it is no option."""
    shown = await place.command("deliveries", "show", name)
    assert (shown.status, shown.out) == (1, "")
    assert shown.err == f"ciba-service: nothing is known of a callback of {name}\n"
    again = await place.command("deliveries", "redeliver", name)
    assert again.status == 1
    assert again.err.startswith(f"ciba-service: there is no transaction {name}, or not any more")


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--limit", "0"), ("list", "--limit", "10001"), ("list", "--limit", "9" * 5000),
        ("list", "--limit", "-1"), ("list", "--limit", "\u0663"), ("list", "--state", "delivered"),
        ("show",), ("redeliver",), ("redeliver", "one", "two"), ("forget", "one"), (),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_status_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    """Before anything is read or opened."""
    with pytest.raises(SystemExit) as ending:
        main(["deliveries", *arguments, "--config", "/nowhere/ciba.toml"])
    assert ending.value.code == 2
    assert capsys.readouterr().err.startswith("usage: ciba-service")
