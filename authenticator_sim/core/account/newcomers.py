"""Phones that wait for this one to approve them, found by the code that they show."""

from authenticator_sim.errors import NoSuchNewcomer
from ciba_service.sca.messages import DeviceWaiting, comparison_code

__all__ = ["Newcomers"]


class Newcomers:
    """What the service has said of phones that wait."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: dict[str, DeviceWaiting] = {}

    def keep(self, message: DeviceWaiting) -> None:
        """Remember one."""
        self._waiting[message.device_id] = message

    def find(self, code: str, *, now: int) -> DeviceWaiting:
        """The one that shows this code at ``now`` (seconds).

        Raises:
            NoSuchNewcomer: None does, or more than one.
        """
        typed = "".join(code.split())
        found = [
            each
            for each in self._waiting.values()
            if each.until > now and comparison_code(each.device_id, each.key) == typed
        ]
        if len(found) != 1:
            raise NoSuchNewcomer("No phone that waits shows this code.")
        return found[0]
