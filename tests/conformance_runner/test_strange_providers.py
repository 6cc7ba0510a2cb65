"""Whatever a provider answers, a run ends, and every check has an outcome."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest

from ciba_client.conformance.check import Outcome
from ciba_client.conformance.checks.registry import applicable
from ciba_client.conformance.parties.desk import Desk
from ciba_client.conformance.parties.doors import Doors
from ciba_client.conformance.plan_file import ResourceSection, TimeSection
from ciba_client.conformance.profile import Profile
from ciba_client.conformance.run import Run
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from tests.client_time import ClientTime
from tests.conformance_runner.our_provider import Watcher
from tests.conformance_runner.sample_report import plan
from tests.conformance_runner.test_running import ISSUER, METADATA, Approvals, Wired

DEEP = "[" * 5000 + "]" * 5000
ACKNOWLEDGED = {"auth_req_id": "x", "expires_in": 60}
STRANGE: list[Any] = [None, 7, [], [[]], {}, "", "\u00e9\n", 1e308, -1, True, {"a": [{}]}]
FLOWS = ("acknowledgement", "poll", "expired", "denied")
NAMES = (
    "backchannel_token_delivery_modes_supported",
    "grant_types_supported",
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "mtls_endpoint_aliases",
    "dpop_signing_alg_values_supported",
    "backchannel_user_code_parameter_supported",
    "registration_endpoint",
)


@dataclass
class Strange:
    """Answers everything in the same strange way, but for what is needed to go on."""

    body: str = "{}"
    status: int = 200
    acknowledgement: dict[str, Any] = field(default_factory=lambda: dict(ACKNOWLEDGED))
    metadata: dict[str, Any] = field(default_factory=dict)
    keys: Any = ()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        match request.url.path:
            case "/.well-known/openid-configuration":
                return httpx2.Response(200, json={**METADATA, **self.metadata})
            case "/jwks":
                return httpx2.Response(200, json={"keys": self.keys})
            case "/bc":
                return httpx2.Response(200, json=self.acknowledgement)
            case _:
                headers = {"Content-Type": "application/json"}
                return httpx2.Response(self.status, headers=headers, text=self.body)


async def run_all(
    provider: Strange, *beginnings: str, mode: TokenDeliveryMode = TokenDeliveryMode.POLL
) -> None:
    """Run all checks whose names begin so, and hold that they end."""
    time = ClientTime(FakeNow())  # type: ignore[arg-type]
    given = replace(
        plan(),
        mode=mode,
        second_client=replace(plan().client, client_id="other"),
        resource=ResourceSection(url=f"{ISSUER}/resource"),
        time=TimeSection(parallel=1),
    )
    run = Run(
        plan=given,
        doors=Doors(httpx2.AsyncClient(transport=Wired(provider))),
        clock=time,
        observer=Watcher(),
        approver=Approvals(),
        desk=Desk(time),
    )
    offered = applicable(Profile.FAPI_CIBA, mode)
    checks = tuple(each for each in offered if each.id.startswith(beginnings))
    results = await run.results(checks)
    assert [each.check for each in results] == list(checks)
    assert Outcome.FAILED in {each.outcome for each in results}


class FakeNow:
    """A clock that moves when somebody waits, and never backwards."""

    def __init__(self) -> None:
        self.milliseconds = 1_790_000_000_000

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self.milliseconds

    def advance(self, seconds: float) -> None:
        """Move on."""
        assert 0 <= seconds < 100_000
        self.milliseconds += round(seconds * 1000)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        DEEP,
        '{"error": 7}',
        '{"error": "\u00e9"}',
        '{"access_token": 1, "token_type": [], "id_token": {}}',
        '{"access_token": "\u00e9\\n", "token_type": "DPoP", "id_token": "a.b.c"}',
        json.dumps({"access_token": "a.b.c", "token_type": "Bearer", "id_token": "e30.e30.e30"}),
    ],
    ids=lambda body: body[:12],
)
async def test_strange_token_responses(body: str):
    """Tokens that are none."""
    await run_all(Strange(body), "")


@pytest.mark.parametrize("value", STRANGE, ids=repr)
@pytest.mark.parametrize("name", ["auth_req_id", "expires_in", "interval"])
async def test_strange_acknowledgements(name: str, value: Any):
    """Times that nobody can wait for, identifiers that are none."""
    await run_all(Strange(status=400, acknowledgement={**ACKNOWLEDGED, name: value}), *FLOWS)


@pytest.mark.parametrize("value", STRANGE, ids=repr)
async def test_strange_metadata(value: Any):
    """Lists that are none, and aliases that lead nowhere."""
    await run_all(Strange(metadata=dict.fromkeys(NAMES, value)), "discovery")


@pytest.mark.parametrize(
    "keys",
    [
        [{"kid": [1], "kty": "RSA", "n": "%"}],
        [{"kid": {}, "kty": 7}],
        [{"kty": "EC", "crv": "P-256", "x": "", "y": ""}] * 2,
    ],
)
async def test_strange_keys(keys: Any):
    """Keys that are none."""
    await run_all(Strange(keys=keys), "jwks")


async def test_who_is_never_notified_is_told_so():
    """After a time, for each check that waits for a notification."""
    await run_all(Strange(), "ping", mode=TokenDeliveryMode.PING)
