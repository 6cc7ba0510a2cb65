"""Requests that may be held: what their senders prefer, and what is told of it (RFC 7240)."""

from typing import Final

from starlette.types import Receive, Scope

from ciba_service.endpoints.body import header_lines
from ciba_service.endpoints.departure import until_gone
from ciba_service.flow.granting.held_polls import Patience
from ciba_service.listening.admission.place import place_of
from ciba_service.protocol.request.preference import preferred_wait

__all__ = ["applied_wait_header", "note_patience", "patience_of"]

Headers = tuple[tuple[bytes, bytes], ...]

_PATIENCE: Final = "ciba.patience"


def note_patience(scope: Scope, receive: Receive) -> None:
    """Keep with a request how long its sender is willing to wait, and how to see that it left."""
    scope[_PATIENCE] = Patience(
        preferred_wait(header_lines(scope, b"prefer")),
        lambda: until_gone(receive),
        place_of(scope),
    )


def patience_of(scope: Scope) -> Patience:
    """What was kept."""
    patience: Patience = scope[_PATIENCE]
    return patience


def applied_wait_header(scope: Scope) -> Headers:
    """RFC 7240 3: the wait that was applied, if the request was held; none where none may be."""
    patience: Patience | None = scope.get(_PATIENCE)
    if patience is None or not patience.applied:
        return ()
    return ((b"preference-applied", b"wait=%d" % patience.applied),)
