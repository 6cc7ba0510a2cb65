"""node-oidc-provider under the conformance runner, with one clock for both."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from ciba_client import SignatureAlgorithm, SigningKey, SystemClock, new_dpop_key
from ciba_client.conformance.check import Check, Result
from ciba_client.conformance.checks.registry import applicable
from ciba_client.conformance.parties.approver import AutomationUrl
from ciba_client.conformance.parties.desk import Desk
from ciba_client.conformance.parties.doors import opened_doors
from ciba_client.conformance.plan import Plan, PlannedClient
from ciba_client.conformance.plan_file import RequestSection, ResourceSection, TimeSection
from ciba_client.conformance.profile import Profile
from ciba_client.conformance.run import Run
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from tests.interop.node_program import node_program
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.wire.signing import JoseKey, new_key, public_jwk
from tests.wrong_provider.judge import Unheard
from tests.wrong_provider.tls import ClientCertificate, serving_tls

__all__ = ["judged_node_provider"]

CIBA = "urn:openid:params:grant-type:ciba"
ALG = {Profile.CIBA_CORE: "ES256", Profile.FAPI_CIBA: "PS256", Profile.FAPI2_CIBA: "ES256"}
CERTIFICATE_BOUND = "tls_client_certificate_bound_access_tokens"
ACR = "urn:example:strong"
FAPI = {Profile.CIBA_CORE: None, Profile.FAPI_CIBA: "1.0 Final", Profile.FAPI2_CIBA: "2.0"}
"""The provider's own names of the profiles."""


@dataclass
class SharedClock:
    """Real time, and ahead of it by what was slept; the provider's clock is moved along."""

    http: httpx2.AsyncClient
    issuer: str = ""
    ahead: float = 0

    def now(self) -> float:
        """Seconds since the epoch."""
        return SystemClock().now() + self.ahead

    def monotonic(self) -> float:
        """Seconds."""
        return SystemClock().monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        """Move both clocks on."""
        self.ahead += seconds
        await self.http.post(f"{self.issuer}/advance", params={"seconds": seconds})


async def judged_node_provider(
    profile: Profile, mode: TokenDeliveryMode, folder: Path
) -> tuple[Result, ...]:
    """What all checks of the profile and mode say of it."""
    keys = {name: new_key(ALG[profile], kid=name) for name in ("one", "two")}
    trusted = LoopbackCertificate.write(folder)
    certified = profile is Profile.FAPI_CIBA
    context = ssl.create_default_context(cafile=trusted.chain)
    async with httpx2.AsyncClient(verify=context) as http:
        clock = SharedClock(http)
        desk = Desk(clock)
        async with serving_tls(desk, trusted) as endpoint:
            clients = [
                _registered(name, key, profile, mode, f"{endpoint}/notifications")
                for name, key in keys.items()
            ]
            async with _running(clients, profile, trusted) as issuer:
                clock.issuer = issuer
                plan = _plan(issuer, keys, profile, mode, trusted if certified else None)
                return await _run(plan, clock, desk, applicable(profile, mode))


@asynccontextmanager
async def _running(
    clients: Sequence[dict[str, Any]], profile: Profile, trusted: LoopbackCertificate
) -> AsyncIterator[str]:
    options = {
        "scope": "openid profile",
        "acr": ACR,
        "users": {"alice@example.org": "alice"},
        "fapi": FAPI[profile],
        "tls": _tls(trusted) if profile is Profile.FAPI_CIBA else None,
        "clients": clients,
    }
    async with node_program(
        "oidc_provider/server.mjs", options, authorities=trusted.chain
    ) as program:
        yield (await program.next("listening"))["issuer"]


async def _run(plan: Plan, clock: Clock, desk: Desk, checks: Sequence[Check]) -> tuple[Result, ...]:
    async with opened_doors(plan) as doors:
        run = Run(
            plan=plan,
            doors=doors,
            clock=clock,
            observer=Unheard(),
            approver=AutomationUrl(f"{plan.issuer}/automation", doors.anonymous),
            desk=None if plan.mode is TokenDeliveryMode.POLL else desk,
        )
        return await run.results(checks)


def _registered(
    name: str, key: JoseKey, profile: Profile, mode: TokenDeliveryMode, endpoint: str
) -> dict[str, Any]:
    """A client's metadata, as the provider is given it."""
    notified = {"backchannel_client_notification_endpoint": endpoint}
    return {
        "client_id": name,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": ALG[profile],
        "grant_types": [CIBA, "refresh_token"],
        "require_auth_time": True,
        "response_types": [],
        "redirect_uris": [],
        "id_token_signed_response_alg": "ES256",
        "backchannel_token_delivery_mode": str(mode),
        "backchannel_authentication_request_signing_alg": ALG[profile],
        "dpop_bound_access_tokens": profile is Profile.FAPI2_CIBA,
        **({CERTIFICATE_BOUND: True} if profile is Profile.FAPI_CIBA else {}),
        "jwks": {"keys": [public_jwk(key)]},
        **(notified if mode is TokenDeliveryMode.PING else {}),
    }


def _tls(trusted: LoopbackCertificate) -> dict[str, str]:
    return {"cert": trusted.chain.read_text("ascii"), "key": trusted.key.read_text("ascii")}


def _plan(
    issuer: str,
    keys: dict[str, JoseKey],
    profile: Profile,
    mode: TokenDeliveryMode,
    trusted: LoopbackCertificate | None,
) -> Plan:
    one, two = (
        PlannedClient(
            client_id=name,
            key=SigningKey(key, SignatureAlgorithm(ALG[profile]), name),
            certificate=ClientCertificate.write(name, trusted.chain.parent).file
            if trusted
            else None,
            dpop_key=new_dpop_key() if profile is Profile.FAPI2_CIBA else None,
        )
        for name, key in keys.items()
    )
    return Plan(
        issuer=issuer,
        client=one,
        second_client=two,
        profile=profile,
        mode=mode,
        request=RequestSection(
            scope="openid profile", login_hint="alice@example.org", acr_values=ACR
        ),
        resource=ResourceSection(url=f"{issuer}/me"),
        ca_file=trusted.chain if trusted else None,
        time=TimeSection(parallel=1, notification=2, silence=1),
    )
