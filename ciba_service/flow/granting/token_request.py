"""A token request, whatever the grant: who asks, what the tokens are bound to, which grant it is.

Failed authentication is told before anything else; then a missing certificate or a wrong proof, on
every poll; only then is the grant looked at.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from ciba_service.flow.clients.client_authentication import ClientAuthentication, VerifiedClient
from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.clients.sender_constraint import SenderConstraint, VerifiedBinding
from ciba_service.flow.granting.held_polls import Patience
from ciba_service.flow.together import outcomes
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import (
    MissingParameterError,
    OAuth2Error,
    Reason,
    UnsupportedGrantTypeError,
)
from ciba_service.protocol.tokens.claims import TokenResponse
from ciba_service.protocol.tokens.dpop.binding import Binding

__all__ = ["GrantType", "OneTimeCredentials", "TokenRequest", "TokenRequests"]


class OneTimeCredentials:
    """The assertion and the proof of one request: good for one use, which ``spend`` claims.

    A grant spends them in the round trip of its first look-up; what is refused before that is
    followed by the spending, whose refusal comes first.
    """

    def __init__(
        self,
        authentication: ClientAuthentication,
        constraint: SenderConstraint,
        verified: VerifiedClient,
        operation: str,
    ) -> None:
        self._authentication = authentication
        self._constraint = constraint
        self._verified = verified
        self._operation = operation
        self._binding: VerifiedBinding | None = None
        self._is_spent = False

    def add(self, binding: VerifiedBinding) -> None:
        """Spend the proof of this binding as well."""
        self._binding = binding

    async def spend(self) -> None:
        """Claim them, once.

        Raises:
            InvalidClientError, InvalidDpopProofError: when they were used before.
        """
        for outcome in await outcomes(*self.spending()):
            if isinstance(outcome, Exception):
                raise outcome

    def spending(self) -> Sequence[Coroutine[Any, Any, None]]:
        """The same as steps, for those who have others to do at the same time."""
        if self._is_spent:
            return ()
        self._is_spent = True
        assertion = self._authentication.consume(self._verified, operation=self._operation)
        if self._binding is None or self._binding.proof is None:
            return (assertion,)
        return assertion, self._constraint.consume(self._binding, operation=self._operation)


class TokenRequest(msgspec.Struct, frozen=True):
    """An authenticated request for tokens that are to be bound to ``binding``.

    ``patience`` is that of its sender, ``peer`` the address of the connection, if known.
    """

    form: Mapping[str, str]
    client: Client
    binding: Binding
    credentials: OneTimeCredentials
    operation: str
    patience: Patience
    peer: str | None = None

    def __repr__(self) -> str:
        return f"TokenRequest(client_id={self.client.client_id!r})"


class GrantType(Protocol):
    """One grant type of the token endpoint."""

    async def answer(self, request: TokenRequest) -> TokenResponse:
        """Answer with tokens; raises ``OAuth2Error``, or ``StoreUnavailable``.

        It awaits ``request.credentials.spend()`` before anything changes.
        """
        ...


class TokenRequests:
    """What the token endpoint does (CIBA 10.1, 11; RFC 6749 5)."""

    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        constraint: SenderConstraint,
        grant_types: Mapping[str, GrantType],
        new_operation: Callable[[], str],
    ) -> None:
        self._authentication = authentication
        self._constraint = constraint
        self._grant_types = grant_types
        self._new_operation = new_operation

    async def answer(self, sent: ClientRequest, patience: Patience) -> TokenResponse:
        """Answer a token request.

        Raises:
            OAuth2Error: the answer, when it is not tokens.
            StoreUnavailable: when the store cannot be reached; nothing was lost.
        """
        operation = self._new_operation()
        verified = await self._authentication.verify(sent)
        credentials = OneTimeCredentials(
            self._authentication, self._constraint, verified, operation
        )
        try:
            binding = self._constraint.verify(sent, verified.client)
            credentials.add(binding)
            grant_type = self._grant_type(sent.form)
            return await grant_type.answer(
                TokenRequest(
                    sent.form,
                    verified.client,
                    binding.binding,
                    credentials,
                    operation,
                    patience,
                    sent.peer,
                )
            )
        except OAuth2Error:
            await credentials.spend()
            raise

    def _grant_type(self, form: Mapping[str, str]) -> GrantType:
        name = form.get("grant_type")
        if name is None:
            raise MissingParameterError("grant_type") from Reason("grant_type is missing")
        found = self._grant_types.get(name)
        if found is None:
            raise UnsupportedGrantTypeError from Reason("no such grant type")
        return found
