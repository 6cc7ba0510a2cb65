"""Negative tests of signed requests, named after those of the FAPI-CIBA certification.

The client is authenticated in each of them, and each answer is 400 invalid_request exactly.
"""

from typing import Any

import pytest

from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.protocol.registrations import key_for, reused
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key, unsecured

MINUTES = 60


async def refused_claims(service: RunningService, **claims: Any) -> None:
    """Hold that a request with these claims is refused, and the same without them is not."""
    assert_refused(await service.till.start(**claims), 400, "invalid_request")


async def refused_request(service: RunningService, request: str, **form: str) -> None:
    """Hold that this request parameter is refused."""
    sent = {**service.till.credentials(), "request": request, **form}
    answer = await service.till.post("/bc-authorize", sent)
    assert_refused(answer, 400, "invalid_request")


@pytest.mark.clause("ciba-7.1.1-5", "fapi1-p2-5.2.2-15")
async def test_request_object_missing_aud_fails(service: RunningService):
    """The audience is required."""
    await refused_claims(service, aud=None)


@pytest.mark.clause("ciba-7.1.1-5", "fapi1-p2-5.2.2-15")
async def test_request_object_bad_aud_fails(service: RunningService):
    """An unrelated audience, or an endpoint instead of the issuer, is refused."""
    await refused_claims(service, aud="https://other.example")
    await refused_claims(service, aud=f"{service.issuer}/bc-authorize")


@pytest.mark.clause("ciba-7.1.1-6")
async def test_request_object_missing_iss_fails(service: RunningService):
    """The issuer is required."""
    await refused_claims(service, iss=None)


@pytest.mark.clause("ciba-7.1.1-6")
async def test_request_object_bad_iss_fails(service: RunningService):
    """Another client's id as issuer is refused."""
    await refused_claims(service, iss="other-till")


@pytest.mark.clause("rfc9101-5-2")
async def test_request_object_of_another_client_id_fails(service: RunningService):
    """A client_id in it is that of its issuer."""
    await refused_claims(service, client_id="other-till")


@pytest.mark.parametrize("name", ["request", "request_uri"])
@pytest.mark.clause("rfc9101-4-2")
async def test_request_object_in_a_request_object_fails(service: RunningService, name: str):
    """A request object holds no other one, and no address of one."""
    await refused_claims(service, **{name: "https://till.example/request"})


@pytest.mark.clause("ciba-7.1.1-7", "fapi-ciba-5.2.2-9")
async def test_request_object_missing_exp_fails(service: RunningService):
    """The expiry is required."""
    await refused_claims(service, exp=None)


@pytest.mark.clause("ciba-7.1.1-7")
async def test_request_object_expired_exp_fails(service: RunningService):
    """A request that expired an hour ago is refused."""
    await refused_claims(service, exp=service.clock.now() - 60 * MINUTES)


@pytest.mark.clause("fapi-ciba-5.2.2-9", "fapi1-p2-5.2.2-13")
async def test_request_object_exp_is_70_minutes_in_future_fails(service: RunningService):
    """A request lives an hour at most."""
    await refused_claims(service, exp=service.clock.now() + 70 * MINUTES)


@pytest.mark.clause("ciba-7.1.1-8")
async def test_request_object_missing_iat_fails(service: RunningService):
    """The time of issue is required."""
    await refused_claims(service, iat=None)


@pytest.mark.clause("ciba-7.1.1-9", "fapi-ciba-5.2.2-9")
async def test_request_object_missing_nbf_fails(service: RunningService):
    """The beginning is required."""
    await refused_claims(service, nbf=None)


@pytest.mark.clause("ciba-7.1.1-9", "fapi2-sp-5.3.2.1-13")
async def test_request_object_nbf_is_10_minutes_in_future_fails(service: RunningService):
    """A request that begins later is refused now."""
    await refused_claims(service, nbf=service.clock.now() + 10 * MINUTES)


@pytest.mark.clause("fapi1-p2-5.2.2-17")
async def test_request_object_nbf_is_70_minutes_in_past_fails(service: RunningService):
    """A request older than an hour is refused."""
    await refused_claims(service, nbf=service.clock.now() - 70 * MINUTES)


@pytest.mark.clause("ciba-7.1.1-10")
async def test_request_object_missing_jti_fails(service: RunningService):
    """The identifier is required."""
    await refused_claims(service, jti=None)


@pytest.mark.clause("ciba-7.1.1-4", "fapi-ciba-7.10-3")
async def test_request_object_signature_algorithm_is_none_fails(service: RunningService):
    """An unsecured JWS is no signed request."""
    now = service.clock.now()
    claims = {"iss": "till", "aud": service.issuer, "jti": "j", "iat": now, "nbf": now}
    hint = {"scope": "openid", "login_hint": "alice"}
    await refused_request(service, unsecured({**claims, **hint, "exp": now + 300}))


@pytest.mark.clause("rfc8725-3.3-1", "ciba-7.2-2")
async def test_request_object_signature_algorithm_is_bad_fails(service: RunningService):
    """A flipped signature does not verify."""
    signed, _, signature = service.till.request_object().rpartition(".")
    flipped = "B" if signature[0] == "A" else "A"
    await refused_request(service, f"{signed}.{flipped}{signature[1:]}")


@pytest.mark.clause("ciba-4-11", "fapi-ciba-7.10-1", "fapi-ciba-7.10-2")
async def test_request_object_signature_algorithm_is_rs256_fails(run_service: ServiceRunner):
    """The same RSA key under RS256 is refused while the assertion stays PS256."""
    client = WireClient("till", alg="PS256", key=key_for("PS256"))
    async with run_service(clients=[client]) as service:
        request = client.request_object(header={"alg": "RS256"}, key=reused(client.key, "RS256"))
        await refused_request(service, request)


@pytest.mark.clause("ciba-7.1.1-14")
async def test_request_object_signed_by_other_client_fails(service: RunningService):
    """Another client's key and kid are none of this client's."""
    other = service.clients["other-till"]
    request = service.till.request_object(header={"kid": other.key.kid}, key=other.key)
    await refused_request(service, request)


@pytest.mark.clause("ciba-7.1-11", "ciba-7.2-3")
async def test_authorization_request_with_multiple_hints_fails(service: RunningService):
    """Two hints name nobody, with or without a binding message."""
    await refused_claims(service, login_hint_token="token")
    await refused_claims(service, login_hint_token="token", binding_message=None)


@pytest.mark.clause("fapi-ciba-5.2.2-6", "fapi-ciba-5.2.3-1")
async def test_unsigned_backchannel_authorization_request_fails(service: RunningService):
    """Plain form fields are refused from a client that signs."""
    form = {"scope": "openid", "login_hint": "alice", "binding_message": "1234"}
    answer = await service.till.post("/bc-authorize", {**service.till.credentials(), **form})
    assert_refused(answer, 400, "invalid_request")


@pytest.mark.clause("ciba-7.1.1-10")
async def test_a_request_object_is_used_once(service: RunningService, phone: WirePhone):
    """Its jti is spent with the first transaction; the second request is refused."""
    assert phone.device_id
    request = service.till.request_object()
    first = await service.till.post(
        "/bc-authorize", {**service.till.credentials(), "request": request}
    )
    assert first.status_code == 200
    await refused_request(service, request)
    assert len(await phone.fetch()) == 1


@pytest.mark.clause("ciba-7.1.1-2", "fapi1-p2-5.2.2-10")
@pytest.mark.parametrize("name", ["scope", "login_hint", "binding_message", "requested_expiry"])
async def test_a_parameter_beside_the_request_fails(service: RunningService, name: str):
    """Even with the value that was signed."""
    values = {"scope": "openid", "login_hint": "alice", "binding_message": "W4SCT"}
    value = values.get(name, "60")
    await refused_request(service, service.till.request_object(**{name: value}), **{name: value})


@pytest.mark.clause("ciba-7.1.1-13")
async def test_an_encrypted_request_fails(service: RunningService):
    """Five segments are a JWE, which this service does not read."""
    await refused_request(service, "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AA.AA.AA.AA")


@pytest.mark.clause("rfc9101-10.8-1", "rfc8725-3.12-1")
async def test_a_client_assertion_as_request_fails(service: RunningService):
    """An assertion with every claim of a request is still none."""
    till = service.till
    await refused_request(service, till.assertion(nbf=till.now(), scope="openid", login_hint="a"))


@pytest.mark.parametrize("key", ["jwk", "jku"])
@pytest.mark.clause("rfc8725-3.10-1")
async def test_a_key_brought_along_fails(service: RunningService, key: str):
    """Keys and addresses in a header are not followed."""
    attacker = new_key(kid=str(service.till.key.kid))
    brought = attacker.as_dict(private=False) if key == "jwk" else "https://attacker.example/"
    await refused_request(service, service.till.request_object(header={key: brought}, key=attacker))


@pytest.mark.parametrize("expiry", [0, "0", -5, "-5", 1.5, True, "soon", "", [60]], ids=repr)
@pytest.mark.clause("ciba-7.1-17")
async def test_a_requested_expiry_that_is_no_positive_integer_fails(
    service: RunningService, expiry: Any
):
    """Zero, negatives, fractions and other types are refused."""
    await refused_claims(service, requested_expiry=expiry)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"exp": 10**400, "nbf": 1.5}, id="numbers-without-bounds"),
        pytest.param({"iat": -(10**400)}, id="beginning-of-time"),
        pytest.param({"login_hint": "\ud800"}, id="half-a-surrogate-pair"),
        pytest.param({"scope": ["openid"]}, id="scope-a-list"),
        pytest.param({"login_hint": {"sub": "alice"}}, id="hint-an-object"),
        pytest.param({"binding_message": 1234}, id="message-a-number"),
        pytest.param({"client_notification_token": "a" * 1025}, id="token-too-long"),
        pytest.param({"login_hint": None}, id="no-hint"),
        pytest.param({"login_hint": None, "id_token_hint": "x"}, id="unsupported-hint"),
        pytest.param({"login_hint": None, "login_hint_token": "x"}, id="unsupported-hint-token"),
        pytest.param({"scope": None}, id="no-scope"),
    ],
)
@pytest.mark.clause("ciba-7.1.1-12", "ciba-7.2-6", "ciba-13-3")
async def test_a_claim_of_another_shape_fails(service: RunningService, claims: dict[str, Any]):
    """Whatever a signed claim holds, the answer is a clean refusal."""
    await refused_claims(service, **claims)
