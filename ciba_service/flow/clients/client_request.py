"""What a client sent: a form, and whatever beside it proves who it is and what it holds."""

from collections.abc import Mapping

import msgspec

from ciba_service.ports.admission import NOWHERE, RequestPlace

__all__ = ["ClientRequest"]


class ClientRequest(msgspec.Struct, frozen=True):
    """A form that a client posted to one of our endpoints.

    ``certificates`` is the chain of the connection, DER, leaf first, empty when there is none;
    ``dpop`` has the lines of the DPoP header; ``peer`` is the address of the connection, if known;
    ``place`` is the request's own among those under work.
    """

    form: Mapping[str, str]
    certificates: tuple[bytes, ...] = ()
    dpop: tuple[str, ...] = ()
    peer: str | None = None
    place: RequestPlace = NOWHERE

    def __repr__(self) -> str:
        return f"ClientRequest(peer={self.peer!r})"
