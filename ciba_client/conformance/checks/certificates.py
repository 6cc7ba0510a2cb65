"""Mutual TLS: the certificate as authentication, and tokens bound to it (RFC 8705)."""

from typing import Final

from ciba_client.conformance.check import FETCHED, Check, NotApplicable
from ciba_client.conformance.expectations import (
    expect,
    expect_backchannel_client_refused,
    expect_backchannel_error,
    expect_refused,
    expect_token_client_refused,
)
from ciba_client.conformance.jwt import parse_jwt
from ciba_client.conformance.parties.wire import NoAnswer
from ciba_client.conformance.profile import FAPI
from ciba_client.conformance.stage import Stage

__all__ = ["CHECKS"]

_UNAUTHORIZED: Final = 401
_SEGMENTS: Final = 3


def _by_certificate(stage: Stage) -> None:
    if not stage.client.planned.by_certificate:
        raise NotApplicable("the client does not authenticate by a certificate")


def _bound(stage: Stage) -> None:
    if stage.client.planned.certificate is None:
        raise NotApplicable("the client has no certificate")


async def _other_client_id(stage: Stage) -> None:
    _by_certificate(stage)
    form = {"client_id": stage.other.client_id, **stage.client.request_form()}
    answer = stage.noted(stage.client, await stage.client.send_request(form))
    expect_backchannel_error(answer, "invalid_client", status=_UNAUTHORIZED)


async def _other_client_entirely(stage: Stage) -> None:
    _by_certificate(stage)
    form = {
        "client_id": stage.other.client_id,
        **stage.client.request_form({"iss": stage.other.client_id}),
    }
    answer = stage.noted(stage.client, await stage.client.send_request(form))
    expect_backchannel_client_refused(answer)


async def _other_client_at_token_endpoint(stage: Stage) -> None:
    _by_certificate(stage)
    pending, named = await stage.begin(), stage.other.client_id
    answer = await stage.client.poll(pending.auth_req_id, credentials=lambda: {"client_id": named})
    expect_token_client_refused(answer)


async def _no_certificate(stage: Stage) -> None:
    _bound(stage)
    pending = await stage.begin()
    bare = stage.without_certificate(stage.client)
    try:
        answer = await bare.poll(pending.auth_req_id)
    except NoAnswer:  # refused by TLS already
        return
    expect_token_client_refused(answer, "invalid_request", "invalid_grant", "invalid_dpop_proof")


async def _confirmed(stage: Stage) -> None:
    _bound(stage)
    if stage.client.planned.dpop_key is not None:
        raise NotApplicable("the client's tokens are bound to a DPoP key")
    token = (await stage.completed()).text("access_token")
    if token.count(".") != _SEGMENTS - 1:
        raise NotApplicable("the access token is opaque")
    confirmation = parse_jwt("access_token", token).claims.get("cnf")
    found = isinstance(confirmation, dict) and "x5t#S256" in confirmation
    expect(found, "cnf with x5t#S256 in the access token", f"it is {confirmation!r}")


async def _resource(stage: Stage) -> None:
    _bound(stage)
    done, other = await stage.completed(), stage.other
    answer = await stage.call_resource(done.text("access_token"), done.text("token_type"), by=other)
    expect_refused(answer)


CHECKS: Final = (
    Check(
        id="backchannel-certificate-of-another-client",
        title="The backchannel endpoint refuses another client's name with this certificate",
        run=_other_client_id,
        requirements=("rfc8705-2-3", "fapi1-p1-5.2.2-19"),
        modules=("ensure-different-client-id-and-issuer-in-backchannel-authorization-request",),
    ),
    Check(
        id="backchannel-certificate-and-request-of-another-client",
        title="The backchannel endpoint refuses a request in another client's name altogether",
        run=_other_client_entirely,
        requirements=("rfc8705-2-3",),
        modules=("ensure-wrong-client-id-in-backchannel-authorization-request",),
    ),
    Check(
        id="token-certificate-of-another-client",
        title="The token endpoint refuses another client's name with this certificate",
        run=_other_client_at_token_endpoint,
        requirements=("rfc8705-2-3",),
        modules=("ensure-wrong-client-id-in-token-endpoint-request",),
        modes=FETCHED,
    ),
    Check(
        id="token-without-certificate",
        title="The token endpoint refuses a client that shows no certificate",
        run=_no_certificate,
        requirements=("rfc8705-2-3", "rfc8705-3.4-1"),
        modules=("ensure-mtls-holder-of-key-required",),
        modes=FETCHED,
    ),
    Check(
        id="access-token-certificate-confirmation",
        title="A JWT access token names the certificate that it is bound to",
        run=_confirmed,
        requirements=("rfc8705-3.1-1", "fapi1-p2-5.2.2-5"),
        modules=("ensure-mtls-holder-of-key-required",),
        profiles=FAPI,
    ),
    Check(
        id="resource-certificate-of-another-client",
        title="A token is of no use with another client's certificate",
        run=_resource,
        requirements=("rfc8705-3-1", "fapi2-sp-5.3.4-5"),
        modules=("fapi-ciba-id1",),
        profiles=FAPI,
    ),
)
