"""Where the events of a phone go: what must not be forgotten to disk, all to who listens."""

from collections.abc import Callable

from authenticator_sim.core.events import (
    Decided,
    Event,
    KeysPinned,
    OrderDone,
    OrderNotDone,
    PasskeyForgotten,
    PasskeyListCompleted,
    Renamed,
)
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore
from authenticator_sim.terminal.reporter import Reporter
from ciba_service.sca.messages import ServiceKeys

__all__ = ["EventLog"]


class EventLog:
    """Tells journal and keystore first, so that nothing is reported that would be forgotten."""

    def __init__(self, reporter: Reporter, journal: Journal, keystore: Keystore) -> None:
        """Begin without listeners."""
        self._reporter = reporter
        self._journal = journal
        self._keystore = keystore
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Tell this listener everything, too."""
        self._listeners.append(listener)

    def report(self, event: Event) -> None:
        """Take in one event."""
        self._keep(event)
        self._reporter.report(event)
        for listener in self._listeners:
            listener(event)

    def _keep(self, event: Event) -> None:
        match event:
            case Decided():
                self._journal.record(event)
            case KeysPinned():
                keys = ServiceKeys(event.challenge, event.encryption)
                self._keystore.pin(keys, announced_at=event.announced_at)
            case Renamed():
                self._keystore.rename(event.name)
            case OrderDone() | OrderNotDone():
                self._keystore.settle_pin(event.order, counts=isinstance(event, OrderDone))
            case PasskeyForgotten():
                self._keystore.settle_passkey(event.passkey_id, counts=False)
            case PasskeyListCompleted():
                self._keystore.settle_passkeys(event.registered)
            case _:
                pass
