"""The account gate with its look-ups: who may take a step, as the accounts are now."""

import msgspec

from ciba_service.flow.together import together
from ciba_service.ports import AttemptStore, ClientRegistry, DeviceStore, UserDirectory
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.transaction.gate import (
    Accounts,
    ClientState,
    ConsentState,
    DeviceState,
    Step,
    UserState,
    is_open,
)
from ciba_service.sca.factors.attempts import ATTEMPT_LIMIT
from ciba_service.sca.phones.devices import user_tag_of

__all__ = ["AccountGate", "Parties"]


class Parties(msgspec.Struct, frozen=True):
    """Whom a request or a grant is between."""

    subject: str
    client_id: str


class AccountGate:
    """Asks the table (``protocol.transaction.gate``) about accounts as they are now."""

    def __init__(
        self,
        *,
        users: UserDirectory,
        clients: ClientRegistry,
        devices: DeviceStore,
        attempts: AttemptStore,
        attempt_limit: int = ATTEMPT_LIMIT,
    ) -> None:
        self._users = users
        self._clients = clients
        self._devices = devices
        self._attempts = attempts
        self._attempt_limit = attempt_limit

    async def lets_ask(
        self, step: Step, parties: Parties, *, device: DeviceState, is_locked: bool
    ) -> bool:
        """Whether a step on the way to a decision may go on.

        Phone and lock are known to the caller, or are found by the very step that follows.
        """
        client = await self._clients.find(parties.client_id)
        return is_open(
            step,
            Accounts(
                user=await self._user(parties.subject, is_locked=is_locked),
                device=device,
                client=_state(client),
                consent=ConsentState.ASKED,
            ),
        )

    async def client_to_call(self, client_id: str) -> Client | None:
        """The client, if it may be told that its request was decided."""
        client = await self._clients.find(client_id)
        accounts = Accounts(
            user=UserState.ACTIVE,
            device=DeviceState.ACTIVE,
            client=_state(client),
            consent=ConsentState.ASKED,
        )
        return client if is_open(Step.CALLBACK, accounts) else None

    async def lets_identify(self, subject: str, *, is_locked: bool) -> bool:
        """Whether an enrolled phone may have a handle for its user; no client has asked yet."""
        return is_open(
            Step.IDENTIFY,
            Accounts(
                user=await self._user(subject, is_locked=is_locked),
                device=DeviceState.ACTIVE,
                client=ClientState.ENABLED,
                consent=ConsentState.ASKED,
            ),
        )

    async def lets_use(self, step: Step, grant: Grant) -> bool:
        """Whether what was granted may be used: one round trip to look at phone and lock."""
        tag = user_tag_of(grant.device_id)
        if tag is None:
            raise AssertionError("the phone that approved has a name of ours")
        is_active, attempts, client = await together(
            self._devices.is_active(grant.device_id),
            self._attempts.used(tag),
            self._clients.find(grant.client_id),
        )
        return is_open(
            step,
            Accounts(
                user=await self._user(grant.subject, is_locked=attempts >= self._attempt_limit),
                device=DeviceState.ACTIVE if is_active else DeviceState.REVOKED,
                client=_state(client),
                consent=ConsentState.GIVEN,
            ),
        )

    async def _user(self, subject: str, *, is_locked: bool) -> UserState:
        user = await self._users.find_subject(subject)
        if user is None or not user.enabled:
            return UserState.DISABLED
        return UserState.LOCKED if is_locked else UserState.ACTIVE


def _state(client: Client | None) -> ClientState:
    is_enabled = client is not None and client.enabled
    return ClientState.ENABLED if is_enabled else ClientState.DISABLED
