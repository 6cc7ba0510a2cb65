"""What the service says of phones and orders, as events."""

from typing import assert_never

from authenticator_sim.core.events import (
    AttemptsRunOut,
    DeviceListCompleted,
    DeviceShown,
    Event,
    InvitationShown,
    NameNotTaken,
    OrderDone,
    OrderNotDone,
    OrderPostponed,
    OtherDeviceRevoked,
    PhoneNotWaiting,
    PhoneRejected,
    PhoneWaiting,
    Renamed,
    ThisDeviceRevoked,
)
from ciba_service.sca.messages import (
    AttemptsWarning,
    DevicePath,
    DeviceRejected,
    DeviceRemoved,
    DeviceRenamed,
    DevicesListed,
    DeviceUnknown,
    DeviceWaiting,
    EnrolledDevice,
    NameRefused,
    OrderCarriedOut,
    OrderRefusal,
    OrderRefused,
    comparison_code,
)

__all__ = ["AboutPhones", "order_event", "phone_event"]

AboutNewcomers = DeviceWaiting | DeviceRejected | DeviceUnknown | AttemptsWarning
AboutPhones = (
    DeviceRemoved | EnrolledDevice | DevicesListed | DeviceRenamed | NameRefused | AboutNewcomers
)


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
            is_own = message.device_id == own_id
            other = OtherDeviceRevoked(message.device_id, message.name)
            return ThisDeviceRevoked() if is_own else other
        case DeviceWaiting() | DeviceRejected() | DeviceUnknown() | AttemptsWarning():
            return _about_newcomer(message)
        case _:
            assert_never(message)


def _about_newcomer(message: AboutNewcomers) -> Event:
    match message:
        case DeviceWaiting():
            code = comparison_code(message.device_id, message.key)
            return PhoneWaiting(message.device_id, message.name, code, message.until)
        case DeviceRejected():
            return PhoneRejected(message.device_id, message.name)
        case DeviceUnknown():
            return PhoneNotWaiting(message.device_id)
        case AttemptsWarning():
            return AttemptsRunOut(
                message.device_id, message.name, message.attempts_left, message.at
            )
        case _:
            assert_never(message)


def order_event(message: OrderCarriedOut | OrderRefused, *, issuer: str) -> Event:
    """The event of the answer to an order."""
    if isinstance(message, OrderCarriedOut):
        code = message.activation_code
        if code is not None:
            # Behind the number sign, so that no server and no log ever sees it.
            link = f"{issuer}{DevicePath.ENROLMENTS}#{code}"
            return InvitationShown(message.order, code, link, message.expires_in or 0)
        return OrderDone(message.order, message.action)
    if message.reason is OrderRefusal.UNAVAILABLE:
        return OrderPostponed(message.order)
    return OrderNotDone(message.order, message.reason, message.attempts_left, message.retry_after)
