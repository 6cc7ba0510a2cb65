"""SCA receipts that cannot be had: written by an older version, or nothing there to sign with."""

from dataclasses import dataclass

import pytest

from ciba_service.flow.asking.sca_receipts import ScaReceipts
from ciba_service.ports import KeptScaReceipt, Signer, SignerUnavailable
from ciba_service.protocol.transaction.state import State
from ciba_service.sca.records.sca_receipt import ScaReceipt
from tests.fake_clock import FakeClock

RECEIPT = ScaReceipt(
    iss="https://bank.example",
    aud="till",
    sub="alice",
    iat=1,
    jti="sca-1",
    txn="1",
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
    binding_message="W4SCT",
)


@dataclass
class Store:
    """``ports.ScaReceiptStore`` with one transaction."""

    kept: KeptScaReceipt | None

    async def read(self, transaction_id: str, *, now: int) -> KeptScaReceipt | None:  # noqa: ARG002 - the port
        """It."""
        return self.kept


@dataclass
class Ring:
    """The part of ``ports.KeyRing`` that receipts use."""

    sca_receipt_signer: Signer | None = None


def receipts(kept: KeptScaReceipt | None = None) -> ScaReceipts:
    """Receipts of a service that has no key for them."""
    return ScaReceipts(store=Store(kept), keys=Ring(), clock=FakeClock())


@pytest.mark.parametrize("state", State)
async def test_only_an_approval_that_counts_has_a_receipt(state: State):
    """Whatever was written before it was cancelled, failed or expired."""
    found = await receipts(KeptScaReceipt("till", state, RECEIPT)).find("1")
    assert found is not None
    assert (found.client_id, found.state) == ("till", state)
    stands = state in {State.APPROVED, State.REDEEMED}
    assert found.receipt == (RECEIPT if stands else None)


async def test_an_approval_of_an_older_version_has_none():
    """Its record has no claims."""
    kept = KeptScaReceipt("till", State.APPROVED, None)
    assert await receipts(kept).find("1") == kept


async def test_without_a_key_nothing_is_signed():
    """The claims are still there when the key is made."""
    with pytest.raises(SignerUnavailable):
        await receipts().sign(RECEIPT)


def test_a_receipt_does_not_show_itself():
    """In logs it has a name and nothing of the user."""
    assert repr(RECEIPT) == "ScaReceipt('sca-1')"
