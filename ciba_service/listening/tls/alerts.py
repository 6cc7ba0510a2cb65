"""A refused handshake is told to the peer: the event loops drop the alert when they close.

asyncio and uvloop end the connection as soon as ``do_handshake`` fails, with the alert unsent. So
the failure is first reported as a wish to read, which makes them send; it is raised when the peer
says more, and a peer that says nothing is ended by the handshake's time limit.
"""

import ssl

__all__ = ["AlertingHandshake"]


class AlertingHandshake:
    """The failure of one handshake, between the alert and the end."""

    __slots__ = ("_outgoing", "_refusal")

    def __init__(self, outgoing: ssl.MemoryBIO) -> None:
        self._outgoing = outgoing
        self._refusal: ssl.SSLError | None = None

    def go_on(self) -> None:
        """Raise the failure whose alert was sent before, if there is one."""
        if self._refusal is not None:
            raise self._refusal

    def refused(self, refusal: ssl.SSLError) -> ssl.SSLError:
        """What to raise for ``refusal``: a wish to read while its alert is still to be sent."""
        if not self._outgoing.pending:
            return refusal
        self._refusal = refusal
        return ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "the alert is to be sent")
