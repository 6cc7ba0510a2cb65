"""The token endpoint's refusals and their order (CIBA 10.1, 11)."""

import pytest

from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone


@pytest.mark.clause("ciba-11-1", "ciba-10.1.1-3", "ciba-11-2", "ciba-10.1-7")
async def test_multiple_call_to_token_endpoint_slows_down(
    service: RunningService, phone: WirePhone
):
    """The first poll is free, an early one gets slow_down and makes the interval longer."""
    assert phone.device_id
    auth_req_id = await service.till.started()
    for pause, code in (
        (0, "authorization_pending"),
        (5, "authorization_pending"),
        (4, "authorization_pending"),
        (3, "slow_down"),
        (5, "slow_down"),
        (13.5, "authorization_pending"),
        (13, "slow_down"),
    ):
        service.clock.advance(pause)
        assert_refused(await service.till.poll(auth_req_id), 400, code)


@pytest.mark.clause("ciba-11-4", "oidc-3.1.2.4-1", "ciba-8-1")
async def test_user_rejects_authentication(service: RunningService, phone: WirePhone):
    """access_denied has 400 here, also for a poll that comes too early."""
    auth_req_id = await service.till.started()
    assert_refused(await service.till.poll(auth_req_id), 400, "authorization_pending")
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    for _ in range(2):
        assert_refused(await service.till.poll(auth_req_id), 400, "access_denied")


@pytest.mark.clause("ciba-11-3", "ciba-11-8")
async def test_auth_req_id_expired(service: RunningService, phone: WirePhone):
    """expired_token, to its owner, from the very second on and for minutes after."""
    assert phone.device_id
    auth_req_id = await service.till.started(requested_expiry=10)
    service.clock.advance(9)
    assert_refused(await service.till.poll(auth_req_id), 400, "authorization_pending")
    for pause in (1, 6, 300, 280):
        service.clock.advance(pause)
        assert_refused(await service.till.poll(auth_req_id), 400, "expired_token")


@pytest.mark.clause("ciba-10.1-2", "ciba-11-5", "ciba-11-9")
async def test_wrong_auth_req_id_in_token_endpoint_request(
    service: RunningService, phone: WirePhone
):
    """Unknown and foreign ids are alike, whatever became of them; the owner is not disturbed."""
    other = service.clients["other-till"]
    auth_req_id = await service.till.started(requested_expiry=10)
    (challenge,) = await phone.fetch()
    for presented in (auth_req_id, "a" * 43, "short", "\u00e4" * 43):
        assert_refused(await other.poll(presented), 400, "invalid_grant")
    assert_refused(await service.till.poll(auth_req_id), 400, "authorization_pending")
    await phone.decide(phone.denial(challenge))
    assert_refused(await other.poll(auth_req_id), 400, "invalid_grant")
    service.clock.advance(20)
    assert_refused(await other.poll(auth_req_id), 400, "invalid_grant")


@pytest.mark.clause("rfc10027-6.1.3-1")
async def test_a_used_auth_req_id_fails(service: RunningService, phone: WirePhone):
    """invalid_grant after redemption, and still after expiry."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    assert (await service.till.poll(auth_req_id)).status_code == 200
    assert_refused(await service.till.poll(auth_req_id), 400, "invalid_grant")
    service.clock.advance(300)
    assert_refused(await service.till.poll(auth_req_id), 400, "invalid_grant")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param(
            {"grant_type": ""},
            "invalid_request",
            marks=pytest.mark.clause("ciba-10.1-3"),
            id="no-grant-type",
        ),
        pytest.param(
            {"auth_req_id": ""},
            "invalid_request",
            marks=pytest.mark.clause("ciba-10.1-3"),
            id="no-auth-req-id",
        ),
        pytest.param(
            {"grant_type": "password"},
            "unsupported_grant_type",
            marks=pytest.mark.clause("rfc9700-2.4-1", "fapi2-sp-5.3.2.1-2", "oidc-3.1.3.4-1"),
            id="password-grant",
        ),
        pytest.param(
            {"grant_type": "authorization_code"}, "unsupported_grant_type", id="code-grant"
        ),
    ],
)
async def test_another_token_request_fails(
    service: RunningService, changed: dict[str, str], code: str
):
    """Only the CIBA grant is offered, and it needs its parameter."""
    form = {"grant_type": CIBA, "auth_req_id": "a" * 43, **service.till.credentials(), **changed}
    assert_refused(await service.till.post("/token", form), 400, code)


@pytest.mark.clause("ciba-10.1-1")
async def test_a_failed_authentication_is_no_poll(service: RunningService, phone: WirePhone):
    """Who does not authenticate neither learns anything nor slows the client down."""
    assert phone.device_id
    auth_req_id = await service.till.started()
    used = service.till.credentials()
    assert_refused(await service.till.poll(auth_req_id, **used), 400, "authorization_pending")
    service.clock.advance(5)
    assert_refused(await service.till.poll(auth_req_id, **used), 401, "invalid_client")
    assert_refused(
        await service.till.poll(auth_req_id, client_assertion="x"), 401, "invalid_client"
    )
    assert_refused(await service.till.poll(auth_req_id), 400, "authorization_pending")


@pytest.mark.clause("ciba-7.3-5")
async def test_an_interval_of_nothing_never_slows_down(run_service: ServiceRunner):
    """A client registered with interval 0 is told 1 (CIBA 7.3) and may poll as it likes."""
    client = WireClient("till", metadata={"polling_interval": 0})
    async with run_service(clients=[client]) as service:
        await service.enrolled_phone()
        answer = await client.start()
        assert answer.json()["interval"] == 1
        for _ in range(3):
            polled = await client.poll(answer.json()["auth_req_id"])
            assert_refused(polled, 400, "authorization_pending")
