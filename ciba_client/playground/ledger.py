"""What the provider's ledger tells of one flow, on the clock of this computer."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from ciba_client.playground.purposes import Purpose, purpose_of
from ciba_client.sdk.client import CibaClient
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.errors import ProviderUnavailable
from ciba_client.sdk.provider.answers import AuthReqId
from ciba_client.sdk.provider.exchange import Exchange
from ciba_client.sdk.transaction.ledger import LedgerEntry

__all__ = ["followed_ledger", "skew_of"]

_MOST_STREAMS: Final = 20
_PAUSE: Final = 2.0
_TOLERANCE: Final = 1.0


async def followed_ledger(
    client: CibaClient, auth_req_id: AuthReqId, *, clock: Clock
) -> AsyncIterator[LedgerEntry]:
    """Each entry once; a stream that breaks off is asked for again, some times.

    Raises:
        CibaClientError: the provider has no such stream.
    """
    known = 0
    for _ in range(_MOST_STREAMS):
        before = known
        try:
            async for entry in client.ledger(auth_req_id, after=known):
                known = entry.number
                yield entry
        except ProviderUnavailable:
            await clock.sleep(_PAUSE)
            continue
        if known == before:
            return


def skew_of(at: float, exchanges: Sequence[Exchange]) -> float:
    """What to add to instants of the provider, whose first entry is of the request itself."""
    for each in exchanges:
        if purpose_of(each) is Purpose.REQUEST and each.status is not None:
            earliest, latest = each.sent_at, each.sent_at + each.seconds
            fits = earliest - _TOLERANCE <= at <= latest + _TOLERANCE
            return 0.0 if fits else earliest - at
    return 0.0
