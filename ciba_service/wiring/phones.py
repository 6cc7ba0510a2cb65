"""The step about phones that both doors need: that of the phones, and that of operators."""

from ciba_service.flow.phones.device_approval import DeviceApproval
from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.wiring.parts import Parts

__all__ = ["device_approval"]


def device_approval(parts: Parts) -> DeviceApproval:
    """Further phones are approved, or turned away."""
    surroundings = parts.surroundings
    return DeviceApproval(
        waiting=parts.stores.waiting_devices,
        notices=PhoneNotices(notices=parts.stores.notices, hub=parts.hub, clock=surroundings.clock),
        hub=parts.hub,
        new_operation=surroundings.new_operation,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )
