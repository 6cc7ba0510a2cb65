"""A client with its key, a scripted provider, and a clock that does not wait."""

from collections.abc import AsyncIterator, Iterator

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ciba_client import CibaClient, ClientConfiguration, SignatureAlgorithm, SigningKey
from tests.unit.ciba_client.scripted_provider import CLIENT_ID, FakeClock, ScriptedProvider


@pytest.fixture(scope="session")
def client_jwk() -> ECKey:
    """The client's private P-256 key."""
    return ECKey.generate_key("P-256", {"kid": "client-1"})


@pytest.fixture(scope="session")
def rsa_jwk() -> RSAKey:
    """A 2048-bit RSA key."""
    return RSAKey.generate_key(2048, {"kid": "rsa-1"})


@pytest.fixture(scope="session")
def ed25519_jwk() -> OKPKey:
    """An Ed25519 key."""
    return OKPKey.generate_key("Ed25519", {"kid": "ed-1"})


@pytest.fixture
def signing_key(client_jwk: ECKey) -> SigningKey:
    """The client's key, ready to sign."""
    return SigningKey(key=client_jwk, algorithm=SignatureAlgorithm.ES256, kid="client-1")


@pytest.fixture(scope="session")
def running_provider() -> Iterator[ScriptedProvider]:
    """One listening provider for the whole run."""
    provider = ScriptedProvider()
    yield provider
    provider.stop()


@pytest.fixture
def provider(running_provider: ScriptedProvider) -> ScriptedProvider:
    """The provider with a fresh script in which all goes well."""
    running_provider.reset()
    return running_provider


@pytest.fixture
def clock(provider: ScriptedProvider) -> FakeClock:
    """The clock that client and provider share."""
    return provider.clock


@pytest.fixture
def configuration(provider: ScriptedProvider, signing_key: SigningKey) -> ClientConfiguration:
    """The client as registered at the scripted provider."""
    return ClientConfiguration(issuer=provider.issuer, client_id=CLIENT_ID, key=signing_key)


@pytest.fixture
async def client(configuration: ClientConfiguration, clock: FakeClock) -> AsyncIterator[CibaClient]:
    """An open client of the scripted provider, on its clock."""
    async with CibaClient(configuration, clock=clock) as opened:
        yield opened
