"""What the client makes of a token response: keys, algorithms, levels."""

import asyncio

import pytest
from joserfc.jwk import ECKey

from ciba_client import (
    CibaClient,
    ClientConfiguration,
    InvalidIdToken,
    ProviderBusy,
    ProviderUnavailable,
    SignatureAlgorithm,
    SigningKey,
    TokensReceived,
    UnknownSigningKey,
)
from tests.unit.ciba_client.scripted_provider import (
    ACCESS_TOKEN,
    AUTH_REQ_ID,
    DISCOVERY,
    EPOCH,
    Answer,
    FakeClock,
    ScriptedProvider,
    tokens_for,
)


async def test_documents_of_the_provider_are_kept(
    client: CibaClient, provider: ScriptedProvider, clock: FakeClock
):
    """Discovery and keys are fetched once an hour, not for each flow."""
    await asyncio.gather(*(tokens_for(client) for _ in range(3)))
    assert len(provider.requests_to(DISCOVERY)) == 1
    assert len(provider.requests_to("/jwks")) == 1
    clock.elapsed += 3600
    provider.script("/token", Answer(provider.tokens(id_token=fresh_id_token(provider))))
    await tokens_for(client)
    assert len(provider.requests_to(DISCOVERY)) == 2
    assert len(provider.requests_to("/jwks")) == 2


def fresh_id_token(provider: ScriptedProvider, **changes: object):
    """An ID token issued just now."""
    now = int(provider.clock.now())
    return provider.id_token(iat=now, exp=now + 600, **changes)


async def test_new_keys_are_found_when_the_provider_changes_them(
    client: CibaClient, provider: ScriptedProvider
):
    """An unknown key id leads to one more look at the published keys."""
    successor = ECKey.generate_key("P-256", {"kid": "op-2"})
    published = [successor.as_dict(private=False)]
    provider.script("/jwks", provider.scripts["/jwks"][0], Answer({"keys": published}))
    token = provider.id_token(key=successor, header={"alg": "ES256", "kid": "op-2"})
    provider.script("/token", Answer(provider.tokens(id_token=token)))
    assert (await tokens_for(client)).id_token.sub == "alice"
    assert len(provider.requests_to("/jwks")) == 2


async def test_an_unknown_key_is_looked_for_once_only(
    client: CibaClient, provider: ScriptedProvider
):
    """Then the tokens are discarded, for good."""
    token = provider.id_token(header={"alg": "ES256", "kid": "op-9"})
    provider.script("/token", Answer(provider.tokens(id_token=token)))
    async with client.authenticate(login_hint="alice") as asked:
        for _ in range(2):
            with pytest.raises(UnknownSigningKey):
                await asked.tokens()
    assert len(provider.requests_to("/jwks")) == 2
    assert provider.poll_times() == [5]


async def test_received_tokens_survive_a_short_absence_of_the_keys(
    client: CibaClient, provider: ScriptedProvider
):
    """The token response is kept and only its verification is tried again."""
    successor = ECKey.generate_key("P-256", {"kid": "op-2"})
    provider.script(
        "/jwks",
        provider.scripts["/jwks"][0],
        Answer(b"", 503),
        Answer({"keys": [successor.as_dict(private=False)]}),
    )
    token = provider.id_token(key=successor, header={"alg": "ES256", "kid": "op-2"})
    provider.script("/token", Answer(provider.tokens(id_token=token)))
    async with client.authenticate(login_hint="alice") as asked:
        events = [event async for event in asked.events()]
    assert [type(event) for event in events] == [ProviderBusy, TokensReceived]
    assert provider.poll_times() == [5]


async def test_received_tokens_can_be_verified_after_the_expiry(
    client: CibaClient, provider: ScriptedProvider, clock: FakeClock
):
    """Redeemed in time is redeemed; each later call tries the verification once."""
    successor = ECKey.generate_key("P-256", {"kid": "op-2"})
    known = provider.scripts["/jwks"][0]
    away = Answer(b"", 503, {"retry-after": "1000"})
    provider.script(
        "/jwks", known, away, away, Answer({"keys": [successor.as_dict(private=False)]})
    )
    token = provider.id_token(key=successor, header={"alg": "ES256", "kid": "op-2"})
    provider.script("/token", Answer(provider.tokens(id_token=token)))
    async with client.authenticate(login_hint="alice") as asked:
        with pytest.raises(ProviderUnavailable):
            await asked.tokens()
        assert clock.elapsed == 180
        assert (await asked.tokens()).id_token.sub == "alice"
    assert provider.poll_times() == [5]


async def test_the_registered_algorithm_wins_over_the_published_ones(
    provider: ScriptedProvider, clock: FakeClock, signing_key: SigningKey
):
    """A provider that supports several must use the one the client registered."""
    configuration = ClientConfiguration(
        issuer=provider.issuer,
        client_id="corner-shop",
        key=signing_key,
        id_token_signed_response_alg=SignatureAlgorithm.PS256,
    )
    async with CibaClient(configuration, clock=clock) as client:
        with pytest.raises(InvalidIdToken, match="algorithm"):
            await tokens_for(client)


async def test_the_required_level_of_authentication_is_checked(client: CibaClient):
    """Also when the provider answered in every other way as it should."""
    assert await tokens_for(client, required_acr=["urn:openbanking:psd2:sca"])
    with pytest.raises(InvalidIdToken, match="level"):
        await tokens_for(client, required_acr=["something:higher"])


async def test_an_old_id_token_cannot_answer_a_new_request(
    client: CibaClient, provider: ScriptedProvider
):
    """Even a valid one of the same user."""
    provider.script("/token", Answer(provider.tokens(id_token=provider.id_token(iat=EPOCH - 100))))
    with pytest.raises(InvalidIdToken, match="older"):
        await tokens_for(client)


async def test_tokens_and_ids_are_masked_wherever_they_are_printed(client: CibaClient):
    """In ``repr`` and ``str`` of all that the SDK hands out."""
    async with client.authenticate(login_hint="alice") as asked:
        tokens = await asked.tokens()
        printed = f"{asked.auth_req_id} {asked.auth_req_id!r} {tokens} {tokens!r} {asked!r}"
    for secret in (AUTH_REQ_ID, ACCESS_TOKEN, "refresh-token-4712", tokens.id_token.jwt):
        assert secret not in printed
