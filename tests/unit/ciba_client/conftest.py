"""A client with its key, a scripted provider, and a clock that does not wait."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ciba_client import CibaClient, ClientConfiguration, SignatureAlgorithm, SigningKey
from ciba_client.cli import main
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


@pytest.fixture
def key_file(tmp_path: Path, client_jwk: ECKey):
    """The client's key, as it should lie on a disk."""
    path = tmp_path / "client.jwk"
    path.write_text(json.dumps(client_jwk.as_dict(private=True)))
    path.chmod(0o600)
    return path


@pytest.fixture
def identity(provider: ScriptedProvider, key_file: Path):
    """The flags that say who the client is."""
    return ["--issuer", provider.issuer, "--client-id", CLIENT_ID, "--key", str(key_file)]


@pytest.fixture
def run(clock: FakeClock, capsys: pytest.CaptureFixture[str]):
    """Run one command on the provider's clock: exit status, standard output, standard error."""

    def run(*argv: str) -> tuple[int, str, str]:
        try:
            status = main(list(argv), clock=clock)
        except SystemExit as ended:
            status = ended.code
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run
