"""Hints, user codes and extensions at the backchannel authentication endpoint."""

from typing import Any

import pytest

from ciba_service.sca.factors.policy import PSD2_CA, PSD2_SCA
from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.wire.phone import WirePhone


@pytest.mark.parametrize(
    "claims",
    [
        {"login_hint": ""},
        {"login_hint": "a" * 256},
        {"login_hint": None, "login_hint_token": "a.b.c"},
        {"login_hint": None, "id_token_hint": "alice"},
        {"user_code": "a" * 65},
        {"user_code": 4711},
        {"claims": []},
        {"claims": {"id_token": {"acr": {"essential": "yes"}}}},
        {"request_context": "[]"},
        {"acr_values": "a" * 1025},
    ],
    ids=lambda claims: repr(claims)[:40],
)
async def test_a_malformed_parameter_fails(
    service: RunningService, phone: WirePhone, claims: dict[str, Any]
):
    """400 invalid_request, and the phone hears nothing."""
    assert_refused(await service.till.start(**claims), 400, "invalid_request")
    assert await phone.fetch() == []


async def test_a_resource_that_is_not_offered_fails(service: RunningService, phone: WirePhone):
    """400 invalid_target (RFC 8707 2)."""
    answer = await service.till.start(resource="https://bank.example/accounts")
    assert_refused(answer, 400, "invalid_target")
    assert await phone.fetch() == []


async def test_a_required_acr_that_cannot_be_reached_fails(
    service: RunningService, phone: WirePhone
):
    """400 unmet_authentication_requirements before anybody is asked; a mere wish is passed over."""
    unknown = {"values": ["urn:example:never"]}
    answer = await service.till.start(claims={"id_token": {"acr": {**unknown, "essential": True}}})
    assert_refused(answer, 400, "unmet_authentication_requirements")
    assert await phone.fetch() == []
    assert (await service.till.start(claims={"id_token": {"acr": unknown}})).status_code == 200


async def test_a_required_acr_that_is_reached_succeeds(service: RunningService, phone: WirePhone):
    """One of several is enough."""
    wish = {"essential": True, "values": [PSD2_CA, PSD2_SCA]}
    await service.till.started(
        claims={"id_token": {"acr": wish}},
        request_context={"device": "till 4"},
        user_code="4711",
    )
    assert len(await phone.fetch()) == 1
