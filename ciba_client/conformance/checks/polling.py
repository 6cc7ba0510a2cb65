"""Asking for tokens before the user has decided (CIBA 10.1, 11)."""

from typing import Final

from ciba_client.conformance.check import FETCHED, Check, Severity
from ciba_client.conformance.expectations import (
    expect,
    expect_no_store,
    expect_pending,
    expect_token_error,
)
from ciba_client.conformance.stage import Stage

__all__ = ["CHECKS"]

_FAST_POLLS: Final = 10
_LONGEST_HOLD: Final = 30


async def _pending(stage: Stage) -> None:
    pending = await stage.begin()
    await stage.paced(pending)
    expect_token_error(await stage.poll(pending), "authorization_pending")


async def _on_time(stage: Stage) -> None:
    pending = await stage.begin()
    for _ in range(2):
        await stage.paced(pending)
        expect_token_error(await stage.poll(pending), "authorization_pending")


async def _fast(stage: Stage) -> None:
    pending = await stage.begin()
    for _ in range(_FAST_POLLS):
        answer = await stage.poll(pending)
        if answer.error_code() == "invalid_request":  # CIBA 11: it need not listen any longer
            expect_token_error(answer, "invalid_request")
            return
        expect_pending(answer)


async def _slowed_down(stage: Stage) -> None:
    pending = await stage.begin()
    codes = [(await stage.poll(pending)).error_code() for _ in range(_FAST_POLLS)]
    expect(
        "slow_down" in codes or "invalid_request" in codes,
        "slow_down when polls follow each other at once",
        f"{_FAST_POLLS} of them were answered {sorted(set(map(str, codes)))}",
    )


async def _recovers(stage: Stage) -> None:
    pending = await stage.begin()
    slowed = 0
    for _ in range(3):
        answer = await stage.poll(pending)
        expect_pending(answer)
        slowed += answer.error_code() == "slow_down"
    await stage.wait(pending.interval + 5 * slowed + 1, "the interval, raised by slow_down")
    expect_token_error(await stage.poll(pending), "authorization_pending")


async def _held(stage: Stage) -> None:
    pending = await stage.begin()
    began = stage.clock.monotonic()
    expect_pending(await stage.poll(pending))
    seconds = stage.clock.monotonic() - began
    expect(seconds <= _LONGEST_HOLD, "an answer within 30 seconds", f"it took {seconds:.0f}")


async def _no_store(stage: Stage) -> None:
    pending = await stage.begin()
    expect_no_store(await stage.poll(pending))


CHECKS: Final = (
    Check(
        id="poll-pending",
        title="While the user has not decided, the answer is authorization_pending",
        run=_pending,
        requirements=("ciba-11-1", "ciba-10.1.1-3"),
        modules=("fapi-ciba-id1",),
        modes=FETCHED,
    ),
    Check(
        id="poll-on-time",
        title="Polls that keep to the interval are not slowed down",
        run=_on_time,
        requirements=("ciba-10.1-6", "ciba-10.1-10"),
        modes=FETCHED,
    ),
    Check(
        id="poll-too-fast",
        title="Polls that follow each other at once are refused and change nothing",
        run=_fast,
        requirements=("ciba-11-2", "ciba-11-6"),
        modules=("multiple-call-to-token-endpoint",),
        modes=FETCHED,
    ),
    Check(
        id="poll-slow-down",
        title="Polls that follow each other at once are answered slow_down",
        run=_slowed_down,
        requirements=("ciba-11-2",),
        modes=FETCHED,
        severity=Severity.WARNING,
    ),
    Check(
        id="poll-slow-down-forgiven",
        title="Who waits as long as slow_down asks is served again",
        run=_recovers,
        requirements=("ciba-11-2",),
        modes=FETCHED,
    ),
    Check(
        id="poll-answered-in-time",
        title="A poll is answered within 30 seconds",
        run=_held,
        requirements=("ciba-10.1-5",),
        modes=FETCHED,
        severity=Severity.WARNING,
    ),
    Check(
        id="poll-no-store",
        title="Errors of the token endpoint must not be kept by caches",
        run=_no_store,
        requirements=("oidc-3.1.3.4-1",),
        modes=FETCHED,
        severity=Severity.WARNING,
    ),
)
