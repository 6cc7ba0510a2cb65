"""Pending requests by the million: written by the store itself, in batches, by two processes.

What is left out is what ends on its own within minutes whatever is pending: spent identifiers and
budgets. Each stands as after its announcement: its expiry is due, far away, and nothing else.
"""

import asyncio
import os
import secrets
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from msgspec import structs

from benchmarks.growth.place import opened
from benchmarks.speed.names import CLIENT_ID, user_name
from ciba_service.ports import DueKind, DueWork, NewTransaction, StoredRequest
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import user_tag
from ciba_service.wiring.stores import Stores

__all__ = ["fill"]

_PROCESSES: Final = 2
_AT_ONCE: Final = 400
_HOUR_MS: Final = 3_600_000
_POLLED: Final = 20_000
"""Enough to poll none of them twice within seconds."""


def fill(config: Path, number: int, ids: Path) -> None:
    """Write so many like the first that ``ids`` names; it gets the secret names of some of them."""
    shares = [number // _PROCESSES] * _PROCESSES
    shares[0] += number - sum(shares)
    with ProcessPoolExecutor(_PROCESSES) as pool:
        work = [pool.submit(_fill, config, share, ids) for share in shares]
        names = [name for each in work for name in each.result()]
    with ids.open("a", encoding="ascii") as file:
        file.writelines(f"{name}\n" for name in names)


def _fill(config: Path, number: int, ids: Path) -> list[str]:
    with ids.open(encoding="ascii") as file:
        like = file.readline().strip()
    return asyncio.run(_write(config, number, like))


async def _write(config: Path, number: int, like: str) -> list[str]:
    names: list[str] = []
    async with opened(config) as stores:
        request = await _request(stores, like)
        for first in range(0, number, _AT_ONCE):
            batch = [base64url(os.urandom(32)) for _ in range(min(_AT_ONCE, number - first))]
            await asyncio.gather(*(_one(stores, request, name) for name in batch))
            if len(names) < _POLLED // _PROCESSES:
                names += batch
    return names


async def _request(stores: Stores, auth_req_id: str) -> StoredRequest:
    """What a client asked for, as the service has stored it."""
    now = time.time_ns() // 1_000_000
    transaction = await stores.transactions.read(transaction_id(auth_req_id), now=now)
    if transaction is None or transaction.request is None:
        raise RuntimeError("there is no request to be like")
    return transaction.request


async def _one(stores: Stores, request: StoredRequest, auth_req_id: str) -> None:
    name = transaction_id(auth_req_id)
    subject = user_name(int.from_bytes(os.urandom(4)))
    later = time.time_ns() // 1_000_000 + _HOUR_MS
    new = NewTransaction(
        transaction_id=name,
        client_id=CLIENT_ID,
        user_tag=user_tag(subject),
        request=structs.replace(request, subject=subject),
        # Not yet due, so that no worker announces it before it is finished below.
        created_at=later,
        expires_at=later + _HOUR_MS,
        interval_ms=0,
    )
    await stores.transactions.create(new, operation=secrets.token_urlsafe(16))
    await stores.due.finish(DueWork(DueKind.ANNOUNCE, name, later))
