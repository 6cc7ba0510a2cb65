"""A client with a certificate (RFC 8705), against a provider that looks at it."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from ciba_client import (
    CibaClient,
    ClientAuthenticationMethod,
    ClientConfiguration,
    ConfigurationError,
    InvalidProviderResponse,
    SigningKey,
)
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.unit.ciba_client.scripted_provider import (
    DISCOVERY,
    Answer,
    FakeClock,
    ScriptedProvider,
    serving,
    tokens_for,
)

Configured = Callable[..., ClientConfiguration]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> LoopbackCertificate:
    """A certificate that serves as the server's and as the client's."""
    return LoopbackCertificate.write(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def configured(signing_key: SigningKey) -> Configured:
    """A client of some issuer, with changes."""

    def configured(**changes: object) -> ClientConfiguration:
        given = {"issuer": "https://op.example", "client_id": "shop", "key": signing_key}
        return ClientConfiguration(**{**given, **changes})

    return configured


@dataclass
class MutualTlsProvider:
    """Notes certificate, path and form of each request; only discovery and keys succeed."""

    issuer: str = ""
    seen: list[tuple[bytes | None, str, dict[str, str]]] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [line for line in head.splitlines() if line.lower().startswith("content-length")]
        body = await reader.readexactly(int(lengths[0].split(":")[1])) if lengths else b""
        path = head.split()[1]
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.seen.append((certificate, path, dict(parse_qsl(body.decode()))))
        documents = {DISCOVERY: self.metadata(), "/jwks": {"keys": []}}
        content = json.dumps(documents.get(path, {})).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
        await writer.drain()

    def metadata(self) -> dict[str, object]:
        """With an alias for the backchannel endpoint."""
        return {
            "issuer": self.issuer,
            "token_endpoint": f"{self.issuer}/token",
            "backchannel_authentication_endpoint": f"{self.issuer}/bc-authorize",
            "jwks_uri": f"{self.issuer}/jwks",
            "mtls_endpoint_aliases": {
                "backchannel_authentication_endpoint": f"{self.issuer}/mtls/bc-authorize"
            },
        }


@asynccontextmanager
async def mutual_tls(files: LoopbackCertificate) -> AsyncIterator[MutualTlsProvider]:
    """A provider that asks for a certificate and takes none as well."""
    context = files.context()
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(files.chain)
    provider = MutualTlsProvider()
    async with serving(provider.answer, context) as port:
        provider.issuer = f"https://127.0.0.1:{port}"
        yield provider


@pytest.mark.parametrize("in_one_file", [True, False])
async def test_the_certificate_is_shown_at_the_alias(
    files: LoopbackCertificate,
    configured: Configured,
    clock: FakeClock,
    tmp_path: Path,
    in_one_file: bool,  # noqa: FBT001
):
    """With its key beside it or in the same file."""
    certificate, key = files.chain, files.key
    if in_one_file:
        both = tmp_path / "both.pem"
        await asyncio.to_thread(both.write_bytes, files.chain.read_bytes() + files.key.read_bytes())
        certificate, key = both, None
    async with mutual_tls(files) as provider:
        configuration = configured(
            issuer=provider.issuer,
            ca_file=files.chain,
            certificate_file=certificate,
            certificate_key_file=key,
        )
        async with CibaClient(configuration, clock=clock) as client:
            with pytest.raises(InvalidProviderResponse):
                await tokens_for(client)
    shown, path, form = provider.seen[-1]
    assert path == "/mtls/bc-authorize"
    assert shown == ssl.PEM_cert_to_DER_cert(files.chain.read_text())
    assert "client_assertion" in form


async def test_without_a_certificate_none_is_shown(
    files: LoopbackCertificate, configured: Configured, clock: FakeClock
):
    """And the aliases are not for this client."""
    async with mutual_tls(files) as provider:
        configuration = configured(issuer=provider.issuer, ca_file=files.chain)
        async with CibaClient(configuration, clock=clock) as client:
            with pytest.raises(InvalidProviderResponse):
                await tokens_for(client)
    assert [(shown, path) for shown, path, _ in provider.seen] == [
        (None, DISCOVERY),
        (None, "/jwks"),
        (None, "/bc-authorize"),
    ]


@pytest.mark.parametrize(
    "method",
    [
        ClientAuthenticationMethod.TLS_CLIENT_AUTH,
        ClientAuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH,
    ],
)
async def test_the_certificate_may_authenticate_the_client(
    provider: ScriptedProvider,
    configuration: ClientConfiguration,
    files: LoopbackCertificate,
    clock: FakeClock,
    method: ClientAuthenticationMethod,
):
    """RFC 8705 2: the client id says whose it is, and there is no assertion anywhere."""
    by_certificate = replace(
        configuration,
        token_endpoint_auth_method=method,
        certificate_file=files.chain,
        certificate_key_file=files.key,
    )
    async with CibaClient(by_certificate, clock=clock) as client:
        assert (await tokens_for(client)).token_type == "Bearer"
    [asked], [polled] = provider.requests_to("/bc-authorize"), provider.requests_to("/token")
    assert set(asked.form) == {"request", "client_id"}
    assert set(polled.form) == {"grant_type", "auth_req_id", "client_id"}
    assert asked.form["client_id"] == polled.form["client_id"] == configuration.client_id


async def test_a_dpop_proof_is_for_the_alias_that_is_called(
    provider: ScriptedProvider,
    configuration: ClientConfiguration,
    files: LoopbackCertificate,
    clock: FakeClock,
):
    """The address in the metadata's main part is of no use to this client."""
    elsewhere = provider.metadata(
        token_endpoint=f"{provider.issuer}/absent",
        mtls_endpoint_aliases={"token_endpoint": f"{provider.issuer}/token"},
    )
    provider.script(DISCOVERY, Answer(elsewhere))
    provider.script("/token", Answer(provider.tokens(token_type="DPoP")))
    both = replace(
        configuration,
        certificate_file=files.chain,
        certificate_key_file=files.key,
        dpop_bound_access_tokens=True,
    )
    async with CibaClient(both, clock=clock) as client:
        await tokens_for(client)
    [poll] = provider.requests_to("/token")
    payload = poll.headers["dpop"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["htu"] == f"{provider.issuer}/token"


def test_a_method_that_needs_a_certificate_says_so(configured: Configured):
    """As does a key without its certificate."""
    with pytest.raises(ConfigurationError, match="tls_client_auth needs a certificate"):
        configured(token_endpoint_auth_method=ClientAuthenticationMethod.TLS_CLIENT_AUTH)
    with pytest.raises(ConfigurationError, match="needs its certificate"):
        configured(certificate_key_file=Path("client.key"))


@pytest.mark.parametrize("kind", ["absent", "empty", "encrypted key"])
def test_unusable_files_are_a_configuration_error(
    configured: Configured, files: LoopbackCertificate, tmp_path: Path, kind: str
):
    """Said when the client is made; nobody is asked for a password."""
    key = tmp_path / "client.key"
    if kind == "empty":
        key.touch()
    elif kind == "encrypted key":
        private = load_pem_private_key(files.key.read_bytes(), password=None)
        encryption = BestAvailableEncryption(b"secret")
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    with pytest.raises(ConfigurationError, match="client certificate"):
        CibaClient(configured(certificate_file=files.chain, certificate_key_file=key))
