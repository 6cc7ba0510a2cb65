"""Clients of every profile for tests of the rules: registered, able to sign, served by nobody."""

from functools import cache
from typing import Any

from ciba_service.protocol.client.metadata import Client, register_client
from tests.fake_clock import FakeClock
from tests.wire.client import WireClient
from tests.wire.signing import JoseKey, new_key

ISSUER = "https://op.example"


@cache
def key_for(alg: str, kid: str = "key-1") -> JoseKey:
    """One key pair an algorithm and name, made once."""
    return new_key(alg, kid)


def signer(alg: str = "ES256", *, client_id: str = "till", **metadata: Any) -> WireClient:
    """A client that signs; its clock stands still."""
    return WireClient(
        client_id,
        alg=alg,
        key=key_for(alg),
        metadata=metadata,
        issuer=ISSUER,
        clock=FakeClock(),
    )


def registered(client: WireClient) -> Client:
    """What the service knows of it."""
    return register_client(client.registration())


def reused(key: JoseKey, alg: str) -> JoseKey:
    """The same key pair, put to another algorithm."""
    return type(key).import_key({**key.as_dict(private=True), "alg": alg})
