"""The place of ``make conformance``: keys, and the configurations of a service and of each run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo_place import Place, run_program

__all__ = ["ACTIVATION_CODE", "PIN", "RUNS", "Tested", "prepare"]

PIN: Final = "739154"
ACTIVATION_CODE: Final = "ALICE-PHONE-ONE"

SERVICE: Final = """
[server]
issuer = "{issuer}"
port = {port}

[store]
data_directory = "{directory}/var"

[requests]
open_prompts = 100

[limits] # a run asks, denies and fails far more often than any user
hint_requests = 0
user_prompts = 0
user_prompts_of_client = 0
denials = 0
failed_authentications = 0

[device]
second_secret = false

[resource]
enabled = true

[outbound]
allow_loopback_http = true

[[users]]
sub = "alice"
login_hints = ["alice@example.org"]
activation_code = "{code}"
"""

CLIENT: Final = """
[[clients]]
client_id = "{client_id}"
profile = "{profile}"
dpop_bound_access_tokens = {bound}
grant_types = ["urn:openid:params:grant-type:ciba", "refresh_token"]
scope = "openid accounts"
backchannel_token_delivery_mode = "{mode}"
backchannel_authentication_request_signing_alg = "{alg}"
{notified}{jwks}
"""

PLAN: Final = """
issuer = "{issuer}"
profile = "{profile}"
mode = "{mode}"

[client]
client_id = "{first}"
key = "{first}.jwk"
dpop_bound_access_tokens = {bound}

[second_client]
client_id = "{second}"
key = "{second}.jwk"
dpop_bound_access_tokens = {bound}

[request]
scope = "openid accounts"
login_hint = "alice@example.org"
acr_values = "urn:openbanking:psd2:sca"

[approval]
url = "http://127.0.0.1:{automation_port}/decide?auth_req_id={{auth_req_id}}&action={{action}}"
cancel_url = "{issuer}/bc-authorize/cancel"

[notifications]
listen = "127.0.0.1:{callback_port}"
url = "{endpoint}"

[resource]
url = "{resource}"
"""


@dataclass(frozen=True)
class Tested:
    """A profile and a mode that the service has."""

    profile: str
    mode: str

    @property
    def name(self) -> str:
        """As files are called."""
        return f"{self.profile}-{self.mode}"

    @property
    def is_bound(self) -> bool:
        """Whether tokens are bound to a key of the client."""
        return self.profile != "ciba-core"

    @property
    def algorithm(self) -> str:
        """What its clients sign with."""
        return "PS256" if self.profile == "fapi-ciba" else "ES256"

    @property
    def clients(self) -> tuple[str, str]:
        """Both clients."""
        return f"{self.name}-1", f"{self.name}-2"


RUNS: Final = (
    Tested("ciba-core", "poll"),
    Tested("ciba-core", "ping"),
    Tested("ciba-core", "push"),
    Tested("fapi-ciba", "poll"),
    Tested("fapi-ciba", "ping"),
    Tested("fapi2-ciba", "poll"),
    Tested("fapi2-ciba", "ping"),
)


async def prepare(place: Place, runs: Sequence[Tested], automation_port: int) -> None:
    """Make keys, the configuration of the service, and a plan for each of these runs."""
    service = SERVICE.format(
        issuer=place.issuer, port=place.port, directory=place.directory, code=ACTIVATION_CODE
    )
    clients = [await _client(place, run, name) for run in runs for name in run.clients]
    place.config.write_text("".join([service, *clients]), "utf-8")
    for run in runs:
        plan = _plan(place, run, automation_port)
        (place.directory / f"{run.name}.toml").write_text(plan, "utf-8")
    (place.directory / "pin").write_text(PIN, "utf-8")


async def _client(place: Place, run: Tested, client_id: str) -> str:
    key: Path = place.directory / f"{client_id}.jwk"
    jwks = await run_program("ciba-client", "keygen", str(key), "--toml", "--alg", run.algorithm)
    notified = f'backchannel_client_notification_endpoint = "{place.endpoint}"\n'
    return CLIENT.format(
        client_id=client_id,
        profile=run.profile,
        mode=run.mode,
        bound=str(run.is_bound).lower(),
        alg=run.algorithm,
        notified="" if run.mode == "poll" else notified,
        jwks=jwks,
    )


def _plan(place: Place, run: Tested, automation_port: int) -> str:
    first, second = run.clients
    resource = "resource/accounts" if run.is_bound else "userinfo"
    return PLAN.format(
        issuer=place.issuer,
        profile=run.profile,
        mode=run.mode,
        first=first,
        second=second,
        bound=str(run.is_bound).lower(),
        automation_port=automation_port,
        callback_port=place.callback_port,
        endpoint=place.endpoint,
        resource=f"{place.issuer}/{resource}",
    )
