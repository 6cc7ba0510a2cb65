"""The steps of an operator's commands that concern phones, on open stores."""

from dataclasses import dataclass

from ciba_service.channels.hub import SocketHub
from ciba_service.commands.opening import system_surroundings
from ciba_service.flow.phones.device_approval import DeviceApproval
from ciba_service.flow.phones.device_revocation import DeviceRevocation
from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.ports import Telemetry
from ciba_service.wiring.stores import Stores

__all__ = ["PhoneSteps", "phone_steps"]


@dataclass(frozen=True, slots=True)
class PhoneSteps:
    """Phones are revoked, or turned away while they wait; the others of the user are told."""

    revocation: DeviceRevocation
    approval: DeviceApproval


def phone_steps(stores: Stores, telemetry: Telemetry) -> PhoneSteps:
    """Put the steps on open stores; what they announce reaches the running service."""
    surroundings, hub = system_surroundings(), SocketHub(stores.broadcast)
    notices = PhoneNotices(notices=stores.notices, hub=hub, clock=surroundings.clock)
    return PhoneSteps(
        revocation=DeviceRevocation(
            devices=stores.devices,
            notices=notices,
            clock=surroundings.clock,
            telemetry=telemetry,
        ),
        approval=DeviceApproval(
            waiting=stores.waiting_devices,
            notices=notices,
            hub=hub,
            new_operation=surroundings.new_operation,
            clock=surroundings.clock,
            telemetry=telemetry,
        ),
    )
