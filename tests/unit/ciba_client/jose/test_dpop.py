"""Tokens bound to a key of the client (RFC 9449), against a provider that answers as told."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey, thumbprint

from ciba_client import (
    AuthenticationRequestRefused,
    CibaClient,
    ClientConfiguration,
    ConfigurationError,
    DpopKey,
    DpopNonceDemanded,
    InvalidProviderResponse,
    TokenDeliveryMode,
    TokenSet,
    TransactionFailed,
    new_dpop_key,
    parse_dpop_key,
)
from tests.unit.ciba_client.notifications.notifying import push
from tests.unit.ciba_client.scripted_provider import (
    ACCESS_TOKEN,
    EPOCH,
    Answer,
    FakeClock,
    Received,
    ScriptedProvider,
    pending,
    refusal,
    tokens_for,
)

PUSHED = "given-" * 8
NEW_NONCE = {"dpop-nonce": "n-2"}
API = "https://api.example/accounts"


@pytest.fixture
def dpop_configuration(configuration: ClientConfiguration) -> ClientConfiguration:
    """The client as registered with ``dpop_bound_access_tokens``."""
    return replace(configuration, dpop_bound_access_tokens=True)


@pytest.fixture
async def bound(
    dpop_configuration: ClientConfiguration, clock: FakeClock
) -> AsyncIterator[CibaClient]:
    """An open client whose tokens are bound."""
    async with CibaClient(dpop_configuration, clock=clock) as opened:
        yield opened


def issued(provider: ScriptedProvider, **headers: str) -> Answer:
    """Bound tokens."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(provider.tokens(token_type="DPoP"), headers=names)


def nonce_demanded(nonce: str | None) -> Answer:
    """RFC 9449 8."""
    answer = refusal("use_dpop_nonce")
    return replace(answer, headers={} if nonce is None else {"dpop-nonce": nonce})


def verified(proof: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a proof, which its own key verifies."""
    header = json.loads(base64.urlsafe_b64decode(proof.split(".", maxsplit=1)[0] + "=="))
    payload = jws.deserialize_compact(proof, ECKey.import_key(header["jwk"]), ["ES256"]).payload
    return header, json.loads(payload)


def claims_of(request: Received) -> dict[str, Any]:
    """Claims of the proof that came with a request."""
    return verified(request.headers["dpop"])[1]


async def test_a_poll_proves_the_possession_of_a_key(bound: CibaClient, provider: ScriptedProvider):
    """RFC 9449 4.2: typ, algorithm and public key; method, address, time, identifier; no more."""
    provider.script("/token", issued(provider))
    tokens = await tokens_for(bound)
    assert tokens.token_type == "DPoP"
    [poll] = provider.requests_to("/token")
    header, claims = verified(poll.headers["dpop"])
    assert set(header) == {"typ", "alg", "jwk"}
    assert (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
    assert set(header["jwk"]) == {"kty", "crv", "x", "y"}
    assert len(claims.pop("jti")) >= 20
    assert claims == {"htm": "POST", "htu": f"{provider.issuer}/token", "iat": EPOCH + 5}


async def test_a_proof_is_never_used_twice(bound: CibaClient, provider: ScriptedProvider):
    """One key, but another proof for each poll."""
    provider.script("/token", pending(), pending(), issued(provider))
    await tokens_for(bound)
    proofs = [verified(poll.headers["dpop"]) for poll in provider.requests_to("/token")]
    assert len({claims["jti"] for _, claims in proofs}) == 3
    assert len({thumbprint(header["jwk"]) for header, _ in proofs}) == 1


async def test_only_the_token_endpoint_gets_a_proof(bound: CibaClient, provider: ScriptedProvider):
    """An authentication request is bound to no key in poll mode."""
    provider.script("/token", issued(provider))
    await tokens_for(bound)
    carriers = {request.path for request in provider.received if "dpop" in request.headers}
    assert carriers == {"/token"}


@pytest.fixture
async def pushed_to(
    dpop_configuration: ClientConfiguration, clock: FakeClock
) -> AsyncIterator[CibaClient]:
    """An open client that will be pushed bound tokens."""
    registered = replace(dpop_configuration, backchannel_token_delivery_mode=TokenDeliveryMode.PUSH)
    async with CibaClient(registered, clock=clock) as opened:
        yield opened


async def test_pushed_tokens_are_bound_to_the_key_shown_at_the_start(
    pushed_to: CibaClient, provider: ScriptedProvider
):
    """CIBA 5: there is no token request that could show it; one retry, with the nonce asked for."""
    provider.script("/bc-authorize", nonce_demanded("n-1"), Answer(provider.acknowledgement()))
    async with pushed_to.authenticate(login_hint="a", client_notification_token=PUSHED) as asked:
        await asked.pushed(push(provider, token_type="DPoP"))
        assert (await asked.tokens()).token_type == "DPoP"
    first, second = provider.requests_to("/bc-authorize")
    assert "nonce" not in claims_of(first)
    assert claims_of(second)["nonce"] == "n-1"
    assert claims_of(second)["htu"] == f"{provider.issuer}/bc-authorize"
    for name in ("client_assertion", "request"):
        assert first.form[name] != second.form[name]


async def test_a_nonce_that_is_not_taken_is_not_tried_for_ever(
    pushed_to: CibaClient, provider: ScriptedProvider
):
    """Nor is a request repeated that was refused for another reason."""
    start = {"login_hint": "a", "client_notification_token": PUSHED}
    provider.script("/bc-authorize", nonce_demanded("n-1"))
    with pytest.raises(AuthenticationRequestRefused, match="use_dpop_nonce"):
        async with pushed_to.authenticate(**start):
            raise AssertionError
    assert len(provider.requests_to("/bc-authorize")) == 2
    provider.script("/bc-authorize", replace(refusal("invalid_dpop_proof"), headers=NEW_NONCE))
    with pytest.raises(AuthenticationRequestRefused, match="invalid_dpop_proof"):
        async with pushed_to.authenticate(**start):
            raise AssertionError
    assert len(provider.requests_to("/bc-authorize")) == 3


async def test_a_pushed_token_of_another_type_is_not_used(
    pushed_to: CibaClient, provider: ScriptedProvider
):
    """It is bound to nothing."""
    async with pushed_to.authenticate(login_hint="a", client_notification_token=PUSHED) as asked:
        with pytest.raises(InvalidProviderResponse, match="no token of type DPoP"):
            await asked.pushed(push(provider))


async def test_a_client_that_is_not_so_registered_sends_no_proof(
    client: CibaClient, provider: ScriptedProvider
):
    """And takes no bound token, which it could not use."""
    provider.script("/token", issued(provider))
    with pytest.raises(InvalidProviderResponse, match="no token of type Bearer"):
        await tokens_for(client)
    assert "dpop" not in provider.requests_to("/token")[0].headers


async def test_an_unbound_token_is_refused(bound: CibaClient, provider: ScriptedProvider):
    """RFC 9449 5: the client would hold a token that serves a thief as well."""
    provider.script("/token", Answer(provider.tokens(token_type="Bearer")))
    with pytest.raises(InvalidProviderResponse, match="no token of type DPoP"):
        await tokens_for(bound)


async def test_a_demanded_nonce_is_used_at_once(bound: CibaClient, provider: ScriptedProvider):
    """RFC 9449 8: the same poll again, with the nonce and a fresh proof and assertion."""
    provider.script("/token", nonce_demanded("n-1"), issued(provider))
    await tokens_for(bound)
    first, second = provider.requests_to("/token")
    assert (first.at, second.at) == (5, 5)
    assert "nonce" not in claims_of(first)
    assert claims_of(second)["nonce"] == "n-1"
    assert claims_of(first)["jti"] != claims_of(second)["jti"]
    assert first.form["client_assertion"] != second.form["client_assertion"]
    assert first.form["auth_req_id"] == second.form["auth_req_id"]


async def test_a_repeated_poll_may_be_told_to_wait(bound: CibaClient, provider: ScriptedProvider):
    """The nonce is the last one given, and the interval goes on from the poll."""
    provider.script(
        "/token",
        nonce_demanded("n-1"),
        replace(pending(), headers={"dpop-nonce": "n-2"}),
        Answer(b"", 503, {"retry-after": "20", "dpop-nonce": "n-3"}),
        issued(provider),
    )
    await tokens_for(bound)
    polls = provider.requests_to("/token")
    assert [poll.at for poll in polls] == [5, 5, 10, 30]
    assert [claims_of(poll).get("nonce") for poll in polls] == [None, "n-1", "n-2", "n-3"]


async def test_a_nonce_may_come_with_any_answer_of_the_server(
    bound: CibaClient, provider: ScriptedProvider
):
    """RFC 9449 8.2: also before the first poll."""
    provider.script(
        "/bc-authorize", Answer(provider.acknowledgement(), headers={"dpop-nonce": "early"})
    )
    provider.script("/token", issued(provider))
    await tokens_for(bound)
    [poll] = provider.requests_to("/token")
    assert claims_of(poll)["nonce"] == "early"


async def test_the_nonce_of_the_tokens_serves_the_next_flow(
    bound: CibaClient, provider: ScriptedProvider
):
    """No round trip is lost to a refusal."""
    provider.script("/token", issued(provider, dpop_nonce="next"))
    await tokens_for(bound)
    await tokens_for(bound)
    assert claims_of(provider.requests_to("/token")[-1])["nonce"] == "next"


@pytest.mark.parametrize("answers", [["n-1", "n-2"], ["n-1", "n-1"]])
async def test_a_second_demand_ends_it(
    bound: CibaClient, provider: ScriptedProvider, answers: list[str]
):
    """A provider that never takes its own nonce is asked twice, not for ever."""
    provider.script("/token", *(nonce_demanded(nonce) for nonce in answers))
    with pytest.raises(DpopNonceDemanded) as caught:
        await tokens_for(bound)
    assert isinstance(caught.value, TransactionFailed)
    assert len(provider.poll_times()) == 2


@pytest.mark.parametrize("nonce", [None, "", "with space", 'quo"te', "back\\slash", "x" * 1025])
async def test_a_demand_without_a_proper_nonce_ends_it(
    bound: CibaClient, provider: ScriptedProvider, nonce: str | None
):
    """The same proof would be refused again."""
    provider.script("/token", nonce_demanded(nonce))
    with pytest.raises(DpopNonceDemanded):
        await tokens_for(bound)
    assert len(provider.poll_times()) == 1


async def test_a_client_without_a_key_does_not_answer_a_demand(
    client: CibaClient, provider: ScriptedProvider
):
    """It has nothing to prove."""
    provider.script("/token", nonce_demanded("n-1"))
    with pytest.raises(DpopNonceDemanded):
        await tokens_for(client)
    assert len(provider.poll_times()) == 1


async def test_each_client_makes_a_key_of_its_own(
    dpop_configuration: ClientConfiguration, provider: ScriptedProvider, clock: FakeClock
):
    """Unless it is given one."""
    provider.script("/token", issued(provider))
    given = new_dpop_key()
    for key in (None, None, given, given):
        configured = replace(dpop_configuration, dpop_key=key)
        async with CibaClient(configured, clock=clock) as client:
            await tokens_for(client)
    polls = provider.requests_to("/token")
    names = [thumbprint(verified(poll.headers["dpop"])[0]["jwk"]) for poll in polls]
    assert len(set(names)) == 3
    assert names[2:] == [given.jkt, given.jkt]


async def test_a_resource_is_called_with_token_and_proof(
    bound: CibaClient, provider: ScriptedProvider
):
    """RFC 9449 7.1: the proof is for this method, address and token; no query, no fragment."""
    provider.script("/token", issued(provider, dpop_nonce="of the provider"))
    tokens = await tokens_for(bound)
    headers = bound.resource_headers(tokens, method="GET", url=f"{API}?page=2")
    assert headers["Authorization"] == f"DPoP {ACCESS_TOKEN}"
    header, claims = verified(headers["DPoP"])
    [poll] = provider.requests_to("/token")
    assert header["jwk"] == verified(poll.headers["dpop"])[0]["jwk"]
    digest = hashlib.sha256(ACCESS_TOKEN.encode()).digest()
    assert len(claims.pop("jti")) >= 20
    assert claims == {
        "htm": "GET",
        "htu": API,
        "iat": EPOCH + 5,
        "ath": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
    }


async def test_a_resource_server_has_nonces_of_its_own(
    bound: CibaClient, provider: ScriptedProvider
):
    """RFC 9449 9: kept by origin, and never mixed with the provider's."""
    provider.script("/token", issued(provider, dpop_nonce="of the provider"))
    tokens = await tokens_for(bound)

    def nonce(url: str, given: str | None = None) -> object:
        headers = bound.resource_headers(tokens, method="POST", url=url, nonce=given)
        return verified(headers["DPoP"])[1].get("nonce")

    assert nonce(API) is None
    assert nonce(API, "r-1") == "r-1"
    assert nonce("https://API.example:443/payments") == "r-1"
    assert nonce("https://other.example/") is None
    assert nonce(f"{provider.issuer}/userinfo") is None
    assert nonce(API, "not a nonce") == "r-1"


async def test_an_unbound_token_is_a_bearer_token(client: CibaClient):
    """RFC 6750 2.1, and no proof."""
    tokens = await tokens_for(client)
    headers = client.resource_headers(tokens, method="GET", url=API)
    assert headers == {"Authorization": f"Bearer {ACCESS_TOKEN}"}


@pytest.mark.parametrize(
    "url", ["http://api.example/", "/accounts", "https://a@api.example/", "https://api.example/#x"]
)
async def test_tokens_go_to_protected_addresses_only(client: CibaClient, url: str):
    """RFC 6750 5.3: https, and http on loopback."""
    tokens = await tokens_for(client)
    with pytest.raises(ConfigurationError, match="https"):
        client.resource_headers(tokens, method="GET", url=url)
    assert client.resource_headers(tokens, method="GET", url="http://127.0.0.1:1/")


async def test_a_client_without_the_key_cannot_use_bound_tokens(
    bound: CibaClient, client: CibaClient, provider: ScriptedProvider
):
    """It says so before anything is sent."""
    provider.script("/token", issued(provider))
    tokens: TokenSet = await tokens_for(bound)
    with pytest.raises(ConfigurationError, match="another client"):
        client.resource_headers(tokens, method="GET", url=API)


@pytest.mark.parametrize("form", ["jwk", "pem"])
def test_a_key_can_be_kept(form: str):
    """As JWK or PEM; its name stays the same."""
    key = ECKey.generate_key("P-256")
    jwk = json.dumps(key.as_dict(private=True)).encode()
    kept = parse_dpop_key(jwk if form == "jwk" else key.as_pem(private=True))
    assert kept.jkt == key.thumbprint()


def test_the_key_is_a_private_p256_key(rsa_jwk: RSAKey):
    """ES256 is the one algorithm every profile takes."""
    public = json.dumps(ECKey.generate_key("P-256").as_dict(private=False)).encode()
    for content in (rsa_jwk.as_pem(private=True), public, b"no key"):
        with pytest.raises(ConfigurationError):
            parse_dpop_key(content)


def test_a_key_without_bound_tokens_is_a_mistake(configuration: ClientConfiguration):
    """Somebody forgot ``dpop_bound_access_tokens``."""
    with pytest.raises(ConfigurationError, match="dpop_bound_access_tokens"):
        replace(configuration, dpop_key=new_dpop_key())


def test_the_key_is_not_printed():
    """Nor are its numbers."""
    key: DpopKey = new_dpop_key()
    assert repr(key) == "DpopKey()"
