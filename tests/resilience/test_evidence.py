"""Evidence outlives whoever carries it: killed at any moment, nothing is lost and nothing twice."""

import asyncio
import itertools
import secrets
import sys
from asyncio.subprocess import Process
from dataclasses import replace
from pathlib import Path

from ciba_service.protocol.jose.keys import KeySet, parse_verification_key
from ciba_service.protocol.transaction.state import Event
from ciba_service.sca.records.evidence_audit import Audit
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.evidence.evidence_files import evidence_files, key_files
from ciba_service.stores.service_keys.key_files import generate_keys, load_keys
from tests.contracts.store_builders import (
    Stores,
    evidence,
    new_transaction,
    stores_over,
    swap_of,
    transaction_name,
)
from tests.redis.servers import redis_server
from tests.services.service_process import READY_SECONDS

PROGRAM = Path(__file__).parent / "evidence_drainer.py"
KILLS = 8


async def approve_until(stores: Stores, enough: asyncio.Event) -> int:
    """Approve one after the other, so that there is always something on its way; how many."""
    for number in itertools.count():
        if enough.is_set():
            return number
        name = transaction_name(number * 37 % 65_536)
        await stores.transactions.create(new_transaction(name), operation="create")
        swap = swap_of(Event.APPROVE, "approval", transaction_id=name)
        await stores.transactions.swap(replace(swap, evidence=evidence(name)))
    raise AssertionError("never enough")


async def grown(stores: Stores, directory: Path, size: int) -> int:
    """Wait until the files are longer; how long they are."""
    async with asyncio.timeout(READY_SECONDS):
        while (now := sum(path.stat().st_size for path in evidence_files(directory))) <= size:
            await stores.health.server_time_ms()
    return now


async def signed_twice(stores: Stores, directory: Path) -> None:
    """Wait until a second checkpoint stands in the files, while more is approved."""
    async with asyncio.timeout(READY_SECONDS):
        while (
            sum(path.read_bytes().count(b'"checkpoint"') for path in evidence_files(directory)) < 2
        ):
            await stores.health.server_time_ms()


async def test_two_processes_that_are_killed_while_they_write(tmp_path: Path):
    """Each record is in the chain once, with its key, and everything verifies."""
    keys, directory = tmp_path / "keys", tmp_path / "evidence"
    generate_keys(keys, random=secrets.token_bytes, now=0)
    with redis_server() as target:
        port = str(target.addresses[0].port)

        async def started() -> Process:
            return await asyncio.create_subprocess_exec(
                sys.executable, PROGRAM, port, directory, keys
            )

        commands = Commands(connect(target))
        stores = stores_over(commands)
        processes = [await started(), await started()]
        enough = asyncio.Event()
        approving = asyncio.create_task(approve_until(stores, enough))
        size = 0
        for number in range(KILLS):
            size = await grown(stores, directory, size)
            victim = processes[number % 2]
            victim.kill()
            await victim.wait()
            processes[number % 2] = await started()
        # Each was killed as soon as it had written, and may never have come to signing.
        await signed_twice(stores, directory)
        enough.set()
        approvals = await approving
        async with asyncio.timeout(READY_SECONDS):
            while await stores.evidence.waiting():
                assert [each.returncode for each in processes] == [None, None]
        for process in processes:
            process.kill()
            await process.wait()
        heads = await stores.evidence.heads()
        await commands.aclose()
    audit = Audit(KeySet(map(parse_verification_key, load_keys(keys).evidence_jwks)))
    for path in evidence_files(directory):
        audit.read(path.name, path.read_bytes().splitlines(keepends=True))
    report = audit.conclude(heads)
    assert (report.records, report.findings) == (approvals, ())
    assert report.checkpoints > 1
    lines = [line for path in evidence_files(directory) for line in path.read_bytes().splitlines()]
    assert len(lines) == len(set(lines)) == approvals + report.checkpoints
    held = {line for path in key_files(directory) for line in path.read_bytes().splitlines()}
    assert len(held) == approvals
