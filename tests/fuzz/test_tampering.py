"""Records in Redis that another program, another version or an attacker has changed.

Whatever stands there, the service says that it cannot, or does without; it never answers 500.
"""

from collections.abc import AsyncIterator
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ciba_service.sca.messages import transaction_id
from tests.fuzz.budget import LONG, fuzzed
from tests.fuzz.hostile import RAW, TRICKS, any_json, compact
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.operator import Operators, new_tokens, operating, operators_section
from tests.wire.phone import WirePhone

LISTS: Final = (
    "/users",
    "/users/alice",
    "/devices?sub=alice",
    "/transactions",
    "/deliveries",
    "/events",
    "/clients",
    "/status",
)
REFUSED: Final = 500


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient
) -> AsyncIterator[tuple[Operators, WirePhone, str]]:
    """A service with a phone, a request that is pending and one that was collected."""
    tokens = new_tokens()
    async with (
        run_service(clients=[till], sections={"operators": operators_section(tokens)}) as running,
        operating(running, tokens) as operators,
    ):
        phone = await running.enrolled_phone("alice")
        pending = await till.started(login_hint="alice")
        yield operators, phone, pending


async def _everything(running: RunningService) -> dict[bytes, bytes]:
    """Every key with what Redis itself would write down of it."""
    keys = await running.commands.call("KEYS", "*")
    return {key: await running.commands.call("DUMP", key) for key in keys}


async def _put_back(running: RunningService, kept: dict[bytes, bytes]) -> None:
    await running.commands.call("FLUSHALL")
    for key, dump in kept.items():
        await running.commands.call("RESTORE", key, 0, dump)


odd = st.one_of(
    RAW,
    st.sampled_from([trick for trick in TRICKS if len(trick) < 50_000]),
    any_json.map(compact),
    st.sampled_from([b"-1", b"9" * 40, b"nan", b"1e400", b"2", b"approved", b"\xff"]),
)


async def _change(running: RunningService, key: bytes, at: int, value: bytes) -> None:
    """Put ``value`` in the place of one of a key's, whatever its type."""
    call = running.commands.call
    match await call("TYPE", key):
        case b"hash":
            fields = sorted(await call("HKEYS", key))
            await call("HSET", key, fields[at % len(fields)], value)
        case b"zset":
            members = await call("ZRANGE", key, 0, -1)
            member = members[at % len(members)]
            score = await call("ZSCORE", key, member)
            await call("ZREM", key, member)
            await call("ZADD", key, score, value)
        case b"string":
            await call("SET", key, value)
        case b"list":
            await call("LSET", key, at % await call("LLEN", key), value)
        case _:
            await call("SET", key, value)


async def _statuses(operators: Operators, phone: WirePhone, pending: str) -> dict[str, int]:
    """What everybody is answered who comes across it."""
    till = operators.service.till
    name = transaction_id(pending)
    answers = {
        path: await operators.http.get(f"/operator{path}", headers=operators.bearer())
        for path in (*LISTS, f"/transactions/{name}", f"/transactions/{name}/events")
    }
    answers["fetch"] = await phone.send({"type": "fetch"})
    answers["devices"] = await phone.send({"type": "list_devices"})
    answers["events"] = await till.post("/bc-authorize/events", {"auth_req_id": pending})
    answers["poll"] = await till.poll(pending)
    answers["another"] = await till.start(login_hint="alice")
    answers["cancel"] = await till.cancel(pending)
    return {name: answer.status_code for name, answer in answers.items()}


# Each takes some twenty requests.
@settings(fuzzed, max_examples=LONG // 20 or 6)
@given(which=st.integers(0, 1_000), at=st.integers(0, 1_000), value=odd)
async def test_no_changed_record_is_a_server_error(
    bank: tuple[Operators, WirePhone, str], which: int, at: int, value: bytes
) -> None:
    """One value of one key is changed; whoever comes across it is told 503, or nothing of it."""
    operators, phone, pending = bank
    running = operators.service
    kept = await _everything(running)
    key = sorted(kept)[which % len(kept)]
    try:
        await _change(running, key, at, value)
        statuses = await _statuses(operators, phone, pending)
    finally:
        await _put_back(running, kept)
    told = {name for name, status in statuses.items() if status == REFUSED}
    defects = [event.fields for event in running.telemetry.failures if event.name == "defect"]
    assert not told, (key, told, defects)
    running.telemetry.failures.clear()
