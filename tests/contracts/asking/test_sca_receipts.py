"""Claims of SCA receipts: of one client, sealed, and with where their transaction stands."""

from dataclasses import replace

from ciba_service.ports import KeptScaReceipt
from ciba_service.protocol.transaction.state import Event, State, redeemable_until
from ciba_service.sca.records.sca_receipt import ScaReceipt
from tests.contracts.store_builders import (
    CLIENT,
    EXPIRES_AT,
    START,
    TRANSACTION,
    Stores,
    new_transaction,
    swap_of,
)

RECEIPT = ScaReceipt(
    iss="https://bank.example",
    aud=CLIENT,
    sub="alice",
    iat=1,
    jti="sca-1",
    txn=TRANSACTION,
    acr="acr",
    amr=("pin",),
    auth_time=1,
    challenge_hash="c",
    decision_hash="d",
    display_hash="s",
    locale="en",
    device="p",
    scope="openid",
    available_until=2,
)


async def test_claims_are_read_with_where_their_approval_stands_by_then(stores: Stores):
    """An approval that nobody redeemed in time is said to have expired."""
    assert await stores.sca_receipts.read(TRANSACTION, now=START) is None
    await stores.transactions.create(new_transaction(), operation="create")
    pending = KeptScaReceipt(CLIENT, State.PENDING, None)
    assert await stores.sca_receipts.read(TRANSACTION, now=START) == pending
    approval = replace(swap_of(Event.APPROVE, "approval"), sca_receipt=RECEIPT)
    await stores.transactions.swap(approval)
    end = redeemable_until(expires_at=EXPIRES_AT, approved_at=START)
    for now, state in ((end - 1, State.APPROVED), (end, State.EXPIRED)):
        expected = KeptScaReceipt(CLIENT, state, RECEIPT)
        assert await stores.sca_receipts.read(TRANSACTION, now=now) == expected
