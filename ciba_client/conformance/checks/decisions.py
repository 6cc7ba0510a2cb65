"""How a request ends: denied, expired, redeemed once, and by its own client (CIBA 10.1, 11)."""

import asyncio
from typing import Final

from ciba_client.conformance.check import FETCHED, Check, NotApplicable
from ciba_client.conformance.expectations import (
    expect,
    expect_pending,
    expect_status,
    expect_token_error,
)
from ciba_client.conformance.parties.approver import Decision
from ciba_client.conformance.stage import Stage

__all__ = ["CHECKS"]

_SHORT: Final = 10
_LONGEST_WAIT: Final = 900
_GRACE: Final = 2
_RACERS: Final = 4
_OK: Final = 200


async def _denied(stage: Stage) -> None:
    pending = await stage.begin()
    await stage.decide(pending, Decision.DENY)
    expect_token_error(await stage.outcome(pending), "access_denied")


async def _expired(stage: Stage) -> None:
    pending = await stage.begin({"requested_expiry": _SHORT})
    if pending.expires_in > _LONGEST_WAIT:
        raise NotApplicable(f"requests live for {pending.expires_in:g} s, whatever is asked for")
    await stage.wait(pending.expires_in + _GRACE, "the request to expire")
    expect_token_error(await stage.poll(pending), "expired_token")


async def _redeemed_once(stage: Stage) -> None:
    done = await stage.completed()
    await stage.paced(done.pending)
    expect_token_error(await stage.poll(done.pending), "invalid_grant")


async def _raced(stage: Stage) -> None:
    pending = await stage.begin()
    await stage.decide(pending, Decision.ALLOW)
    answers = [await stage.outcome(pending)]
    answers += await asyncio.gather(*(stage.poll(pending) for _ in range(_RACERS)))
    winners = sum(answer.status == _OK for answer in answers)
    expect(winners == 1, "tokens exactly once", f"they were answered {winners} times")


async def _unknown(stage: Stage) -> None:
    answer = await stage.client.poll("there-was-never-a-request-with-this-identifier")
    expect_token_error(answer, "invalid_grant")


async def _of_another(stage: Stage) -> None:
    pending = await stage.begin()
    answer = await stage.other.poll(pending.auth_req_id)
    expect_token_error(answer, "invalid_grant")
    await stage.paced(pending)
    expect_pending(await stage.poll(pending))


async def _approved_of_another(stage: Stage) -> None:
    pending, other = await stage.begin(), stage.other
    await stage.decide(pending, Decision.ALLOW)
    await stage.wait(pending.interval + 2, "the decision")
    expect_token_error(await other.poll(pending.auth_req_id), "invalid_grant")
    expect_status((await stage.collected(pending)).answer, _OK)


async def _denied_of_another(stage: Stage) -> None:
    pending, other = await stage.begin(), stage.other
    await stage.decide(pending, Decision.DENY)
    expect_token_error(await stage.outcome(pending), "access_denied")
    expect_token_error(await other.poll(pending.auth_req_id), "invalid_grant")


async def _sees_no_tokens_undecided(stage: Stage) -> None:
    pending = await stage.begin()
    answer = await stage.poll(pending)
    expect_pending(answer)
    found = {"access_token", "id_token", "refresh_token"} & answer.members().keys()
    expect(not found, "no tokens", f"there is {sorted(found)}")


CHECKS: Final = (
    Check(
        id="no-token-before-decision",
        title="There are no tokens before the user has decided",
        run=_sees_no_tokens_undecided,
        requirements=("ciba-8-1", "ciba-10.1.1-3"),
        modes=FETCHED,
    ),
    Check(
        id="denied",
        title="When the user denies, the token endpoint answers access_denied",
        run=_denied,
        requirements=("ciba-11-4",),
        modules=("user-rejects-authentication",),
        modes=FETCHED,
    ),
    Check(
        id="expired",
        title="After its time, a request is answered expired_token",
        run=_expired,
        requirements=("ciba-11-3", "ciba-11-8"),
        modules=("auth-req-id-expired",),
        modes=FETCHED,
    ),
    Check(
        id="redeemed-once",
        title="An auth_req_id that was redeemed is answered invalid_grant",
        run=_redeemed_once,
        requirements=("ciba-10.1.1-2",),
        modules=("fapi-ciba-id1",),
        modes=FETCHED,
    ),
    Check(
        id="redeemed-once-at-once",
        title="Of several polls at once, one gets tokens",
        run=_raced,
        requirements=("ciba-10.1.1-2",),
        modes=FETCHED,
    ),
    Check(
        id="auth-req-id-unknown",
        title="An unknown auth_req_id is answered invalid_grant",
        run=_unknown,
        requirements=("ciba-11-5",),
        modes=FETCHED,
    ),
    Check(
        id="auth-req-id-of-another-client",
        title="Another client's auth_req_id is answered invalid_grant",
        run=_of_another,
        requirements=("ciba-10.1-2", "ciba-11-5"),
        modules=("ensure-wrong-auth-req-id-in-token-endpoint-request",),
        modes=FETCHED,
    ),
    Check(
        id="auth-req-id-of-another-client-approved",
        title="Another client does not get the tokens of a request, and takes none away",
        run=_approved_of_another,
        requirements=("ciba-10.1-2", "ciba-11-9"),
        modes=FETCHED,
    ),
    Check(
        id="auth-req-id-of-another-client-denied",
        title="Another client does not learn that a request was denied",
        run=_denied_of_another,
        requirements=("ciba-11-9",),
        modes=FETCHED,
    ),
)
