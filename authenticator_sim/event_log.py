"""Where the events of a phone go: decisions to the journal, everything to whoever listens."""

from collections.abc import Callable

from authenticator_sim.core.events import Decided, Event
from authenticator_sim.journal import Journal
from authenticator_sim.terminal.reporter import Reporter

__all__ = ["EventLog"]


class EventLog:
    """Tells the journal first, so that nothing is reported that would be forgotten."""

    def __init__(self, reporter: Reporter, journal: Journal) -> None:
        """Begin without listeners."""
        self._reporter = reporter
        self._journal = journal
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Tell this listener everything, too."""
        self._listeners.append(listener)

    def report(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, Decided):
            self._journal.record(event)
        self._reporter.report(event)
        for listener in self._listeners:
            listener(event)
