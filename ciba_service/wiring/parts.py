"""What the door of the clients and the door of the phones have in common."""

from dataclasses import dataclass

from ciba_service.channels.hub import SocketHub
from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.due_work import DueWorker
from ciba_service.ports import User
from ciba_service.protocol.metadata import Endpoints
from ciba_service.settings import Settings
from ciba_service.stores.configured import ConfiguredClients, ConfiguredUsers
from ciba_service.stores.key_files import FileKeys
from ciba_service.stores.keys import partition_of
from ciba_service.wiring.stores import Stores
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["Parts", "build_parts"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The one instance of everything that more than one step uses."""

    settings: Settings
    stores: Stores
    keys: FileKeys
    surroundings: Surroundings
    endpoints: Endpoints
    users: ConfiguredUsers
    clients: ConfiguredClients
    gate: AccountGate
    hub: SocketHub
    worker: DueWorker


def build_parts(
    settings: Settings, stores: Stores, keys: FileKeys, surroundings: Surroundings
) -> Parts:
    """Build what is shared."""
    hub = SocketHub(stores.broadcast)
    users = ConfiguredUsers(
        (User(user.sub, enabled=user.enabled, claims=user.claims), user.login_hints)
        for user in settings.users
    )
    clients = ConfiguredClients(settings.clients)
    return Parts(
        settings=settings,
        stores=stores,
        keys=keys,
        surroundings=surroundings,
        endpoints=Endpoints(settings.server.issuer, settings.mtls.base_url),
        users=users,
        clients=clients,
        gate=AccountGate(
            users=users, clients=clients, devices=stores.devices, attempts=stores.attempts
        ),
        hub=hub,
        worker=DueWorker(
            due=stores.due,
            transactions=stores.transactions,
            prompts=stores.prompts,
            attempts=stores.attempts,
            hub=hub,
            partition_of=partition_of,
            clock=surroundings.clock,
            telemetry=surroundings.telemetry,
        ),
    )
