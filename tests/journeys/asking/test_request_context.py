"""``request_context``: demanded where the operator says so, weighed by rules, shown to nobody."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from ciba_service.ports import Situation
from tests.conformance.refusals import assert_refused
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.signing import claims_of, new_key

DEMAND = {"require_request_context": True}
ABROAD = {"place": "a till abroad"}


@dataclass
class Wary:
    """A rule that wants a code for whatever is not at home, and remembers what it was told."""

    told: list[Situation] = field(default_factory=list)

    def needs_one_time_code(self, situation: Situation) -> bool:
        """Whether the context speaks of another place."""
        self.told.append(situation)
        return situation.context is not None and json.loads(situation.context.json) == ABROAD


@pytest.mark.clause("fapi-ciba-5.2.2-10")
async def test_a_client_may_have_to_tell_the_context(run_service: ServiceRunner, till: WireClient):
    """400 invalid_request without one, and the phone hears nothing; others need none."""
    careful = WireClient("careful", key=new_key(kid="careful"), metadata=DEMAND)
    async with run_service(clients=[careful, till]) as service:
        phone = await service.enrolled_phone()
        assert_refused(await careful.start(), 400, "invalid_request")
        assert await phone.fetch() == []
        for client, claims in ((careful, {"request_context": {"till": 4}}), (till, {})):
            assert (await client.start(**claims)).status_code == 200
        assert len(await phone.fetch()) == 2


@pytest.mark.clause("fapi-ciba-5.2.2-10")
async def test_the_operator_may_demand_it_of_every_client(
    run_service: ServiceRunner, till: WireClient
):
    """Whatever is registered, in a signed request as in a plain one."""
    metadata = {"backchannel_authentication_request_signing_alg": None}
    plain = WireClient("plain", key=new_key(kid="plain"), metadata=metadata)
    async with run_service(clients=[till, plain], sections={"requests": DEMAND}) as service:
        await service.enrolled_phone()
        assert_refused(await till.start(), 400, "invalid_request")
        assert (await till.start(request_context={"till": 4})).status_code == 200
        form = {"scope": "openid", "login_hint": "alice"}
        answer = await plain.post("/bc-authorize", {**form, **plain.credentials()})
        assert_refused(answer, 400, "invalid_request")
        form["request_context"] = '{"till":4}'
        answer = await plain.post("/bc-authorize", {**form, **plain.credentials()})
        assert answer.status_code == 200


@pytest.mark.clause("fapi-ciba-5.3-1")
@pytest.mark.parametrize(
    ("claims", "factors"),
    [
        ({"request_context": ABROAD}, ["device_key", "pin", "otp"]),
        ({"request_context": {"place": "here"}}, ["device_key", "pin"]),
        ({}, ["device_key", "pin"]),
    ],
    ids=["abroad", "at home", "untold"],
)
async def test_a_rule_of_the_operator_weighs_it(
    run_service: ServiceRunner, till: WireClient, claims: dict[str, Any], factors: list[str]
):
    """It may add a one-time code; the phone is not shown what nobody proved."""
    rule = Wary()
    async with run_service(clients=[till], risk=rule) as service:
        phone = await service.enrolled_phone()
        await till.started(scope="openid profile", **claims)
        (challenge,) = await phone.fetch()
    assert claims_of(challenge)["factors"] == factors
    assert "place" not in json.dumps(claims_of(challenge))
    (situation,) = rule.told
    assert (situation.client_id, situation.scope) == ("till", ("openid", "profile"))
    assert situation.details == ()


async def test_a_rule_takes_no_demand_back(run_service: ServiceRunner, till: WireClient):
    """Where a code is asked for anyway, it stays so."""
    sections = {"policy": {"require_otp": True}}
    async with run_service(clients=[till], sections=sections, risk=Wary()) as service:
        phone = await service.enrolled_phone()
        await till.started()
        (challenge,) = await phone.fetch()
    assert claims_of(challenge)["factors"] == ["device_key", "pin", "otp"]


class Broken:
    """A rule with a defect."""

    def needs_one_time_code(self, situation: Situation) -> bool:
        """Raise what repeats the request."""
        raise KeyError(situation.client_id)


async def test_a_rule_that_fails_asks_for_a_code(run_service: ServiceRunner, till: WireClient):
    """Nobody is turned away for it, and nobody gets in with less."""
    async with run_service(clients=[till], risk=Broken()) as service:
        phone = await service.enrolled_phone()
        await till.started()
        (challenge,) = await phone.fetch()
        (failed,) = service.telemetry.named("risk_rule_failed")
    assert claims_of(challenge)["factors"] == ["device_key", "pin", "otp"]
    assert failed.fields == {"error": "KeyError"}
