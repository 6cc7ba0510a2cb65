"""Which token endpoint asks for a grant: it shows its bearer token."""

from collections.abc import Sequence

from ciba_service.ports import Clock, SecurityEvents
from ciba_service.protocol.errors import InvalidTokenError, MissingTokenError, Reason
from ciba_service.protocol.operators.tokens import holder_of
from ciba_service.protocol.security_events.kinds import TokenEndpointRefused
from ciba_service.protocol.token_endpoints import TokenEndpointParty
from ciba_service.protocol.tokens.dpop.authorization import TokenScheme, parse_authorization

__all__ = ["TokenEndpointParties"]


class TokenEndpointParties:
    """Those that the configuration knows."""

    def __init__(
        self, parties: Sequence[TokenEndpointParty], *, clock: Clock, events: SecurityEvents
    ) -> None:
        self._parties = tuple(parties)
        self._clock = clock
        self._events = events

    def authenticated(
        self, authorization: Sequence[str], *, peer: str | None
    ) -> TokenEndpointParty:
        """Whose token the ``Authorization`` header has.

        Raises:
            MissingTokenError: when there is no bearer token.
            InvalidTokenError: when it is nobody's, or over.
            InvalidRequestError: when the header is malformed or repeated.
        """
        presented = parse_authorization(authorization)
        if presented is None or presented.scheme is not TokenScheme.BEARER:
            raise MissingTokenError from Reason("there is no bearer token")
        found = holder_of(presented.text, self._parties, now=self._clock.now_ms())
        if found is None:
            self._events.security_event(TokenEndpointRefused(peer=peer))
            raise InvalidTokenError from Reason("the token is no token endpoint's, or over")
        return found[0]
