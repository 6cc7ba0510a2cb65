"""How requests arrive at the backchannel endpoint: one form, by POST (CIBA 7, RFC 6749 3.2)."""

from typing import Final
from urllib.parse import urlencode

import msgspec

from ciba_client.conformance.check import Check
from ciba_client.conformance.expectations import (
    expect_backchannel_error,
    expect_error_texts,
    expect_refused,
)
from ciba_client.conformance.parties.wire import NoAnswer
from ciba_client.conformance.provider import BACKCHANNEL
from ciba_client.conformance.stage import Stage

__all__ = ["CHECKS"]

_LARGE: Final = 2 * 1024 * 1024


def _form(stage: Stage) -> dict[str, str]:
    return {**stage.client.credentials(), **stage.client.request_form()}


async def _get(stage: Stage) -> None:
    client = stage.client
    url = f"{client.endpoint(BACKCHANNEL)}?{urlencode(_form(stage))}"
    expect_refused(stage.noted(client, await client.send("GET", url)))


async def _json_body(stage: Stage) -> None:
    client = stage.client
    answer = await client.send(
        "POST",
        client.endpoint(BACKCHANNEL),
        headers={"Content-Type": "application/json"},
        body=msgspec.json.encode(_form(stage)),
    )
    expect_refused(stage.noted(client, answer))


async def _repeated(stage: Stage) -> None:
    form = _form(stage)
    name = "request" if "request" in form else "scope"
    answer = await stage.client.send_request([*form.items(), (name, form[name])])
    expect_backchannel_error(stage.noted(stage.client, answer), "invalid_request")


async def _empty(stage: Stage) -> None:
    expect_refused(await stage.client.send_request({}))


async def _large(stage: Stage) -> None:
    form = {**_form(stage), "padding": "x" * _LARGE}
    try:
        answer = await stage.client.send_request(form)
    except NoAnswer:  # to hang up on it is a refusal as well
        return
    expect_refused(stage.noted(stage.client, answer))


async def _error_shape(stage: Stage) -> None:
    answer = await stage.ask({"scope": None})
    expect_refused(answer)
    expect_error_texts(answer)
    expect_backchannel_error(answer, "invalid_request", "invalid_scope")


CHECKS: Final = (
    Check(
        id="backchannel-get",
        title="The backchannel endpoint refuses GET",
        run=_get,
        requirements=("ciba-7-2",),
    ),
    Check(
        id="backchannel-json-body",
        title="The backchannel endpoint refuses a JSON body",
        run=_json_body,
        requirements=("ciba-7-2",),
    ),
    Check(
        id="backchannel-repeated-parameter",
        title="The backchannel endpoint refuses a repeated parameter",
        run=_repeated,
        requirements=("ciba-13-3",),
    ),
    Check(
        id="backchannel-empty-body",
        title="The backchannel endpoint refuses an empty body",
        run=_empty,
        requirements=("ciba-7.2-8",),
    ),
    Check(
        id="backchannel-large-body",
        title="The backchannel endpoint refuses a body of two megabytes",
        run=_large,
        requirements=("ciba-7.2-8",),
    ),
    Check(
        id="backchannel-error-shape",
        title="Errors of the backchannel endpoint are JSON with nothing beside the error",
        run=_error_shape,
        requirements=("ciba-13-1", "ciba-13-2", "ciba-7.2-8"),
    ),
)
