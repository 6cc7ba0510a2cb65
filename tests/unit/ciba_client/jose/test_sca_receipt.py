"""SCA receipts: what is asked, what is verified of the answer, and what proves nothing."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey

from ciba_client import (
    AuthReqId,
    CibaClient,
    InvalidProviderResponse,
    InvalidScaReceipt,
    ProviderUnavailable,
    ReceiptRefused,
    UnknownReceiptKey,
)
from tests.unit.ciba_client.scripted_provider import (
    AUTH_REQ_ID,
    CLIENT_ID,
    EPOCH,
    Answer,
    ScriptedProvider,
    refusal,
)
from tests.wire.signing import sign

RECEIPT = "/bc-authorize/receipt"
KEYS = "/sca-receipts/jwks"
HEADER = {"alg": "ES256", "kid": "receipt-1", "typ": "ciba-sca-receipt+jwt"}
Run = Callable[..., tuple[int, str, str]]


def new_key(kid: str = "receipt-1") -> ECKey:
    """A key for receipts."""
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


KEY = new_key()


def transaction(auth_req_id: str) -> str:
    """Its name."""
    digest = hashlib.sha256(auth_req_id.encode()).digest()[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def claims(provider: ScriptedProvider, **changed: object) -> dict[str, Any]:
    """Those of a good receipt, but for ``changed``; None removes one."""
    members = {
        "iss": provider.issuer,
        "aud": CLIENT_ID,
        "sub": "alice",
        "txn": transaction(AUTH_REQ_ID),
        "iat": EPOCH,
        "acr": "urn:openbanking:psd2:sca",
        "payments": [{"amount": "12.50", "currency": "EUR"}],
        **changed,
    }
    return {name: value for name, value in members.items() if value is not None}


def published(*keys: ECKey) -> Answer:
    """A key set."""
    return Answer({"keys": [key.as_dict(private=False) for key in keys]})


def given(
    provider: ScriptedProvider,
    *,
    header: Mapping[str, Any] = HEADER,
    key: ECKey = KEY,
    **changed: object,
) -> str:
    """Let the provider give a receipt."""
    jwt = sign(header, claims(provider, **changed), key)
    provider.script(RECEIPT, Answer({"sca_receipt": jwt}))
    provider.script(KEYS, published(KEY))
    return jwt


async def test_a_receipt_is_asked_for_and_verified(client: CibaClient, provider: ScriptedProvider):
    """With the id and an assertion; what it says is there to read, and the JWS to keep."""
    jwt = given(provider)
    async with client.authenticate(login_hint="alice") as asked:
        receipt = await asked.receipt()
    [request] = provider.requests_to(RECEIPT)
    assert set(request.form) == {"auth_req_id", "client_assertion", "client_assertion_type"}
    assert request.form["auth_req_id"] == AUTH_REQ_ID
    assert (receipt.iss, receipt.sub, receipt.iat) == (provider.issuer, "alice", EPOCH)
    assert (receipt.txn, receipt.acr) == (transaction(AUTH_REQ_ID), "urn:openbanking:psd2:sca")
    assert receipt.claims == claims(provider)
    assert receipt.jwt == jwt
    assert jwt not in repr(receipt)
    assert await client.receipt(AuthReqId(AUTH_REQ_ID)) == receipt
    assert len(provider.requests_to(KEYS)) == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://other.example"}, "another issuer"),
        ({"aud": "other-shop"}, "another client"),
        ({"txn": transaction("another")}, "another authentication request"),
        ({"sub": None}, "claims of the receipt are malformed"),
    ],
    ids=["issuer", "audience", "transaction", "claims"],
)
async def test_what_is_about_somebody_or_something_else_proves_nothing(
    client: CibaClient, provider: ScriptedProvider, changed: dict[str, object], reason: str
):
    """However well it is signed."""
    given(provider, **changed)
    with pytest.raises(InvalidScaReceipt, match=reason):
        await client.receipt(AuthReqId(AUTH_REQ_ID))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"typ": "JWT"}, "another kind"),
        ({"alg": "PS256"}, "another kind"),
        ({"crit": ["b64"]}, "another kind"),
        ({"kid": 1}, "malformed"),
    ],
    ids=["typ", "alg", "crit", "kid"],
)
async def test_another_kind_of_token_is_no_receipt(
    client: CibaClient, provider: ScriptedProvider, changed: dict[str, object], reason: str
):
    """An ID token of the same provider, for one."""
    header, payload, signature = given(provider).split(".")
    head = base64.urlsafe_b64encode(json.dumps({**HEADER, **changed}).encode()).decode()
    jwt = ".".join((head.rstrip("="), payload, signature))
    provider.script(RECEIPT, Answer({"sca_receipt": jwt}))
    assert header not in jwt
    with pytest.raises(InvalidScaReceipt, match=reason):
        await client.receipt(AuthReqId(AUTH_REQ_ID))


@pytest.mark.parametrize("jwt", ["", "none", "a.b.c", "\u00e9.\u00e9.\u00e9"])
async def test_garbage_is_no_receipt(client: CibaClient, provider: ScriptedProvider, jwt: str):
    """Whatever comes instead."""
    given(provider)
    provider.script(RECEIPT, Answer({"sca_receipt": jwt}))
    with pytest.raises(InvalidScaReceipt, match="malformed"):
        await client.receipt(AuthReqId(AUTH_REQ_ID))


async def test_a_forged_receipt_is_found_out(client: CibaClient, provider: ScriptedProvider):
    """By a key of the same name that was not published."""
    given(provider, key=new_key())
    with pytest.raises(InvalidScaReceipt, match="signature"):
        await client.receipt(AuthReqId(AUTH_REQ_ID))


async def test_a_new_key_is_looked_for_once(client: CibaClient, provider: ScriptedProvider):
    """After a rotation; a key that is still unknown then is told."""
    following = new_key("receipt-2")
    given(provider, header={**HEADER, "kid": "receipt-2"}, key=following)
    with pytest.raises(UnknownReceiptKey):
        await client.receipt(AuthReqId(AUTH_REQ_ID))
    assert len(provider.requests_to(KEYS)) == 2
    provider.script(KEYS, published(KEY, following))
    assert (await client.receipt(AuthReqId(AUTH_REQ_ID))).sub == "alice"


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (refusal("not_approved", status=409), ReceiptRefused, "not_approved"),
        (refusal("invalid_grant"), ReceiptRefused, "invalid_grant"),
        (Answer(b"", 404), InvalidProviderResponse, "no endpoint for receipts"),
        (Answer({"receipt": "?"}), InvalidProviderResponse, "malformed"),
        (Answer(b"", 503), ProviderUnavailable, "503"),
    ],
    ids=["not_approved", "unknown", "no-endpoint", "malformed", "unavailable"],
)
async def test_there_may_be_none(
    client: CibaClient,
    provider: ScriptedProvider,
    answer: Answer,
    error: type[Exception],
    reason: str,
):
    """With the provider's own code."""
    provider.script(RECEIPT, answer)
    with pytest.raises(error, match=reason):
        await client.receipt(AuthReqId(AUTH_REQ_ID))


def test_the_command_prints_receipt_and_claims(
    run: Run, identity: list[str], provider: ScriptedProvider
):
    """As JSON; a refusal ends with 1."""
    jwt = given(provider)
    status, out, err = run("receipt", *identity, AUTH_REQ_ID, "--json")
    assert (status, err) == (0, "")
    shown = {"outcome": "receipt", "sca_receipt": jwt, "claims": claims(provider)}
    assert json.loads(out) == shown
    provider.script(RECEIPT, refusal("not_approved", status=409))
    status, out, err = run("receipt", *identity, AUTH_REQ_ID)
    assert (status, out) == (1, "")
    assert "there is no receipt: not_approved" in err
