"""A grant without tokens of ours: the same polls, states and gate, taken once."""

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from ciba_service.flow.granting.grant_redemption import GrantRequest
from ciba_service.flow.granting.held_polls import Patience
from ciba_service.protocol.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    ExpiredTokenError,
    InvalidAuthorizationDetailsError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidTargetError,
    OAuth2Error,
    SlowDownError,
    UnauthorizedClientError,
)
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.keys import grant_key, transaction_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone

RESOURCES = ["https://api.example/accounts", "https://api.example/balances"]


async def never() -> None:
    """Somebody who does not go."""
    await asyncio.Event().wait()


def asked(
    service: RunningService,
    auth_req_id: str | None,
    *,
    operation: str = "one",
    client_id: str = "till",
    patience: Patience | None = None,
) -> GrantRequest:
    """A request for a grant, by a client that its host has authenticated."""
    (client,) = (each for each in service.settings.clients if each.client_id == client_id)
    form = {} if auth_req_id is None else {"auth_req_id": auth_req_id}
    return GrantRequest(form, client, operation, patience or Patience(None, never))


def redeem(service: RunningService, *args: str | None, **kwargs: str) -> Awaitable[Grant]:
    """Ask for a grant."""
    return service.service.steps.redemption.redeem(asked(service, *args, **kwargs))  # type: ignore[arg-type]


async def test_looking_at_a_grant_does_not_take_it(service: RunningService, phone: WirePhone):
    """Until it is taken whoever mints may fail, and ask again."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    redemption = service.service.steps.redemption
    for operation in ("one", "two"):
        grant = await redemption.approved(asked(service, auth_req_id, operation=operation))
    await redemption.take(grant, operation="two")
    with pytest.raises(InvalidGrantError):
        await redemption.take(grant, operation="one")
    with pytest.raises(InvalidGrantError):
        await redemption.approved(asked(service, auth_req_id, operation="two"))


async def test_of_many_that_take_a_grant_one_wins(service: RunningService, phone: WirePhone):
    """The others find it redeemed."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    results = await asyncio.gather(
        *(redeem(service, auth_req_id, operation=str(number)) for number in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Grant) for each in results) == 1
    assert sum(isinstance(each, InvalidGrantError) for each in results) == 7


async def test_polls_count_whatever_their_operation(service: RunningService, phone: WirePhone):
    """Who asks too early is slowed down, also with one operation for all attempts."""
    auth_req_id = await service.till.started()
    heard: list[type[OAuth2Error]] = []
    for pause in (0, 5, 1, 10):
        service.clock.advance(pause)
        with pytest.raises(OAuth2Error) as refused:
            await redeem(service, auth_req_id, operation="one")
        heard.append(refused.type)
    pending = AuthorizationPendingError
    assert heard == [pending, pending, SlowDownError, pending]
    assert len(await phone.fetch()) == 1


async def test_denied_expired_unknown_and_foreign_requests_have_no_grant(
    service: RunningService, phone: WirePhone
):
    """Each refusal is that of our own token endpoint."""
    denied = await service.till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    foreign, expired = [await service.till.started() for _ in range(2)]
    refusals: list[tuple[Awaitable[Grant], type[OAuth2Error]]] = [
        (redeem(service, denied), AccessDeniedError),
        (redeem(service, foreign, client_id="other-till"), InvalidGrantError),
        (redeem(service, "A" * 43), InvalidGrantError),
        (redeem(service, None), InvalidRequestError),
    ]
    for asking, refusal in refusals:
        with pytest.raises(refusal):
            await asking
    service.clock.advance(180)
    with pytest.raises(ExpiredTokenError):
        await redeem(service, expired)


async def test_a_push_client_takes_no_grant(run_service: ServiceRunner):
    """What is pushed is not fetched (CIBA 11)."""
    push = {
        "backchannel_token_delivery_mode": "push",
        "backchannel_client_notification_endpoint": "https://client.example/push",
    }
    async with run_service(clients=[WireClient("till", metadata=push)]) as service:
        with pytest.raises(UnauthorizedClientError):
            await redeem(service, "A" * 43)


async def test_whoever_has_gone_takes_nothing(service: RunningService, phone: WirePhone):
    """The grant is there for the next one who asks."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    patience = Patience(20, never)
    patience.has_gone = True
    with pytest.raises(AuthorizationPendingError):
        await service.service.steps.redemption.redeem(
            asked(service, auth_req_id, patience=patience)
        )
    assert await redeem(service, auth_req_id)


async def test_a_grant_says_who_approved_what_and_how(service: RunningService, phone: WirePhone):
    """All that the host's tokens are to state, looked at or taken."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    looked_at = await service.service.steps.redemption.approved(asked(service, auth_req_id))
    grant = await redeem(service, auth_req_id)
    assert grant == looked_at
    assert (grant.txn, grant.client_id) == (transaction_id(auth_req_id), "till")
    assert (grant.subject, grant.scope) == ("alice", ("openid",))
    assert grant.auth_time == service.clock.now()
    assert {"pop", "pin"} <= set(grant.amr)


async def test_the_same_operation_gets_the_same_grant_until_it_ends(
    service: RunningService, phone: WirePhone
):
    """An answer may be lost on its way; only whoever took the grant is told once more.

    It is kept as long as its transaction's record.
    """
    auth_req_id = await service.till.started()
    await phone.approve_next()
    first = await redeem(service, auth_req_id, operation="one")
    assert await redeem(service, auth_req_id, operation="one") == first
    with pytest.raises(InvalidGrantError):
        await redeem(service, auth_req_id, operation="two")
    told = [each.name for each in service.telemetry.events].count("transaction_redeemed")
    assert told == 1
    ends = [
        await service.commands.call("PEXPIRETIME", key)
        for key in (grant_key(first.txn), transaction_key(first.txn))
    ]
    assert ends[0] == ends[1] > 0
    await service.service.stores.grants.end(first.txn)
    with pytest.raises(InvalidGrantError):
        await redeem(service, auth_req_id, operation="one")


@pytest.mark.clause("rfc9396-6-1")
async def test_less_than_was_granted_can_be_asked_for(run_service: ServiceRunner):
    """Some of the details and one of the resources, and nothing else."""
    listing, balances = (
        {"type": "account_information", "actions": [action]}
        for action in ("list_accounts", "read_balances")
    )
    metadata = {"authorization_details_types": ["account_information"], "resources": RESOURCES}
    async with run_service(clients=[WireClient("till", metadata=metadata)]) as service:
        phone = await service.enrolled_phone("alice")
        auth_req_id = await service.till.started(
            authorization_details=[listing, balances], resource=RESOURCES
        )
        await phone.approve_next()
        steps, request = service.service.steps, asked(service, auth_req_id)
        for less, refusal in (
            ({"resource": "https://elsewhere.example"}, InvalidTargetError),
            ({"authorization_details": "[]"}, InvalidAuthorizationDetailsError),
        ):
            with pytest.raises(refusal):
                await steps.redemption.approved(replace(request, form={**request.form, **less}))
        less = {"resource": RESOURCES[1], "authorization_details": json.dumps([balances])}
        grant = await steps.redemption.redeem(replace(request, form={**request.form, **less}))
    assert grant.resources == (RESOURCES[1],)
    assert [json.loads(detail.json) for detail in grant.details] == [balances]


async def test_a_lost_phone_closes_the_gate(service: RunningService, phone: WirePhone):
    """Before a grant was taken, and when it is asked for again."""
    taken, untaken = [await service.till.started() for _ in range(2)]
    for challenge in await phone.fetch():
        await phone.decide(phone.approval(challenge))
    await redeem(service, taken)
    (device,) = await service.service.stores.devices.list(user_tag("alice"))
    await service.service.stores.devices.revoke(device.device_id, now=service.clock.now_ms())
    for auth_req_id in (taken, untaken):
        with pytest.raises(AccessDeniedError):
            await redeem(service, auth_req_id)
