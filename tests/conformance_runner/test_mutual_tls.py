"""Clients that are known by their certificate, on both listeners of our service, over TLS."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ciba_client.conformance.check import Outcome
from ciba_client.conformance.checks import certificates, metadata, request_objects
from ciba_client.conformance.parties.desk import Desk
from ciba_client.conformance.parties.doors import opened_doors
from ciba_client.conformance.plan import Plan, PlannedClient
from ciba_client.conformance.plan_file import (
    ApprovalSection,
    RequestSection,
    ResourceSection,
    TimeSection,
)
from ciba_client.conformance.profile import Profile
from ciba_client.sdk.authentication_method import ClientAuthenticationMethod
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.sdk.jose.signing_key import SigningKey
from ciba_service.stores.driver.target import RedisTarget
from tests.conformance.certification.bank import certified_bank
from tests.conformance.certification.suite_client import Method, SuiteClient, Variant
from tests.conformance_runner.our_provider import (
    ObedientPhone,
    ProviderUnderTest,
    SharedTime,
    Watcher,
)
from tests.redis.servers import flush_all
from tests.unit.listening.tls.listeners import authority
from tests.wire.callback_endpoint import callback_endpoint

SIGNED = ("request-missing-aud", "request-bad-signature", "request-rs256")
CHECKS = (
    *metadata.CHECKS,
    *certificates.CHECKS,
    *(each for each in request_objects.CHECKS if each.id in SIGNED),
)


def planned(client: SuiteClient) -> PlannedClient:
    """A client of the certification plan as the runner knows it."""
    return PlannedClient(
        client_id=client.client_id,
        key=SigningKey(
            key=client.key, algorithm=SignatureAlgorithm(client.alg), kid=client.key.kid
        ),
        method=ClientAuthenticationMethod(client.variant.method),
        certificate=client.identity.file,
    )


@pytest.mark.parametrize("method", [Method.TLS_CLIENT_AUTH, Method.PRIVATE_KEY_JWT])
async def test_our_provider_passes_with_certificates(
    embedded_target: RedisTarget, tmp_path: Path, method: Method
):
    """Authentication and tokens: neither is of use with another certificate, or without one."""
    await flush_all(embedded_target)
    root = tmp_path / "root.pem"
    root.write_bytes(authority().certificate.public_bytes(Encoding.PEM))
    async with (
        callback_endpoint(tmp_path) as unused,
        certified_bank(embedded_target, tmp_path, Variant(method), unused) as bank,
    ):
        base = bank.running.settings.mtls.base_url
        plan = Plan(
            issuer=bank.running.issuer,
            client=planned(bank.client),
            second_client=planned(bank.client2),
            profile=Profile.FAPI_CIBA,
            mode=TokenDeliveryMode.POLL,
            request=RequestSection(scope="openid accounts", login_hint="alice"),
            approval=ApprovalSection(cancel_url=f"{base}/bc-authorize/cancel"),
            time=TimeSection(parallel=1),
            resource=ResourceSection(url=f"{base}/resource/accounts"),
            ca_file=root,
        )
        time = SharedTime(bank.clock)
        time.running = bank.running
        async with opened_doors(plan) as doors:
            provider = ProviderUnderTest(
                bank.running, plan, time, Desk(time), doors, Watcher(), ObedientPhone(bank.phone)
            )
            results = await provider.results(CHECKS)
    outcomes = {each.check.id: each for each in results}
    assert [
        f"{each.check.id}: expected {each.expected}, {each.seen} {each.reason}"
        for each in results
        if each.outcome not in {Outcome.PASSED, Outcome.SKIPPED}
    ] == []
    bound = ("token-without-certificate", "access-token-certificate-confirmation")
    for name in (*bound, "resource-certificate-of-another-client", "discovery-mtls-aliases"):
        assert outcomes[name].outcome is Outcome.PASSED
    by_name = outcomes["backchannel-certificate-of-another-client"].outcome
    assert by_name is (Outcome.PASSED if method.is_mtls else Outcome.SKIPPED)
