"""What is to be tested, by which clients: the configuration with its keys read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ciba_client.client_file import UnusableInput, read_key
from ciba_client.conformance.plan_file import (
    ApprovalSection,
    ClientSection,
    NotificationSection,
    PlanFile,
    RequestSection,
    ResourceSection,
    TimeSection,
)
from ciba_client.conformance.profile import Profile
from ciba_client.sdk.authentication_method import ClientAuthenticationMethod
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.dpop.key import DpopKey, new_dpop_key, parse_dpop_key
from ciba_client.sdk.errors import ConfigurationError
from ciba_client.sdk.jose.signing_key import SigningKey, parse_signing_key
from ciba_client.sdk.provider.addresses import parse_issuer

__all__ = ["Plan", "PlannedClient", "load_plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedClient:
    """A client of the provider, with its keys."""

    client_id: str
    key: SigningKey
    method: ClientAuthenticationMethod = ClientAuthenticationMethod.PRIVATE_KEY_JWT
    certificate: Path | None = None
    certificate_key: Path | None = None
    dpop_key: DpopKey | None = None
    sign_requests: bool = True

    @property
    def by_certificate(self) -> bool:
        """Whether the certificate is its authentication."""
        return self.method is not ClientAuthenticationMethod.PRIVATE_KEY_JWT


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a run needs to know; ``ca_file`` replaces the system's authorities."""

    issuer: str
    client: PlannedClient
    profile: Profile
    mode: TokenDeliveryMode
    request: RequestSection
    approval: ApprovalSection = field(default_factory=ApprovalSection)
    time: TimeSection = field(default_factory=TimeSection)
    second_client: PlannedClient | None = None
    notifications: NotificationSection | None = None
    resource: ResourceSection | None = None
    ca_file: Path | None = None


def load_plan(file: PlanFile, folder: Path, *, warn: Callable[[str], None]) -> Plan:
    """Read the files that the configuration names, which are looked for in ``folder``.

    ``warn`` hears of keys that others can read.

    Raises:
        UnusableInput: something is missing, or cannot be used.
    """
    try:
        return Plan(
            issuer=parse_issuer(file.issuer or ""),
            client=_client(file.client, folder, warn),
            second_client=_optional_client(file.second_client, folder, warn),
            profile=file.profile,
            mode=file.mode,
            request=_asked(file.request),
            approval=file.approval,
            time=file.time,
            notifications=_notified(file, folder),
            resource=file.resource,
            ca_file=_path(file.ca_file, folder),
        )
    except ConfigurationError as error:
        raise UnusableInput(str(error)) from error


def _client(section: ClientSection, folder: Path, warn: Callable[[str], None]) -> PlannedClient:
    content = read_key(folder / section.key, warn)
    client = PlannedClient(
        client_id=section.client_id,
        key=parse_signing_key(content, algorithm=section.alg, kid=section.kid),
        method=section.token_endpoint_auth_method,
        certificate=_path(section.certificate, folder),
        certificate_key=_path(section.certificate_key, folder),
        dpop_key=_dpop_key(section, folder, warn),
        sign_requests=section.sign_requests,
    )
    if client.by_certificate and client.certificate is None:
        raise UnusableInput(f"{section.client_id}: {client.method} needs a certificate")
    return client


def _optional_client(
    section: ClientSection | None, folder: Path, warn: Callable[[str], None]
) -> PlannedClient | None:
    return None if section is None else _client(section, folder, warn)


def _dpop_key(section: ClientSection, folder: Path, warn: Callable[[str], None]) -> DpopKey | None:
    if section.dpop_key is not None:
        return parse_dpop_key(read_key(folder / section.dpop_key, warn))
    return new_dpop_key() if section.dpop_bound_access_tokens else None


def _asked(section: RequestSection) -> RequestSection:
    given = (section.login_hint, section.login_hint_token, section.id_token_hint)
    if sum(hint is not None for hint in given) != 1:
        raise UnusableInput("[request] needs one of login_hint, login_hint_token and id_token_hint")
    return section


def _notified(file: PlanFile, folder: Path) -> NotificationSection | None:
    section = file.notifications
    if section is None:
        if file.mode is not TokenDeliveryMode.POLL:
            raise UnusableInput(f"mode {file.mode} needs [notifications]")
        return None
    return NotificationSection(
        listen=section.listen,
        url=section.url,
        certificate=section.certificate and str(folder / section.certificate),
        certificate_key=section.certificate_key and str(folder / section.certificate_key),
    )


def _path(text: str | None, folder: Path) -> Path | None:
    return None if text is None else folder / text
