"""The configuration file, key by key; ``conformance.example.toml`` explains each."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from ciba_client.client_file import UnusableInput, read_input
from ciba_client.conformance.profile import Profile
from ciba_client.sdk.authentication_method import ClientAuthenticationMethod
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.foreign_text import readable

__all__ = [
    "ApprovalSection",
    "Cleanup",
    "ClientSection",
    "NotificationSection",
    "PlanFile",
    "RequestSection",
    "ResourceSection",
    "TimeSection",
    "read_plan_file",
]

Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class Cleanup(StrEnum):
    """What becomes of requests that a check leaves open."""

    DENY = "deny"
    LEAVE = "leave"


class ClientSection(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A client as registered; ``key``, ``certificate`` and the others are files."""

    client_id: str
    key: str
    alg: str | None = None
    kid: str | None = None
    token_endpoint_auth_method: ClientAuthenticationMethod = (
        ClientAuthenticationMethod.PRIVATE_KEY_JWT
    )
    certificate: str | None = None
    certificate_key: str | None = None
    dpop_bound_access_tokens: bool = False
    dpop_key: str | None = None
    sign_requests: bool = True


class RequestSection(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What is asked; exactly one of the three hints."""

    scope: str = "openid"
    login_hint: str | None = None
    login_hint_token: str | None = None
    id_token_hint: str | None = None
    unknown_login_hint: str = "nobody-is-called-so@example.invalid"
    binding_message: str = "1234"
    acr_values: str | None = None
    user_code: str | None = None


class ApprovalSection(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Where approval is driven, and what becomes of requests that are left open."""

    url: str | None = None
    cleanup: Cleanup = Cleanup.DENY
    cancel_url: str | None = None


class NotificationSection(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Where notifications arrive here, and the URL that is registered for that."""

    listen: str
    url: str
    certificate: str | None = None
    certificate_key: str | None = None


class ResourceSection(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A resource that takes the tokens."""

    url: str
    method: str = "GET"


class TimeSection(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How long to wait, in seconds, and how many checks may wait at once."""

    request: Seconds = 45
    decision: Seconds = 60
    notification: Seconds = 30
    silence: Seconds = 15
    parallel: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4


class PlanFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The whole file."""

    client: ClientSection
    approval: ApprovalSection = ApprovalSection()
    request: RequestSection = RequestSection()
    time: TimeSection = TimeSection()
    issuer: str | None = None
    profile: Profile = Profile.CIBA_CORE
    mode: TokenDeliveryMode = TokenDeliveryMode.POLL
    ca_file: str | None = None
    second_client: ClientSection | None = None
    notifications: NotificationSection | None = None
    resource: ResourceSection | None = None


def read_plan_file(path: Path) -> PlanFile:
    """Read the file; raises ``UnusableInput``, naming what is wrong."""
    try:
        return msgspec.convert(tomllib.loads(read_input(path).decode()), type=PlanFile, strict=True)
    except ValueError as error:  # not UTF-8, not TOML, or a wrong key or value, which it names
        raise UnusableInput(f"{path}: {readable(str(error))}") from error
