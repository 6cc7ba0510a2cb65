"""Our own service as the provider under test: a fake clock for both, and a phone that obeys."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ciba_client.conformance.check import Check, Result
from ciba_client.conformance.parties.approver import Decision
from ciba_client.conformance.parties.desk import Desk
from ciba_client.conformance.parties.doors import Doors
from ciba_client.conformance.parties.wire import Wire
from ciba_client.conformance.plan import Plan, PlannedClient
from ciba_client.conformance.plan_file import (
    ApprovalSection,
    NotificationSection,
    RequestSection,
    ResourceSection,
    TimeSection,
)
from ciba_client.conformance.profile import Profile
from ciba_client.conformance.run import Run
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.dpop.key import new_dpop_key
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.sdk.jose.signing_key import SigningKey
from ciba_service.sca.messages import transaction_id
from tests.client_time import ClientTime
from tests.services.asgi_server import serving
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import JoseKey, claims_of, new_key

NO_LIMITS = dict.fromkeys(
    (
        "hint_requests",
        "user_prompts",
        "user_prompts_of_client",
        "denials",
        "failed_authentications",
    ),
    0,
)

NAMES = ("first", "second")
SIGNING_ALG = "backchannel_authentication_request_signing_alg"
RESOURCES = {
    Profile.CIBA_CORE: "/userinfo",  # the accounts want tokens that are bound
    Profile.FAPI_CIBA: "/resource/accounts",
    Profile.FAPI2_CIBA: "/resource/accounts",
}


class SharedTime(ClientTime):
    """Waiting moves the clock of the service, which then does what is due."""

    running: RunningService | None = None

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.clock.advance(seconds)
        if self.running is None:
            return
        worker = self.running.service.worker
        for partition in await worker._due.partitions_with_work(now=self.clock.now_ms()):
            await worker.work_off(partition)


@dataclass
class ObedientPhone:
    """Decides as it is told, when it is told."""

    phone: WirePhone

    async def decide(self, auth_req_id: str, decision: Decision, wire: Wire) -> None:
        """Approve or deny the request of this identifier."""
        del wire
        (challenge,) = [
            each
            for each in await self.phone.fetch()
            if claims_of(each)["transaction_id"] == transaction_id(auth_req_id)
        ]
        made = self.phone.approval if decision is Decision.ALLOW else self.phone.denial
        assert (await self.phone.decide(made(challenge)))["type"] == "accepted"


@dataclass
class Watcher:
    """Remembers what it heard."""

    heard: list[str] = field(default_factory=list)

    def began(self, check: Check) -> None:
        """Noted."""
        self.heard.append(f"began {check.id}")

    def waits(self, check: Check, seconds: float, why: str) -> None:
        """Noted."""
        self.heard.append(f"{check.id} waits {seconds:g} s for {why}")

    def ended(self, result: Result) -> None:
        """Noted."""
        self.heard.append(f"ended {result.check.id}: {result.outcome}")


@dataclass
class ProviderUnderTest:
    """A provider, and all that a run against it needs."""

    running: RunningService
    plan: Plan
    time: SharedTime
    desk: Desk
    doors: Doors
    watcher: Watcher
    phone: ObedientPhone

    async def results(self, checks: Sequence[Check]) -> tuple[Result, ...]:
        """Run these checks."""
        run = Run(
            plan=self.plan,
            doors=self.doors,
            clock=self.time,
            observer=self.watcher,
            approver=self.phone,
            desk=self.desk,
        )
        return await run.results(checks)


def registered(
    name: str, profile: Profile, mode: TokenDeliveryMode, url: str, *, signed: bool
) -> WireClient:
    """A client of that profile and mode."""
    metadata: dict[str, Any] = {
        "profile": str(profile),
        "backchannel_token_delivery_mode": str(mode),
        "dpop_bound_access_tokens": profile is not Profile.CIBA_CORE,
        "grant_types": [CIBA, "refresh_token"],
        "scope": "openid accounts",
        "id_token_signed_response_alg": "ES256",
    }
    if mode is not TokenDeliveryMode.POLL:
        metadata["backchannel_client_notification_endpoint"] = f"{url}/ciba"
    if not signed:
        metadata[SIGNING_ALG] = None
    alg = "PS256" if profile is Profile.FAPI_CIBA else "ES256"
    return WireClient(name, alg=alg, key=_key(name, alg), metadata=metadata)


@cache
def _key(name: str, alg: str) -> JoseKey:
    """Made once: an RSA key takes a while."""
    return new_key(alg, f"{name}-key")


def planned(client: WireClient) -> PlannedClient:
    """The same client as the runner knows it."""
    bound = client.metadata["dpop_bound_access_tokens"]
    return PlannedClient(
        client_id=client.client_id,
        key=SigningKey(
            key=client.key, algorithm=SignatureAlgorithm(client.alg), kid=client.key.kid
        ),
        dpop_key=new_dpop_key() if bound else None,
        sign_requests=client.metadata.get(SIGNING_ALG, client.alg) is not None,
    )


@asynccontextmanager
async def provider_under_test(
    run_service: ServiceRunner,
    profile: Profile,
    mode: TokenDeliveryMode,
    *,
    signed: bool = True,
) -> AsyncIterator[ProviderUnderTest]:
    """Run the service for a profile and a mode until the end of the block."""
    time = SharedTime(None)  # type: ignore[arg-type]
    desk = Desk(time)
    sections = {
        "limits": NO_LIMITS,
        "requests": {"open_prompts": 100},
        "outbound": {"allow_loopback_http": True},
        "resource": {"enabled": True},
    }
    async with serving(desk) as url:
        clients = [registered(name, profile, mode, url, signed=signed) for name in NAMES]
        async with run_service(clients=clients, sections=sections) as running:
            time.clock, time.running = running.clock, running
            phone = await running.enrolled_phone("alice")
            plan = Plan(
                issuer=running.issuer,
                client=planned(clients[0]),
                second_client=planned(clients[1]),
                profile=profile,
                mode=mode,
                request=RequestSection(scope="openid accounts", login_hint="alice"),
                approval=ApprovalSection(cancel_url=f"{running.issuer}/bc-authorize/cancel"),
                time=TimeSection(parallel=1),
                notifications=NotificationSection(listen="127.0.0.1:0", url=f"{url}/ciba"),
                resource=ResourceSection(url=f"{running.issuer}{RESOURCES[profile]}"),
            )
            doors = Doors(running.http)
            yield ProviderUnderTest(
                running, plan, time, desk, doors, Watcher(), ObedientPhone(phone)
            )
            assert running.telemetry.failures == []
