"""A client is removed while it is being replaced."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import pytest

from ciba_service.flow.clients.registration import Registrations
from ciba_service.ports import OutboundRequest, Registration
from ciba_service.protocol.client.offer import Offer
from ciba_service.protocol.client.registration.rules import RegistrationPolicy
from ciba_service.protocol.errors import InvalidRegistrationTokenError
from ciba_service.protocol.profiles import ProfileName
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.protocol.registrations import key_for
from tests.wire.registration import metadata_of


class Mute:
    """``ports.Outbound``: nobody is asked."""

    async def send(self, request: OutboundRequest) -> NoReturn:  # noqa: ARG002 - a fake
        """Never."""
        raise AssertionError("there is nothing to fetch")


@dataclass
class Vanishing:
    """``ports.RegistrationStore``: what is read is removed at that moment."""

    kept: dict[str, Registration] = field(default_factory=dict)

    async def add(self, registration: Registration) -> None:
        """Keep it."""
        self.kept[registration.client.client_id] = registration

    async def find(self, client_id: str) -> Registration | None:
        """Once."""
        return self.kept.pop(client_id, None)

    async def replace(self, registration: Registration, *, operation: str) -> bool:  # noqa: ARG002 - a fake
        """Only what is there."""
        return registration.client.client_id in self.kept

    async def remove(self, client_id: str, *, operation: str) -> bool:  # noqa: ARG002 - a fake
        """Likewise."""
        return self.kept.pop(client_id, None) is not None

    async def all(self) -> Sequence[Registration]:
        """Every one."""
        return list(self.kept.values())


async def test_an_update_brings_no_removed_client_back():
    """The same answer as for a client that never was."""
    telemetry = RecordingTelemetry()
    registrations = Registrations(
        store=Vanishing(),
        outbound=Mute(),
        policy=RegistrationPolicy(
            profile=ProfileName.CIBA_CORE,
            scope=frozenset({"openid"}),
            offer=Offer(
                takes_certificates=False,
                has_authorities=False,
                authorization_details_types=frozenset(),
            ),
        ),
        initial_access_tokens=None,
        statement_issuers=(),
        audiences=frozenset(),
        new_operation=lambda: "operation",
        random=secrets.token_bytes,
        clock=FakeClock(),
        telemetry=telemetry,
    )
    members = metadata_of(key_for("ES256"))
    known = await registrations.register((), members)
    client_id = known.registration.client.client_id
    with pytest.raises(InvalidRegistrationTokenError):
        await registrations.replace(
            (f"Bearer {known.access_token}",), client_id, {**members, "client_id": client_id}
        )
    assert [event.name for event in telemetry.events] == ["client_registered"]
