"""Starting an authentication over real sockets, and providers that misbehave."""

import asyncio
import datetime as dt
import gc
import gzip
import ipaddress
import json
import socket
import ssl
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from ciba_client import (
    AuthenticationRequestRefused,
    CibaClient,
    CibaClientError,
    ClientConfiguration,
    ConfigurationError,
    InvalidAuthenticationRequest,
    InvalidProviderMetadata,
    InvalidProviderResponse,
    ProviderUnavailable,
    SigningKey,
    SystemClock,
)
from tests.unit.ciba_client.scripted_provider import (
    ACCESS_TOKEN,
    AUTH_REQ_ID,
    DISCOVERY,
    EPOCH,
    Answer,
    FakeClock,
    ScriptedProvider,
    refusal,
    serving,
    tokens_for,
)


async def test_an_approved_request_yields_verified_tokens(
    client: CibaClient, provider: ScriptedProvider
):
    """Discovery, keys, request, poll; then tokens with a verified ID token."""
    async with client.authenticate(
        scope="openid", login_hint="alice", binding_message="W4SCT", requested_expiry=120
    ) as asked:
        assert asked.auth_req_id.value == AUTH_REQ_ID
        assert (asked.expires_in, asked.interval) == (180, 5)
        tokens = await asked.tokens()
    assert tokens.access_token == ACCESS_TOKEN
    assert tokens.id_token.sub == "alice"
    assert (tokens.token_type, tokens.expires_in, tokens.scope) == ("Bearer", 300, "openid")
    assert tokens.refresh_token == "refresh-token-4712"
    paths = [request.path for request in provider.received]
    assert paths == [DISCOVERY, "/jwks", "/bc-authorize", "/token"]


async def test_the_signed_request_reaches_the_provider(
    client: CibaClient, provider: ScriptedProvider, client_jwk: ECKey
):
    """As a form with the request object and the client's assertion only."""
    await tokens_for(client, authorization_details=[{"type": "payment"}])
    [request] = provider.requests_to("/bc-authorize")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert set(request.form) == {"request", "client_assertion", "client_assertion_type"}
    claims = jwt.decode(request.form["request"], client_jwk, algorithms=["ES256"]).claims
    assert claims["login_hint"] == "alice"
    assert claims["authorization_details"] == [{"type": "payment"}]
    assert claims["aud"] == provider.issuer


async def test_granted_details_are_kept(client: CibaClient, provider: ScriptedProvider):
    """RFC 9396 7: what was granted may be less than what was asked for."""
    granted = [{"type": "payment", "amount": "12.50"}]
    provider.script("/token", Answer(provider.tokens(authorization_details=granted)))
    asked_for = [*granted, {"type": "account"}]
    tokens = await tokens_for(client, authorization_details=asked_for)
    assert list(tokens.authorization_details) == granted


async def test_a_refused_request_is_an_error_of_its_own(
    client: CibaClient, provider: ScriptedProvider
):
    """With the provider's code and status, and nothing is polled."""
    provider.script("/bc-authorize", refusal("access_denied", "Not now.", 403))
    with pytest.raises(AuthenticationRequestRefused) as caught:
        await tokens_for(client)
    assert (caught.value.code, caught.value.status) == ("access_denied", 403)
    assert provider.poll_times() == []


async def test_an_authentication_request_is_never_repeated(
    client: CibaClient, provider: ScriptedProvider
):
    """A user must not be asked twice because an answer was lost."""
    provider.script("/bc-authorize", Answer(b"", 503, {"retry-after": "7"}))
    with pytest.raises(ProviderUnavailable) as caught:
        await tokens_for(client)
    assert caught.value.retry_after == 7
    assert len(provider.requests_to("/bc-authorize")) == 1


async def test_parameters_are_checked_before_anything_is_sent(
    client: CibaClient, provider: ScriptedProvider
):
    """Not even discovery happens."""
    with pytest.raises(InvalidAuthenticationRequest):
        async with client.authenticate(scope="openid"):
            pass
    assert provider.received == []


async def test_a_provider_leaves_no_cookies_here(client: CibaClient, provider: ScriptedProvider):
    """The requests are complete without; cookies of a wrong provider would grow with each poll."""
    answers = [
        Answer({"error": "authorization_pending"}, 400, {"set-cookie": f"seen-{number}=1"})
        for number in range(2)
    ]
    provider.script("/token", *answers, Answer(provider.tokens()))
    async with client.authenticate(login_hint="alice") as pending:
        await pending.tokens()
    assert all("cookie" not in request.headers for request in provider.received)


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks", "/bc-authorize", "/token"])
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(b"", 302, {"location": "http://127.0.0.1:1/"}), "redirect"),
        (Answer(b"", 307, {"location": "/token"}), "redirect"),
        (Answer(b" " * (256 * 1024 + 1)), "too large"),
        (Answer(b"{", 200), None),
        (Answer(b"<html>gone</html>", 404), None),
    ],
)
async def test_answers_that_break_the_protocol_are_refused(
    client: CibaClient, provider: ScriptedProvider, path: str, answer: Answer, message: str | None
):
    """Redirects are not followed, and no body is read beyond its bound."""
    provider.script(path, answer)
    with pytest.raises(InvalidProviderResponse, match=message):
        await tokens_for(client)
    assert provider.received[-1].path == path


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"token_endpoint": "http://op.example/token"},
        {"backchannel_authentication_endpoint": None},
    ],
)
async def test_a_provider_with_untrusted_metadata_is_sent_nothing(
    client: CibaClient, provider: ScriptedProvider, changes: dict[str, object]
):
    """Discovery fails before any assertion leaves the client."""
    provider.script(DISCOVERY, Answer(provider.metadata(**changes)))
    with pytest.raises(InvalidProviderMetadata):
        await tokens_for(client)
    assert [request.path for request in provider.received] == [DISCOVERY]


async def test_a_provider_that_is_not_there_is_unavailable(
    signing_key: SigningKey, clock: FakeClock
):
    """A refused connection is no crash; the address that was tried is told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    configuration = ClientConfiguration(
        issuer=f"http://127.0.0.1:{port}", client_id="corner-shop", key=signing_key
    )
    async with CibaClient(configuration, clock=clock) as client:
        with pytest.raises(ProviderUnavailable, match=f"reached at http://127.0.0.1:{port}: "):
            await tokens_for(client)


async def test_a_provider_that_does_not_answer_in_time_is_unavailable(
    signing_key: SigningKey, clock: FakeClock
):
    """The whole exchange has one bound."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        configuration = ClientConfiguration(
            issuer=f"http://127.0.0.1:{listener.getsockname()[1]}",
            client_id="corner-shop",
            key=signing_key,
            timeout=0.05,
        )
        async with CibaClient(configuration, clock=clock) as client:
            with pytest.raises(ProviderUnavailable):
                await tokens_for(client)


async def test_a_provider_that_drips_gets_no_more_time(signing_key: SigningKey, clock: FakeClock):
    """Each byte arrives in time, the answer as a whole does not."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        hung_up = asyncio.create_task(reader.read(-1))
        while not hung_up.done():
            writer.write(b" ")
            await asyncio.wait({hung_up}, timeout=0.02)

    async with serving(drip) as port:
        configuration = ClientConfiguration(
            issuer=f"http://127.0.0.1:{port}",
            client_id="corner-shop",
            key=signing_key,
            timeout=0.2,
        )
        async with CibaClient(configuration, clock=clock) as client:
            with pytest.raises(ProviderUnavailable, match="no answer in time"):
                await tokens_for(client)


async def test_a_compressed_answer_is_not_unpacked(client: CibaClient, provider: ScriptedProvider):
    """None was asked for, so nothing small can grow large."""
    packed = gzip.compress(json.dumps(provider.metadata()).encode())
    provider.script(DISCOVERY, Answer(packed, 200, {"content-encoding": "gzip"}))
    with pytest.raises(InvalidProviderMetadata):
        await tokens_for(client)
    assert provider.received[-1].headers["accept-encoding"] == "identity"


def test_a_missing_file_of_authorities_is_a_configuration_error(
    signing_key: SigningKey, tmp_path: Path
):
    """Said when the client is made, not at its first connection."""
    configuration = ClientConfiguration(
        issuer="https://op.example",
        client_id="corner-shop",
        key=signing_key,
        ca_file=tmp_path / "absent.pem",
    )
    with pytest.raises(ConfigurationError, match="certificate authorities"):
        CibaClient(configuration)


async def test_the_clock_of_the_computer_is_the_default():
    """It goes forward, and its two readings are what they claim to be."""
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now() > EPOCH


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    today = dt.datetime.now(dt.UTC)  # noqa: TID251 - TLS libraries ask the real clock
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(built.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate_file, key_file


@pytest.mark.parametrize(
    ("trusted", "outcome"), [(True, InvalidProviderMetadata), (False, ProviderUnavailable)]
)
async def test_only_trusted_certificate_authorities_are_talked_to(
    signing_key: SigningKey,
    clock: FakeClock,
    certificate: tuple[Path, Path],
    trusted: bool,  # noqa: FBT001
    outcome: type[CibaClientError],
):
    """With the right file TLS works and discovery fails for its content only."""

    async def no_metadata(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    async with serving(no_metadata, context) as port:
        configuration = ClientConfiguration(
            issuer=f"https://127.0.0.1:{port}",
            client_id="corner-shop",
            key=signing_key,
            ca_file=certificate[0] if trusted else None,
        )
        async with CibaClient(configuration, clock=clock) as client:
            with pytest.raises(outcome):
                await tokens_for(client)


class _Code(str):
    """A user code of which a test can say whether anybody still has it."""

    __slots__ = ("__weakref__",)


@pytest.mark.clause("ciba-7.1-16", "ciba-7.1.2-6")
async def test_user_codes_are_for_clients_registered_for_them_and_forgotten_when_sent(
    configuration: ClientConfiguration, provider: ScriptedProvider
):
    """Another client sends none; this one has it no more while the user decides."""
    async with CibaClient(configuration, clock=FakeClock()) as client:
        with pytest.raises(InvalidAuthenticationRequest, match="not registered"):
            async with client.authenticate(login_hint="alice", user_code="1234"):
                pass
    assert provider.requests_to("/bc-authorize") == []
    registered = replace(configuration, backchannel_user_code_parameter=True, sign_requests=False)
    code = _Code("1234")
    kept = weakref.ref(code)
    async with CibaClient(registered, clock=FakeClock()) as client:
        asking = client.authenticate(login_hint="alice", user_code=code)
        del code
        async with asking:
            [request] = provider.requests_to("/bc-authorize")
            assert request.form["user_code"] == "1234"
            gc.collect()
            assert kept() is None


@pytest.mark.clause("fapi-ciba-6-2")
async def test_nothing_is_said_of_a_user_whose_device_is_not_the_clients(
    client: CibaClient, provider: ScriptedProvider
):
    """The SDK cannot know who holds the consumption device, and never sends those headers."""
    async with client.authenticate(login_hint="alice") as asked:
        await asked.tokens()
    sent = {name.lower() for request in provider.received for name in request.headers}
    assert "user-agent" in sent
    assert sent.isdisjoint({"x-fapi-customer-ip-address", "x-fapi-auth-date"})
