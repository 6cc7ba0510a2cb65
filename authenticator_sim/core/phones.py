"""What the service says of phones and orders, as events."""

from typing import assert_never

from authenticator_sim.core.events import (
    DeviceListCompleted,
    DeviceShown,
    Event,
    NameNotTaken,
    OrderDone,
    OrderNotDone,
    OrderPostponed,
    OtherDeviceRevoked,
    Renamed,
    ThisDeviceRevoked,
)
from ciba_service.sca.messages import (
    DeviceRemoved,
    DeviceRenamed,
    DevicesListed,
    EnrolledDevice,
    NameRefused,
    OrderCarriedOut,
    OrderRefusal,
    OrderRefused,
)

__all__ = ["AboutPhones", "order_event", "phone_event"]

AboutPhones = DeviceRemoved | EnrolledDevice | DevicesListed | DeviceRenamed | NameRefused


def phone_event(message: AboutPhones, *, own_id: str) -> Event:
    """The event of one message about phones."""
    match message:
        case EnrolledDevice():
            return DeviceShown(message.device_id, message.name, message.enrolled_at, message.this)
        case DevicesListed():
            return DeviceListCompleted(message.enrolled)
        case DeviceRenamed():
            return Renamed(message.name)
        case NameRefused():
            return NameNotTaken()
        case DeviceRemoved():
            if message.device_id == own_id:
                return ThisDeviceRevoked()
            return OtherDeviceRevoked(message.device_id, message.name)
        case _:
            assert_never(message)


def order_event(message: OrderCarriedOut | OrderRefused) -> Event:
    """The event of the answer to an order."""
    if isinstance(message, OrderCarriedOut):
        return OrderDone(message.order, message.action)
    if message.reason is OrderRefusal.UNAVAILABLE:
        return OrderPostponed(message.order)
    return OrderNotDone(message.order, message.reason, message.attempts_left)
