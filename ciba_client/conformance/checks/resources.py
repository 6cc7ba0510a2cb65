"""What tokens are good for: a resource, and further tokens (FAPI 2.0 5.3.4, RFC 6749 6)."""

from typing import Final

from ciba_client.conformance.check import FETCHED, Check, NotApplicable
from ciba_client.conformance.expectations import (
    expect,
    expect_no_store,
    expect_status,
    expect_token_error,
)
from ciba_client.conformance.profile import FAPI
from ciba_client.conformance.stage import Completed, Stage

__all__ = ["CHECKS"]

_OK: Final = 200
_CREATED: Final = 201


async def _works(stage: Stage) -> None:
    done = await stage.completed()
    answer = await stage.call_resource(done.text("access_token"), done.text("token_type"))
    expect_status(answer, _OK, _CREATED)


async def _without_token(stage: Stage) -> None:
    answer = await stage.call_resource(None, "")
    expect_status(answer, 401)
    expect(answer.header("www-authenticate"), "a WWW-Authenticate challenge", "there is none")


async def _wrong_token(stage: Stage) -> None:
    expect_status(await stage.call_resource("this-is-no-token", "Bearer", proven=False), 401)


async def _in_query(stage: Stage) -> None:
    token = (await stage.completed()).text("access_token")
    answer = await stage.call_resource(None, "", query={"access_token": token})
    expect_status(answer, 400, 401, 414)


def _refresh_token(done: Completed) -> str:
    if "refresh_token" not in done.members:
        raise NotApplicable("no refresh token was issued")
    return done.text("refresh_token")


async def _refreshed(stage: Stage) -> None:
    done, client = await stage.completed(), stage.client
    grant = {"grant_type": "refresh_token", "refresh_token": _refresh_token(done)}
    await stage.wait(1, "another second")
    answer = await client.send_token_request(lambda: {**grant, **client.credentials()})
    expect_status(answer, _OK)
    expect_no_store(answer)
    token = answer.members().get("access_token")
    expect(isinstance(token, str) and token, "another access token", f"it is {token!r}")


async def _refreshed_by_another(stage: Stage) -> None:
    done, other = await stage.completed(), stage.other
    grant = {"grant_type": "refresh_token", "refresh_token": _refresh_token(done)}
    answer = await other.send_token_request(lambda: {**grant, **other.credentials()})
    expect_token_error(answer, "invalid_grant", "unauthorized_client")


CHECKS: Final = (
    Check(
        id="resource-accepts-token",
        title="The resource takes the access token",
        run=_works,
        requirements=("fapi2-sp-5.3.4-1",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="resource-without-token",
        title="The resource refuses who has no token, and says what it wants",
        run=_without_token,
        requirements=("rfc6750-3-1",),
    ),
    Check(
        id="resource-unknown-token",
        title="The resource refuses what is no token",
        run=_wrong_token,
        requirements=("rfc6750-3.1-1", "fapi2-sp-5.3.4-3"),
    ),
    Check(
        id="resource-token-in-query",
        title="The resource does not take a token from the address",
        run=_in_query,
        requirements=("fapi2-sp-5.3.4-2",),
        modules=("fapi-ciba-id1",),
        profiles=FAPI,
    ),
    Check(
        id="refresh",
        title="A refresh token brings another access token",
        run=_refreshed,
        requirements=("rfc6749-5.1-1",),
        modules=("refresh-token",),
        modes=FETCHED,
    ),
    Check(
        id="refresh-by-another-client",
        title="Another client's refresh token is refused",
        run=_refreshed_by_another,
        requirements=("rfc6749-6-1",),
        modules=("refresh-token",),
        modes=FETCHED,
    ),
)
