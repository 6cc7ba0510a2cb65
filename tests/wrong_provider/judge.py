"""The conformance runner against the provider: one check, one fault, one clock for both."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ciba_client import ClientAuthenticationMethod, SignatureAlgorithm, SigningKey, new_dpop_key
from ciba_client.conformance.check import Check, Result
from ciba_client.conformance.parties.approver import AutomationUrl
from ciba_client.conformance.parties.desk import Desk
from ciba_client.conformance.parties.doors import opened_doors
from ciba_client.conformance.plan import Plan, PlannedClient
from ciba_client.conformance.plan_file import RequestSection, ResourceSection, TimeSection
from ciba_client.conformance.profile import Profile
from ciba_client.conformance.run import Run
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from tests.fake_clock import FakeClock
from tests.services.asgi_server import serving
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.wire.signing import JoseKey, new_key, public_jwk
from tests.wrong_provider.application import application
from tests.wrong_provider.cases import Certificate, Registration
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.provider import Client, Provider
from tests.wrong_provider.running import ALICE
from tests.wrong_provider.tls import ROOT, ClientCertificate, serving_tls

__all__ = ["judged"]


@dataclass
class OneTime:
    """The clock of both sides: whoever waits lets the time pass, and what is due happens."""

    clock: FakeClock = field(default_factory=FakeClock)
    providers: list[Provider] = field(default_factory=list)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock.now_ms() / 1000

    def monotonic(self) -> float:
        """Seconds."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Let it pass at once."""
        self.clock.advance(seconds)
        for provider in self.providers:
            await provider.wake()


class Unheard:
    """``Observer``: nobody looks on."""

    def began(self, check: Check) -> None:
        """A check has begun."""

    def waits(self, check: Check, seconds: float, why: str) -> None:
        """It waits."""

    def ended(self, result: Result) -> None:
        """It is over."""


async def judged(
    checks: Iterable[Check],
    registration: Registration,
    faults: Iterable[Fault] = (),
    *,
    folder: Path,
) -> tuple[Result, ...]:
    """What these checks say of a provider with these faults; certificates go into the folder."""
    time = OneTime()
    desk = Desk(time)
    notified = registration.mode is not TokenDeliveryMode.POLL
    async with serving(desk) if notified else nullcontext("") as endpoint:
        clients = {
            name: _registered(name, registration, f"{endpoint}/notifications", folder)
            for name in ("one", "two")
        }
        provider = Provider(
            "",
            clients,
            [ALICE],
            time,
            frozenset(faults),
            nonces_at=registration.nonces_at,
            differently=registration.differently,
        )
        time.providers.append(provider)
        async with _served(provider, registration, folder) as url:
            provider.issuer = url
            plan = _plan(provider, registration, folder)
            async with opened_doors(plan) as doors:
                run = Run(
                    plan=plan,
                    doors=doors,
                    clock=time,
                    observer=Unheard(),
                    approver=AutomationUrl(provider.url("/automation"), doors.anonymous),
                    desk=desk if notified else None,
                )
                return await run.results(tuple(checks))


@asynccontextmanager
async def _served(
    provider: Provider, registration: Registration, folder: Path
) -> AsyncIterator[str]:
    app = application(provider)
    if registration.certificate is Certificate.NONE:
        async with serving(app) as url:
            yield url
    else:
        async with serving_tls(app, _own_certificate(folder), ROOT) as url:
            yield url


def _registered(name: str, registration: Registration, endpoint: str, folder: Path) -> Client:
    """As the provider knows a client."""
    certified = registration.certificate is not Certificate.NONE
    return Client(
        name,
        (public_jwk(_key(name, registration.alg)),),
        registration.alg,
        str(registration.mode),
        endpoint,
        certificate=_certificate(name, folder).der if certified else None,
        certificate_authenticates=registration.certificate is Certificate.AUTHENTICATES,
        signs_requests=registration.profile is not Profile.CIBA_CORE or registration.signs,
        dpop_bound=registration.profile is Profile.FAPI2_CIBA,
        user_code=registration.coded,
        strict_audience=registration.profile is Profile.FAPI2_CIBA,
    )


def _planned(name: str, registration: Registration, folder: Path) -> PlannedClient:
    """As the runner knows it."""
    certified = registration.certificate is not Certificate.NONE
    by_certificate = registration.certificate is Certificate.AUTHENTICATES
    return PlannedClient(
        client_id=name,
        key=SigningKey(_key(name, registration.alg), SignatureAlgorithm(registration.alg), name),
        method=(
            ClientAuthenticationMethod.TLS_CLIENT_AUTH
            if by_certificate
            else ClientAuthenticationMethod.PRIVATE_KEY_JWT
        ),
        certificate=_certificate(name, folder).file if certified else None,
        dpop_key=new_dpop_key() if registration.profile is Profile.FAPI2_CIBA else None,
        sign_requests=registration.signs,
    )


def _plan(provider: Provider, registration: Registration, folder: Path) -> Plan:
    return Plan(
        issuer=provider.issuer,
        client=_planned("one", registration, folder),
        second_client=_planned("two", registration, folder),
        profile=registration.profile,
        mode=registration.mode,
        request=RequestSection(
            scope="openid profile",
            login_hint="alice@example.org",
            user_code=ALICE.user_code if registration.coded else None,
            acr_values="urn:example:strong",
        ),
        resource=ResourceSection(url=provider.url("/userinfo")),
        time=TimeSection(parallel=1),
        ca_file=_own_certificate(folder).chain,
    )


@cache
def _key(name: str, alg: str) -> JoseKey:
    return new_key(alg, kid=name)


@cache
def _own_certificate(folder: Path) -> LoopbackCertificate:
    return LoopbackCertificate.write(folder)


@cache
def _certificate(name: str, folder: Path) -> ClientCertificate:
    return ClientCertificate.write(name, folder)
