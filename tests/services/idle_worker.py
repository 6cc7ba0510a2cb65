"""A process that writes due work down and leaves it to others."""

import pytest

from ciba_service.flow.due.due_work import DueWorker

__all__ = ["make_idle"]


def make_idle(worker: DueWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be done at once, and nothing be leased from the beginning."""
    monkeypatch.setattr(worker, "nudge", lambda _: None)
    monkeypatch.setattr(worker, "lease", lambda _: None)
