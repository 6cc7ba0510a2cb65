"""The clients that the playground speaks for: one for each ``client.toml``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from ciba_client.client_file import ClientFile, UnusableInput, load_client, read_client_file
from ciba_client.listener import ListeningAddress
from ciba_client.notified import registered_address
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.dpop.key import new_dpop_key

__all__ = ["ClientCard", "PlaygroundClient", "load_clients"]


class ClientCard(msgspec.Struct, frozen=True):
    """What the page may know of a client: no key is among it."""

    name: str
    client_id: str
    issuer: str
    mode: str
    authentication: str
    algorithm: str
    binding: str
    signs_requests: bool
    user_code: bool
    endpoint: str


@dataclass(frozen=True, slots=True)
class PlaygroundClient:
    """One registered client; ``name`` is what the page calls it by, ``address`` where it is called.

    Its name is the client id, with a number where two configurations have the same.
    """

    name: str
    settings: ClientFile
    configuration: ClientConfiguration
    address: ListeningAddress | None

    def for_one_flow(self) -> ClientConfiguration:
        """The configuration with a DPoP key for the flow alone, where tokens are to be bound."""
        configuration = self.configuration
        if not configuration.dpop_bound_access_tokens or configuration.dpop_key is not None:
            return configuration
        return replace(configuration, dpop_key=new_dpop_key())

    def card(self) -> ClientCard:
        """What the page may know."""
        configuration = self.configuration
        binding = "DPoP key" if configuration.dpop_bound_access_tokens else "none"
        if configuration.certificate_file is not None:
            binding = "certificate"
        return ClientCard(
            name=self.name,
            client_id=configuration.client_id,
            issuer=configuration.issuer,
            mode=self.settings.backchannel_token_delivery_mode or TokenDeliveryMode.POLL,
            authentication=configuration.token_endpoint_auth_method,
            algorithm=configuration.key.algorithm,
            binding=binding,
            signs_requests=configuration.sign_requests,
            user_code=configuration.backchannel_user_code_parameter,
            endpoint=self.settings.backchannel_client_notification_endpoint or "",
        )


def load_clients(
    paths: Sequence[Path], *, listen: ListeningAddress | None, warn: Callable[[str], None]
) -> dict[str, PlaygroundClient]:
    """Read each ``client.toml``; ``listen`` says where clients are called behind a proxy.

    Raises:
        UnusableInput: a file cannot be used, or it is not known where a client is called.
    """
    clients: dict[str, PlaygroundClient] = {}
    for path in paths:
        settings = read_client_file(path.absolute())
        configuration = load_client(settings, warn=warn)
        name = _free_name(configuration.client_id, clients)
        clients[name] = PlaygroundClient(name, settings, configuration, _address(settings, listen))
    if not clients:
        raise UnusableInput("give a client.toml with --config")
    return clients


def _free_name(client_id: str, taken: dict[str, PlaygroundClient]) -> str:
    name, number = client_id, 1
    while name in taken:
        number += 1
        name = f"{client_id} ({number})"
    return name


def _address(settings: ClientFile, listen: ListeningAddress | None) -> ListeningAddress | None:
    mode = settings.backchannel_token_delivery_mode or TokenDeliveryMode.POLL
    if mode is TokenDeliveryMode.POLL:
        return None
    return listen or registered_address(settings)
