"""Clients that do not prove who they are, at both endpoints (RFC 7523 3, OpenID Connect Core 9).

Each defect of a client assertion is tried where authentication is asked for, and where tokens are.
"""

from collections.abc import Iterator
from typing import Final

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.check import FETCHED, Check, CheckRun, Severity
from ciba_client.conformance.checks.assertion_defects import (
    DEFECTS,
    REPLAYED,
    Defect,
    signing_client,
)
from ciba_client.conformance.expectations import (
    expect_backchannel_client_refused,
    expect_pending,
    expect_status,
    expect_token_client_refused,
)
from ciba_client.conformance.parties.client import MadeForm
from ciba_client.conformance.profile import FAPI2, Profile
from ciba_client.conformance.provider import BACKCHANNEL, TOKEN
from ciba_client.conformance.stage import Stage

__all__ = ["CHECKS"]


def _at_backchannel(defect: Defect) -> Check:
    async def run(stage: Stage) -> None:
        prove = defect.prove(stage)
        if defect.id == REPLAYED:
            await _asked(stage, prove)
        expect_backchannel_client_refused(await _asked(stage, prove))

    return Check(
        id=f"backchannel-{defect.id}",
        title=f"The backchannel endpoint refuses {defect.title}",
        run=run,
        requirements=("ciba-7.1-1", "ciba-13-8", *defect.requirements),
        modules=() if defect.modules is None else (defect.modules[0],),
        profiles=defect.profiles,
    )


def _at_token_endpoint(defect: Defect) -> Check:
    async def run(stage: Stage) -> None:
        prove = defect.prove(stage)
        pending = await stage.begin()
        if defect.id == REPLAYED:
            await stage.client.poll(pending.auth_req_id, credentials=prove)
            await stage.paced(pending)
        answer = await stage.client.poll(pending.auth_req_id, credentials=prove)
        expect_token_client_refused(answer, *defect.also)

    return Check(
        id=f"token-{defect.id}",
        title=f"The token endpoint refuses {defect.title}",
        run=run,
        requirements=("ciba-10.1-1", *defect.requirements),
        modules=() if defect.modules is None else (defect.modules[1],),
        profiles=defect.profiles,
        modes=FETCHED,
    )


async def _asked(stage: Stage, prove: MadeForm) -> Answer:
    form = {**prove(), **stage.client.request_form()}
    return stage.noted(stage.client, await stage.client.send_request(form))


def _accepted_for(name: str | None) -> CheckRun:
    async def run(stage: Stage) -> None:
        client = signing_client(stage)
        audience = stage.provider.issuer if name is None else client.provider.endpoint(name)
        form = {**client.credentials({"aud": audience}), **client.request_form()}
        expect_status(stage.noted(client, await client.send_request(form)), 200)

    return run


async def _issuer_at_token_endpoint(stage: Stage) -> None:
    client = signing_client(stage)
    pending = await stage.begin()
    issuer = stage.provider.issuer
    expect_pending(
        await client.poll(
            pending.auth_req_id, credentials=lambda: client.credentials({"aud": issuer})
        )
    )


_AUDIENCES: Final = (
    Check(
        id="backchannel-assertion-aud-issuer",
        title="The backchannel endpoint accepts an assertion for the issuer",
        run=_accepted_for(None),
        requirements=("ciba-7.1-2",),
    ),
    Check(
        id="backchannel-assertion-aud-token-endpoint-accepted",
        title="The backchannel endpoint accepts an assertion for the token endpoint",
        run=_accepted_for(TOKEN),
        requirements=("ciba-7.1-2",),
        profiles=frozenset(Profile) - FAPI2,
    ),
    Check(
        id="backchannel-assertion-aud-itself",
        title="The backchannel endpoint accepts an assertion for itself",
        run=_accepted_for(BACKCHANNEL),
        requirements=("ciba-7.1-2",),
        profiles=frozenset(Profile) - FAPI2,
    ),
    Check(
        id="token-assertion-aud-issuer",
        title="The token endpoint accepts an assertion for the issuer",
        run=_issuer_at_token_endpoint,
        requirements=("rfc7523-3-2",),
        modules=("ensure-client-assertion-with-iss-aud-to-token-endpoint-succeeds",),
        modes=FETCHED,
        severity=Severity.WARNING,
    ),
)


def _all() -> Iterator[Check]:
    yield from (_at_backchannel(defect) for defect in DEFECTS)
    yield from (_at_token_endpoint(defect) for defect in DEFECTS)
    yield from _AUDIENCES


CHECKS: Final = (*_all(),)
