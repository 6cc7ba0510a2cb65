"""``ciba-service deliveries``: what became of callbacks, and an abandoned one made once more."""

import sys
from typing import Final

import msgspec

from ciba_service.commands.opening import open_stores, system_surroundings
from ciba_service.commands.operating.operator_write import operator_write
from ciba_service.commands.outcome import CommandFailed, print_rows, written
from ciba_service.flow.due.redelivery import Redeliveries
from ciba_service.flow.operators.deliveries import can_be_redelivered
from ciba_service.ports import (
    Delivery,
    DeliveryState,
    FoundDelivery,
    Redelivery,
    UnknownRecordFormat,
)
from ciba_service.settings import Settings

__all__ = ["list_deliveries", "redeliver", "show_delivery"]

_REFUSALS: Final = {
    Redelivery.GONE: "there is no transaction {}, or not any more: what its callback carried went "
    "with it",
    Redelivery.NOT_ABANDONED: "the callback of {} was not abandoned",
    Redelivery.REDEEMED: "{} is redeemed: there is nothing more to tell its client",
    Redelivery.NOTHING_KEPT: "{} was cancelled: there is nothing to tell its client",
}


class _DeliveryRow(msgspec.Struct, frozen=True):
    transaction_id: str
    client_id: str
    state: str
    attempts: int
    reason: str
    at: str


class _FoundRow(msgspec.Struct, frozen=True):
    transaction_id: str
    client_id: str
    state: str
    attempts: int
    reason: str
    at: str
    transaction: str
    redeliver_until: str


class _RedeliveredRow(msgspec.Struct, frozen=True):
    transaction_id: str
    state: str


async def list_deliveries(
    settings: Settings, *, client_id: str | None, state: str | None, limit: int, as_json: bool
) -> None:
    """Print callbacks that are due, the next one first, then abandoned ones, the last one first."""
    now = system_surroundings().clock.now_ms()
    found: list[Delivery] = []
    left_out = False
    async with open_stores(settings) as stores:
        log = stores.deliveries
        # One more than is shown tells whether there are more.
        if state != DeliveryState.ABANDONED:
            due = await log.due(client_id=client_id, limit=limit + 1)
            found, left_out = due[:limit], len(due) > limit
        if state != DeliveryState.DUE:
            abandoned = await log.abandoned(client_id=client_id, limit=limit + 1, now=now)
            found, left_out = found + abandoned[:limit], left_out or len(abandoned) > limit
    print_rows([_row(each) for each in found], as_json=as_json)
    if left_out:
        sys.stderr.write(f"there are more than {limit}; --limit shows more of them\n")


async def show_delivery(settings: Settings, transaction_id: str, *, as_json: bool) -> None:
    """Print what is known of one callback; raises ``CommandFailed`` when nothing is."""
    now = system_surroundings().clock.now_ms()
    async with open_stores(settings) as stores:
        try:
            found = await stores.deliveries.find(transaction_id, now=now)
        except UnknownRecordFormat as error:
            raise CommandFailed(str(error)) from error
    if found is None:
        raise CommandFailed(f"nothing is known of a callback of {transaction_id}")
    row = _found_row(found)
    if as_json:
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        return
    for name, value in msgspec.structs.asdict(row).items():
        sys.stdout.write(f"{name:15}  {value}".rstrip() + "\n")


async def redeliver(settings: Settings, transaction_id: str, *, as_json: bool) -> None:
    """Make an abandoned callback due now; raises ``CommandFailed`` when it cannot be."""
    surroundings = system_surroundings()
    async with (
        open_stores(settings) as stores,
        operator_write(
            settings, stores, "deliveries redeliver", transaction_id=transaction_id
        ) as telemetry,
    ):
        step = Redeliveries(
            deliveries=stores.deliveries, clock=surroundings.clock, telemetry=telemetry
        )
        try:
            outcome = await step.redeliver(transaction_id, operation=surroundings.new_operation())
        except UnknownRecordFormat as error:
            raise CommandFailed(str(error)) from error
        if outcome is not Redelivery.DUE:
            raise CommandFailed(_REFUSALS[outcome].format(transaction_id))
    if as_json:
        row = _RedeliveredRow(transaction_id, outcome)
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        return
    sys.stdout.write(f"the callback of {transaction_id} is due again\n")


def _row(delivery: Delivery) -> _DeliveryRow:
    return _DeliveryRow(
        delivery.transaction_id,
        delivery.client_id,
        delivery.state,
        delivery.attempts,
        delivery.reason or "",
        _written(delivery.at),
    )


def _found_row(found: FoundDelivery) -> _FoundRow:
    return _FoundRow(
        **msgspec.structs.asdict(_row(found.delivery)),
        transaction=found.transaction or "",
        redeliver_until=_written(found.kept_until if can_be_redelivered(found) else None),
    )


def _written(instant: int | None) -> str:
    return "" if instant is None else written(instant)
