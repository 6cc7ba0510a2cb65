"""Key sets through the door: a client's keys come from a verified server or not at all."""

import json

import pytest

from ciba_service.channels.client_keys import FetchedClientKeys
from ciba_service.ports.outbound import ClientKeysUnavailable
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.channels.outbound.far_ends import Street, server_certificate
from tests.wire.signing import new_key, public_jwk

BODY = json.dumps({"keys": [public_jwk(new_key(kid="a"))]}).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/jwk-set+json\r\nContent-Length: %d\r\n\r\n%b"
)


async def find(street: Street, url: str, telemetry: RecordingTelemetry) -> int:
    """How many keys a client has."""
    keys = FetchedClientKeys(street.door().client, FakeClock(), telemetry)
    found = await keys.find_keys("till", url, kid="a", alg=SignatureAlgorithm.ES256)
    await keys.aclose()
    return len(found)


async def test_a_key_set_comes_from_a_verified_server(street: Street):
    """Over TLS, by a certificate of the host."""
    far = await street.far_end(ANSWER % (len(BODY), BODY))
    assert await find(street, far.url("/jwks"), RecordingTelemetry()) == 1
    assert far.requests[0].startswith(b"GET /jwks HTTP/1.1\r\n")
    assert b"\r\nAccept: application/jwk-set+json, application/json\r\n" in far.requests[0]


@pytest.mark.clause("fapi-ciba-7.9-2", "fapi2-sp-5.2.1-5", "oidc-16.17-1")
async def test_no_key_comes_from_a_server_that_could_be_anybody(street: Street):
    """Neither the keys nor the query of the URL leave a trace when the certificate is wrong."""
    answer = ANSWER % (len(BODY), BODY)
    far = await street.far_end(answer, server_certificate(host="other.example"))
    telemetry = RecordingTelemetry()
    with pytest.raises(ClientKeysUnavailable, match=r"^tls_failed: certificate: Hostname mismatch"):
        await find(street, far.url("/jwks?key=hunter2"), telemetry)
    (event,) = telemetry.named("client_keys_unavailable")
    assert "hunter2" not in str(event.fields)
    assert far.requests == []
