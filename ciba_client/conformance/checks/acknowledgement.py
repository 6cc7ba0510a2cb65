"""The acknowledgement of an authentication request that is in order (CIBA 7.3)."""

import re
from itertools import zip_longest
from typing import Final

from ciba_client.conformance.check import FETCHED, Check, NotApplicable, Severity
from ciba_client.conformance.expectations import (
    expect,
    expect_no_store,
    expect_status,
    is_integer,
)
from ciba_client.conformance.secrets_strength import expect_hard_to_guess
from ciba_client.conformance.stage import Stage
from ciba_client.sdk.delivery_mode import TokenDeliveryMode

__all__ = ["CHECKS"]

_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._-]+")
_YEAR: Final = 31_536_000
_SIX_HOURS: Final = 6 * 3600
_MUST_BITS: Final = 96
_SHOULD_BITS: Final = 160
_FEWEST_DIFFERENCES: Final = 16


async def _shape(stage: Stage) -> None:
    pending = await stage.begin()
    expect_status(pending.answer, 200)
    members = pending.answer.members()
    expect("error" not in members, "no error beside it", "there is one")


async def _hard_to_guess(stage: Stage) -> None:
    pending = await stage.begin()
    expect_hard_to_guess("auth_req_id", pending.auth_req_id, least=_MUST_BITS, better=_SHOULD_BITS)


async def _characters(stage: Stage) -> None:
    pending = await stage.begin()
    strange = sorted({each for each in pending.auth_req_id if not _CHARACTERS.fullmatch(each)})
    expect(
        _CHARACTERS.fullmatch(pending.auth_req_id),
        "auth_req_id of A-Z, a-z, 0-9, dot, hyphen and underscore",
        f"it has {strange}",
    )


async def _unique(stage: Stage) -> None:
    first, second = await stage.begin(), await stage.begin()
    expect(first.auth_req_id != second.auth_req_id, "another auth_req_id", "it is the same")
    different = _differences(first.auth_req_id, second.auth_req_id)
    expect(
        different >= _FEWEST_DIFFERENCES,
        f"identifiers of which {_FEWEST_DIFFERENCES} characters at least are different",
        f"there are {different}",
    )


async def _expires_in(stage: Stage) -> None:
    value = (await stage.begin()).answer.members().get("expires_in")
    expect(
        is_integer(value) and 0 < value <= _YEAR,
        "expires_in, a positive integer",
        f"it is {value!r}",
    )


async def _interval(stage: Stage) -> None:
    members = (await stage.begin()).answer.members()
    if "interval" not in members:
        raise NotApplicable("there is no interval: it is 5 seconds")
    value = members["interval"]
    expect(
        is_integer(value) and 0 <= value <= _SIX_HOURS,
        "interval, an integer of seconds",
        f"it is {value!r}",
    )


async def _no_interval(stage: Stage) -> None:
    members = (await stage.begin()).answer.members()
    expect("interval" not in members, "no interval for a push client", "there is one")


async def _no_store(stage: Stage) -> None:
    expect_no_store((await stage.begin()).answer)


def _differences(first: str, second: str) -> int:
    return sum(one != two for one, two in zip_longest(first, second))


CHECKS: Final = (
    Check(
        id="acknowledgement-shape",
        title="A request that is in order is acknowledged with 200, auth_req_id and expires_in",
        run=_shape,
        requirements=("ciba-7.3-1",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="acknowledgement-entropy",
        title="auth_req_id is hard to guess",
        run=_hard_to_guess,
        requirements=("ciba-7.3-2",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="acknowledgement-characters",
        title="auth_req_id is made of the characters that it may be made of",
        run=_characters,
        requirements=("ciba-7.3-3",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="acknowledgement-unique",
        title="Two requests have identifiers that have nothing in common",
        run=_unique,
        requirements=("ciba-7.3-2",),
    ),
    Check(
        id="acknowledgement-expires-in",
        title="expires_in is a positive integer",
        run=_expires_in,
        requirements=("ciba-7.3-4",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="acknowledgement-interval",
        title="interval is an integer of seconds",
        run=_interval,
        requirements=("ciba-7.3-5",),
        modules=("fapi-ciba-id1",),
        modes=FETCHED,
    ),
    Check(
        id="acknowledgement-push-without-interval",
        title="A push client is given no interval",
        run=_no_interval,
        requirements=("ciba-7.3-6",),
        modes=frozenset({TokenDeliveryMode.PUSH}),
    ),
    Check(
        id="acknowledgement-no-store",
        title="The acknowledgement must not be kept by caches",
        run=_no_store,
        requirements=("ciba-7.3-7",),
        severity=Severity.WARNING,
    ),
)
