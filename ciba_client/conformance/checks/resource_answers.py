"""What comes back for a token: answers of the resource, and ID tokens of a refresh."""

import uuid
from collections.abc import Mapping
from typing import Final

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.check import FETCHED, Check, NotApplicable
from ciba_client.conformance.expectations import expect, expect_refused, expect_status
from ciba_client.conformance.jwt import parse_jwt
from ciba_client.conformance.profile import FAPI1
from ciba_client.conformance.stage import Completed, Stage

__all__ = ["CHECKS"]

_INTERACTION: Final = "x-fapi-interaction-id"
_OK: Final = 200
_KEPT: Final = ("iss", "sub", "aud", "auth_time")


async def _echoed(stage: Stage) -> None:
    done, sent = await stage.completed(), str(uuid.uuid4())
    answer = await _called(stage, done, {_INTERACTION: sent})
    said = answer.header(_INTERACTION) or "absent"
    expect(said.lower() == sent, f"{_INTERACTION} as it was sent", f"it is {said}")


async def _generated(stage: Stage) -> None:
    said = (await _called(stage, await stage.completed())).header(_INTERACTION) or "absent"
    try:
        uuid.UUID(said)
    except ValueError:
        expect(condition=False, expected=f"a UUID as {_INTERACTION}", seen=f"it is {said}")


async def _proof_without_token(stage: Stage) -> None:
    if stage.client.planned.dpop_key is None:
        raise NotApplicable("the client does not use DPoP")
    expect_refused(await _called(stage, await stage.completed(), hashed=False))


async def _refreshed(stage: Stage) -> None:
    done, client = await stage.completed(), stage.client
    if "refresh_token" not in done.members:
        raise NotApplicable("no refresh token was issued")
    grant = {"grant_type": "refresh_token", "refresh_token": done.text("refresh_token")}
    answer = await client.send_token_request(lambda: {**grant, **client.credentials()})
    expect_status(answer, _OK)
    text = answer.members().get("id_token")
    if text is None:
        raise NotApplicable("a refresh brings no ID token")
    first, second = (parse_jwt("id_token", str(each)) for each in (done.text("id_token"), text))
    other = [name for name in _KEPT if first.claims.get(name) != second.claims.get(name)]
    expect(not other, f"the same {', '.join(_KEPT)}", f"{', '.join(other)} differs")


async def _called(
    stage: Stage, done: Completed, headers: Mapping[str, str] | None = None, *, hashed: bool = True
) -> Answer:
    return await stage.call_resource(
        done.text("access_token"), done.text("token_type"), headers=headers, hashed=hashed
    )


CHECKS: Final = (
    Check(
        id="resource-interaction-id",
        title="The resource answers with the interaction id that it was called with",
        run=_echoed,
        requirements=("fapi1-p1-6.2.1-11",),
        modules=("fapi-ciba-id1",),
        profiles=FAPI1,
    ),
    Check(
        id="resource-interaction-id-generated",
        title="The resource makes an interaction id where it was given none",
        run=_generated,
        requirements=("fapi1-p1-6.2.1-11",),
        modules=("fapi-ciba-id1",),
        profiles=FAPI1,
    ),
    Check(
        id="resource-proof-without-ath",
        title="A proof that does not name the access token is refused",
        run=_proof_without_token,
        requirements=("rfc9449-4.3-12",),
        modes=FETCHED,
    ),
    Check(
        id="refresh-id-token",
        title="An ID token that a refresh brings is about the same user and client",
        run=_refreshed,
        requirements=("oidc-12.2-1",),
        modules=("refresh-token",),
        modes=FETCHED,
    ),
)
