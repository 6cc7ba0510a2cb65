"""Batches, and card payments whose amount is blocked first, as the manual declares them."""

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, new_key
from tests.wire.tokens import granted

MANUAL = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"
BATCH: dict[str, Any] = {
    "type": "payment_batch",
    "total": "312.40 EUR",
    "payees": ["City Power", "Corner Shop Ltd", "Rent & Sons"],
}
BLOCK: dict[str, Any] = {"type": "card_block", "amount": "150.00 EUR", "merchant": "Hotel Post"}
CHANGED = {
    "total": (BATCH, {**BATCH, "total": "312.41 EUR"}),
    "a further payee": (BATCH, {**BATCH, "payees": [*BATCH["payees"], "Mallory"]}),
    "another payee": (BATCH, {**BATCH, "payees": [*BATCH["payees"][:2], "Mallory"]}),
    "blocked amount": (BLOCK, {**BLOCK, "amount": "150.01 EUR"}),
    "merchant": (BLOCK, {**BLOCK, "merchant": "Hotel Mallory"}),
}


def declared() -> list[dict[str, Any]]:
    """The types of the example, to the letter."""
    chapter = MANUAL.read_text("utf-8").split("### Batches and blocked amounts")[1]
    example = chapter.split("```toml\n")[1].split("```")[0]
    types: list[dict[str, Any]] = tomllib.loads(example)["authorization_details_types"]
    return types


@pytest.fixture
def shop() -> WireClient:
    """A client that may ask for both."""
    types = ["payment_batch", "card_block"]
    return WireClient(
        "shop", key=new_key(kid="shop"), metadata={"authorization_details_types": types}
    )


@pytest.fixture
async def bank(run_service: ServiceRunner, shop: WireClient) -> AsyncIterator[RunningService]:
    """A service with the types of the manual."""
    sections = {"authorization_details_types": declared()}
    async with run_service(clients=[shop], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


@pytest.mark.parametrize(
    ("detail", "title", "lines"),
    [
        (BATCH, "Pay a batch", [("Total", [BATCH["total"]]), ("Payees", BATCH["payees"])]),
        (
            BLOCK,
            "Block an amount",
            [("At most", [BLOCK["amount"]]), ("Merchant", [BLOCK["merchant"]])],
        ),
    ],
    ids=["batch", "block"],
)
async def test_amounts_and_payees_are_shown_and_need_strong_authentication(
    shop: WireClient,
    alice: WirePhone,
    detail: dict[str, Any],
    title: str,
    lines: list[tuple[str, list[str]]],
):
    """All of them, and the PIN is asked for."""
    await shop.started(authorization_details=[detail])
    (challenge,) = await alice.fetch()
    claims = claims_of(challenge)
    (shown,) = claims["display"]["details"]
    assert shown["title"] == title
    assert [(line["label"], line["texts"]) for line in shown["lines"]] == lines
    assert claims["authorization_details"] == [detail]
    assert "pin" in claims["factors"]


@pytest.mark.clause("sca-art5-7", "sca-art5-8")
@pytest.mark.parametrize("changed", CHANGED)
async def test_an_approval_is_good_for_its_own_amount_and_payees_only(
    shop: WireClient, alice: WirePhone, changed: str
):
    """Turned to another total, another set of payees or another amount it is refused."""
    agreed, other = CHANGED[changed]
    await shop.started(authorization_details=[agreed])
    (first,) = await alice.fetch()
    approval = claims_of(alice.approval(first))
    auth_req_id = await shop.started(authorization_details=[other])
    (second,) = [text for text in await alice.fetch() if text != first]
    turned = {**approval, "transaction_id": claims_of(second)["transaction_id"]}
    refused = await alice.decide(alice.decision(second, **turned))
    assert (refused["type"], refused["reason"]) == ("refused", "invalid_decision")
    assert (await shop.poll(auth_req_id)).json()["error"] == "authorization_pending"


@pytest.mark.clause("sca-art5-7", "sca-art5-8")
@pytest.mark.parametrize("detail", [BATCH, BLOCK], ids=["batch", "block"])
async def test_the_token_says_what_was_approved(
    shop: WireClient, alice: WirePhone, detail: dict[str, Any]
):
    """To the letter: the resource carries out this and nothing else."""
    tokens = await granted(shop, alice, authorization_details=[detail])
    assert tokens["authorization_details"] == [detail]
    assert claims_of(tokens["access_token"])["authorization_details"] == [detail]


async def test_what_cannot_be_read_as_an_amount_is_refused(shop: WireClient, alice: WirePhone):
    """Neither zero nor another writing, and no member that nobody would see."""
    for wrong in (
        {**BATCH, "total": "0.00 EUR"},
        {**BATCH, "payees": []},
        {**BATCH, "note": "and more"},
        {**BLOCK, "amount": "150,00 EUR"},
    ):
        answer = await shop.start(authorization_details=[wrong])
        assert answer.json()["error"] == "invalid_authorization_details"
    assert await alice.fetch() == []
