"""What requests leave in the store: which keys, and how many bytes of them."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from ciba_service.sca.messages import transaction_id
from ciba_service.stores.clients import replay
from ciba_service.stores.keys import partition_of
from tests.journeys.deciding.test_payment import PAYMENT
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient

REQUESTS = 20
_PLACE = re.compile(rb"\{[a-z][^}]*\}|:[\w-]{22,}")


@dataclass(frozen=True)
class Held:
    """How many keys there are of each kind, and the bytes of all of them."""

    keys: Counter[bytes]
    size: int

    def since(self, before: "Held") -> "Held":
        """What has been added."""
        return Held(self.keys - before.keys, self.size - before.size)


async def held(service: RunningService) -> Held:
    """Look at every key; claims of due work are gone within ten seconds, and not counted."""
    names = [name for name in await service.commands.call("KEYS", "*") if b":claim:" not in name]
    sizes = [await service.commands.call("MEMORY", "USAGE", name, "SAMPLES", 0) for name in names]
    return Held(Counter(_PLACE.sub(b"", name) for name in names), sum(filter(None, sizes)))


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningService]:
    """A service whose user may have many requests open, with a phone that is switched off.

    What was used once stands together, as it does where there are thousands of requests.
    """
    monkeypatch.setattr(replay, "REPLAY_PARTITIONS", 1)
    sections = {"requests": {"open_prompts": REQUESTS}, "limits": {"hint_requests": 0}}
    async with run_service(clients=[till], sections=sections) as service:
        await service.enrolled_phone("alice")
        yield service


@pytest.mark.parametrize(
    ("claims", "limit"),
    [({}, 840), ({"authorization_details": [PAYMENT]}, 1_020)],
    ids=["sign-in", "payment"],
)
async def test_a_pending_request_takes_one_key_and_few_bytes(
    bank: RunningService, claims: dict[str, Any], limit: int
):
    """Its record, with challenge and payment, is its only key; all else stands with others'."""
    before = await held(bank)
    for _ in range(REQUESTS):
        name = transaction_id(await bank.till.started(**claims))
        await bank.service.worker.work_off(partition_of(name))
    added = (await held(bank)).since(before)
    assert added.keys.pop(b"ciba::tx") == REQUESTS
    assert added.size / REQUESTS < limit
    assert added.keys.pop(b"ciba::due") <= REQUESTS  # no more than there are partitions
    assert added.keys.keys() >= {b"ciba::before", b"ciba::used", b"ciba::prompts"}
    assert set(added.keys.values()) == {1}, added.keys
