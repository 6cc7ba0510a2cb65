"""Bent signatures are bent as they say, and the desk keeps what arrives."""

import httpx2
import pytest
from joserfc import jws
from joserfc.errors import BadSignatureError

from ciba_client.conformance.jwt import parse_jwt
from ciba_client.conformance.parties.desk import Desk
from ciba_client.conformance.parties.signer import Signer, new_stranger, truthful
from ciba_client.hostile import REDIRECTED_TO, EndpointAnswer
from ciba_client.sdk.jose.algorithms import REGISTRY, SignatureAlgorithm
from ciba_client.sdk.jose.signing_key import SigningKey
from tests.client_time import ClientTime
from tests.fake_clock import FakeClock
from tests.wire.signing import new_key

CLAIMS = {"sub": "shop"}
TOKEN = "a-token-that-notifications-bear"


@pytest.fixture(scope="module", params=["ES256", "PS256", "EdDSA"])
def key(request: pytest.FixtureRequest) -> SigningKey:
    """A client's key."""
    return SigningKey(
        key=new_key(request.param), algorithm=SignatureAlgorithm(request.param), kid="key-1"
    )


def verify(token: str, key: SigningKey) -> bytes:
    """The payload, if the key has signed it."""
    return jws.deserialize_compact(token, key.key, registry=REGISTRY).payload


def test_what_is_signed_truthfully_verifies(key: SigningKey):
    """With the algorithm and the kid of the key."""
    token = truthful(key, dict(CLAIMS))
    assert verify(token, key) == b'{"sub":"shop"}'
    assert parse_jwt("it", token).header == {"alg": str(key.algorithm), "kid": "key-1"}


def test_a_broken_signature_does_not_verify(key: SigningKey):
    """It is of the same length."""
    broken = Signer(key).with_broken_signature(CLAIMS)
    assert len(broken) == len(Signer(key).sign(CLAIMS)) or key.algorithm != "PS256"
    with pytest.raises(BadSignatureError):
        verify(broken, key)


def test_a_stranger_has_the_kid_and_not_the_key(key: SigningKey):
    """So that a provider that looks at the kid alone is found out."""
    token = truthful(new_stranger(key), dict(CLAIMS))
    assert parse_jwt("it", token).header["kid"] == "key-1"
    with pytest.raises(BadSignatureError):
        verify(token, key)


def test_unsecured_and_mac_say_so(key: SigningKey):
    """In their header."""
    unsecured = Signer(key).unsecured(CLAIMS)
    assert parse_jwt("it", unsecured).algorithm == "none"
    assert unsecured.endswith(".")
    assert parse_jwt("it", Signer(key).with_public_key_as_secret(CLAIMS)).algorithm == "HS256"


def test_any_header_member_can_be_critical(key: SigningKey):
    """Even one that nobody knows."""
    token = Signer(key).sign(CLAIMS, crit=["urn:x"], **{"urn:x": True})
    assert parse_jwt("it", token).header["crit"] == ["urn:x"]


def test_an_rsa_key_signs_with_the_other_padding():
    """RS256 with a key that is for PS256."""
    key = SigningKey(key=new_key("PS256"), algorithm=SignatureAlgorithm.PS256, kid=None)
    token = Signer(key).sign(CLAIMS, alg="RS256")
    assert parse_jwt("it", token).header == {"alg": "RS256"}


@pytest.fixture
def desk() -> Desk:
    """Where notifications arrive."""
    return Desk(ClientTime(FakeClock()))


async def notify(
    desk: Desk, path: str = "/ciba", body: bytes = b"{}", **headers: str
) -> httpx2.Response:
    """Send a notification."""
    transport = httpx2.ASGITransport(app=desk)
    async with httpx2.AsyncClient(transport=transport, base_url="http://desk") as http:
        return await http.post(path, content=body, headers=headers)


async def test_notifications_are_found_by_token_and_by_request(desk: Desk):
    """Whichever of the two the provider got right."""
    await notify(desk, Authorization=f"bearer {TOKEN}")
    await notify(desk, body=b'{"auth_req_id":"mine"}')
    await notify(desk, body=b'{"auth_req_id":"another"}')
    found = desk.arrived(token=TOKEN, auth_req_id="mine")
    assert [(each.bearer, each.auth_req_id) for each in found] == [(TOKEN, None), (None, "mine")]
    assert found[0].exchange().status == 204


async def test_notifications_are_answered_as_is_wanted(desk: Desk):
    """Each token for itself; what follows a redirect is told apart."""
    desk.answer_with(TOKEN, EndpointAnswer.REDIRECT)
    first = await notify(desk, Authorization=f"Bearer {TOKEN}")
    second = await notify(desk, path=REDIRECTED_TO, Authorization=f"Bearer {TOKEN}")
    assert (first.status_code, second.status_code) == (301, 204)
    assert [each.is_redirected for each in desk.arrived(token=TOKEN, auth_req_id="")] == [
        False,
        True,
    ]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"auth_req_id":7}', b"[" * 100_000])
async def test_any_body_can_be_kept(desk: Desk, body: bytes):
    """It names no request, and breaks nothing."""
    answer = await notify(desk, body=body, Authorization=f"Bearer {TOKEN}")
    (kept,) = desk.arrived(token=TOKEN, auth_req_id="mine")
    assert (answer.status_code, kept.auth_req_id, kept.body) == (204, None, body)


async def test_a_large_body_is_cut_off(desk: Desk):
    """At a quarter of a megabyte."""
    await notify(desk, body=bytes(1024 * 1024), Authorization=f"Bearer {TOKEN}")
    (kept,) = desk.arrived(token=TOKEN, auth_req_id="")
    assert len(kept.body) == 256 * 1024


async def test_waiting_for_notifications_ends(desk: Desk):
    """With what has arrived, however little."""
    await notify(desk, Authorization=f"Bearer {TOKEN}")
    found = await desk.wait_for(token=TOKEN, auth_req_id="", number=2, within=5)
    assert len(found) == 1
