"""Nothing is served but over TLS (CIBA 7, FAPI 2.0 5.2.1, RFC 8414 3)."""

import asyncio
import json
from urllib.parse import urlsplit

import httpx2
import pytest

from ciba_service.settings import InvalidSettingsError, parse_settings
from tests.conformance.certification.bank import Bank
from tests.conformance.certification.conftest import VARIANTS
from tests.conformance.certification.id_tokens import hold_key_set
from tests.services.running_service import _toml
from tests.wire.client import WireClient

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"
ONE = pytest.mark.parametrize("variant", VARIANTS[:1], indirect=True, ids=str)


def addresses(bank: Bank) -> set[str]:
    """Every URL that is published, and the documents themselves."""
    published = {
        url for name, url in bank.metadata.items() if name.endswith(("_endpoint", "jwks_uri"))
    }
    aliases = set(bank.metadata["mtls_endpoint_aliases"].values())
    return published | aliases | {bank.running.issuer + path for path in (OPENID, OAUTH)}


async def spoken_in_the_clear(url: str) -> bytes:
    """What comes back when the port is spoken to without TLS."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
    writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@ONE
@pytest.mark.clause(
    "ciba-7-1", "fapi2-sp-5.2.1-1", "fapi1-p2-8.9-1", "fapi2-sp-5.4.2-1", "oidc-16.17-1",
    "rfc7662-2-1",
)  # fmt: skip
async def test_every_address_is_https_and_nothing_is_said_without_tls(bank: Bank):
    """Each published URL, on both listeners: in the clear there is no HTTP, only an alert."""
    for url in sorted(addresses(bank)):
        assert url.startswith("https://")
        heard = await spoken_in_the_clear(url)
        assert b"HTTP/" not in heard
        assert b"{" not in heard
        with pytest.raises(httpx2.HTTPError):
            await bank.running.http.get("http" + url.removeprefix("https"))


@pytest.mark.clause("ciba-7-1", "fapi2-sp-5.2.1-1")
@pytest.mark.parametrize("issuer", ["http://op.example", "http://192.0.2.1:8080"])
def test_an_issuer_without_tls_is_refused(issuer: str):
    """Except on this machine, for development."""
    text = _toml(issuer, [WireClient("till")], [{"sub": "alice"}], {})
    with pytest.raises(InvalidSettingsError, match=r"may be http on loopback only"):
        parse_settings(text, {})


@pytest.mark.clause("fapi2-sp-5.2.1-1")
def test_a_client_is_called_by_https_only():
    """Any other address stops the start."""
    called = {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "http://client.example/path",
    }
    client = WireClient("till", metadata=called)
    text = _toml("http://127.0.0.1:8080", [client], [{"sub": "alice"}], {})
    with pytest.raises(InvalidSettingsError, match=r"must be an https URL"):
        parse_settings(text, {})


@ONE
@pytest.mark.clause("rfc8414-3-1", "fapi1-p1-5.2.2-22", "oidd-3-2")
async def test_both_documents_and_the_key_set_are_read_by_get_over_tls(bank: Bank):
    """200 and JSON at both well-known paths, with the same content, and a key set behind."""
    texts = []
    for path in (OPENID, OAUTH):
        answer = await bank.running.http.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        texts.append(answer.text)
    assert len(set(texts)) == 1
    jwks_uri = json.loads(texts[0])["jwks_uri"]
    assert jwks_uri.startswith("https://")
    hold_key_set((await bank.running.http.get(jwks_uri)).json())
