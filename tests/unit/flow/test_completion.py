"""A redemption that another was faster than leaves nothing behind."""

import pytest

from ciba_service.flow.granting.access_index import AccessIndex
from ciba_service.flow.granting.completion import Completion, Minted, Taker
from ciba_service.flow.granting.issuance import MintedTokens
from ciba_service.ports import (
    AccessTokenRecord,
    Swap,
    SwapResult,
    TokenRecord,
)
from ciba_service.protocol.errors import InvalidGrantError
from ciba_service.protocol.tokens.claims import TokenResponse
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.transaction.state import State
from tests.contracts.store_builders import access_token, granted
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.flow.test_delivery import SHOP


class Cancelled:
    """Transactions that their client cancels first."""

    async def swap(self, _: Swap) -> SwapResult:
        """Too late."""
        return SwapResult(won=False, state=State.CANCELLED)


async def test_a_lost_redemption_ends_no_other_access():
    """There is room enough without it."""
    telemetry = RecordingTelemetry()
    index = AccessIndex(accesses=None, grants=None, lifetime=None, telemetry=telemetry)  # type: ignore[arg-type] # nobody is to touch them
    completion = Completion(
        transactions=Cancelled(),  # type: ignore[arg-type]
        gate=None,  # type: ignore[arg-type]
        issuance=None,  # type: ignore[arg-type]
        index=index,
        standing=None,  # type: ignore[arg-type]
        clock=None,  # type: ignore[arg-type]
        telemetry=telemetry,
    )
    response = TokenResponse(access_token="a", token_type="Bearer", expires_in=1, scope="openid")
    record = TokenRecord(granted(), AccessTokenRecord("hash", access_token()), None)
    minted = Minted(MintedTokens(response, record, good_until=1), 1, crowded=("another access",))
    with pytest.raises(InvalidGrantError):
        await completion.settle(minted, Taker(SHOP, Binding(), "operation"))
    assert telemetry.events == []
