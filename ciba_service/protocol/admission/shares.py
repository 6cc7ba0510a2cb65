"""What each client has under work, and which addresses are whose.

Before a client has authenticated, nothing is known of it but its address; a name in a form is
anybody's. So turns go by address. An address from which one client alone has authenticated stands
for that client, whatever other addresses it has: several of them give it no more than one. Nobody
can bring another's address to his own turn, since only a proven name counts.
"""

from typing import Final

__all__ = ["ClientShares"]

_MOST_ADDRESSES: Final = 4_096
_SEVERAL: Final = ""


class ClientShares:
    """Counts of requests by proven client; the address that was learnt first is forgotten first."""

    __slots__ = ("_clients_of", "_in_work")

    def __init__(self) -> None:
        self._in_work: dict[str, int] = {}
        self._clients_of: dict[str, str] = {}

    def key(self, address: str) -> str:
        """Whose turn a request from this address is part of."""
        client_id = self._clients_of.get(address)
        return f"client {client_id}" if client_id else address

    def knows(self, address: str) -> bool:
        """Whether a client has authenticated from there."""
        return address in self._clients_of

    def enter(self, client_id: str, address: str, *, places: int, crowded: bool) -> bool:
        """Count a request of a client that has proven its name, unless it has its share already.

        Only where it is ``crowded`` are ``places`` shared out, evenly among the clients at work.
        """
        self._learn(address, client_id)
        mine = self._in_work.get(client_id, 0)
        if crowded and mine and mine >= places // len(self._in_work):
            return False
        self._in_work[client_id] = mine + 1
        return True

    def enter_again(self, client_id: str) -> None:
        """A request that was let in, and has left, goes on."""
        self._in_work[client_id] = self._in_work.get(client_id, 0) + 1

    def leave(self, client_id: str) -> None:
        """One of its requests is done."""
        left = self._in_work[client_id] - 1
        if left:
            self._in_work[client_id] = left
        else:
            del self._in_work[client_id]

    def _learn(self, address: str, client_id: str) -> None:
        known = self._clients_of.get(address)
        if known == client_id:
            return
        if known is None and len(self._clients_of) >= _MOST_ADDRESSES:
            del self._clients_of[next(iter(self._clients_of))]
        self._clients_of[address] = client_id if known is None else _SEVERAL
