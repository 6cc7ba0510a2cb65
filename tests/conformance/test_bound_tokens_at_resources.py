"""A token is good only in the hands of whoever it was issued to (RFC 8705 3, RFC 9449 7)."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.protocol.client.certificates.authority import self_signed
from tests.wire.client import CIBA, WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.resource import (
    ACCOUNTS,
    FAPI2,
    PAYMENT,
    PAYMENTS,
    Holder,
    challenges,
    holder,
    refusal,
)
from tests.wire.signing import claims_of, new_key, public_jwk, segment, unsecured
from tests.wire.tokens import granted, introspect, resource_server

ALIAS = "https://mtls.op.example"
API = "https://api.example"
LONG = (-1, 36_500)
OWN, OTHER = self_signed("own", days=LONG), self_signed("other", owner="other", days=LONG)
FAPI1 = {
    "profile": "fapi-ciba",
    "scope": "openid accounts",
    "authorization_details_types": ["payment_initiation"],
}


@pytest.fixture(scope="module")
def speaker() -> WireClient:
    """A client whose tokens are bound to a DPoP key."""
    return WireClient("speaker", metadata=FAPI2)


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client whose tokens are bound to its certificate."""
    return WireClient("shop", metadata=FAPI1)


@pytest.fixture
async def bank(
    run_service: ServiceRunner, speaker: WireClient, shop: WireClient, till: WireClient
) -> AsyncIterator[RunningService]:
    """A service behind a proxy that forwards certificates, and somebody who may introspect."""
    sections = {
        "mtls": {"base_url": ALIAS, "proxies": ["127.0.0.1"]},
        "tokens": {"audience": API},
    }
    clients = [speaker, shop, till, resource_server("api", API)]
    async with run_service(clients=clients, sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


@pytest.fixture
async def bound(bank: RunningService, speaker: WireClient, alice: WirePhone) -> Holder:
    """The holder of a token that is bound to a DPoP key."""
    return await holder(bank, speaker, alice, scope="openid accounts")


def forwarded(certificate: x509.Certificate) -> dict[str, str]:
    """The header of a proxy (RFC 9440)."""
    der = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    return {"Client-Cert": f":{der}:"}


async def certified_token(client: WireClient, phone: WirePhone, **claims: Any) -> str:
    """A token bound to the certificate."""
    auth_req_id = await client.started(scope="openid accounts", **claims)
    await phone.approve_next()
    form = {"grant_type": CIBA, "auth_req_id": auth_req_id, **client.credentials()}
    answer = await client.post("/token", form, headers=forwarded(OWN))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def bearer(
    service: RunningService, token: str, method: str = "GET", path: str = ACCOUNTS, **headers: str
) -> httpx2.Response:
    """Present a token as a bearer token."""
    sent = {"authorization": f"Bearer {token}", **headers}
    return await service.http.request(method, path, headers=sent)


# --- certificates ---


@pytest.mark.clause(
    "rfc8705-3-2", "fapi1-p2-6.2.1-2", "fapi-ciba-6-1", "fapi2-sp-5.3.4-1", "fapi2-sp-5.3.4-5"
)
async def test_a_token_belongs_to_its_certificate(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """With that one it is answered; with another, or with none, it is 401 invalid_token."""
    token = await certified_token(shop, alice, authorization_details=[PAYMENT])
    for method, path in (("GET", ACCOUNTS), ("POST", PAYMENTS), ("GET", "/userinfo")):
        for wrong in ({}, forwarded(OTHER)):
            refused = await bearer(bank, token, method, path, **wrong)
            assert_refused(refused, 401, "invalid_token")
            asked, other = challenges(refused)
            assert asked.startswith('Bearer error="invalid_token"')
            assert other == 'DPoP algs="ES256 EdDSA PS256"'
        answer = await bearer(bank, token, method, path, **forwarded(OWN))
        assert answer.is_success


@pytest.mark.clause("rfc8705-3-2")
async def test_a_token_of_a_certificate_is_no_dpop_token(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """A proof by any key does not stand in for the certificate, nor beside it."""
    token = await certified_token(shop, alice)
    thief = Holder(bank, token)
    await thief.accounts()  # for the nonce
    for headers in ({}, forwarded(OWN)):
        assert_refused(await thief.accounts(headers=headers), 401, "invalid_token")


@pytest.mark.clause("rfc8705-6.2-1")
async def test_a_certificate_proves_possession_and_no_more(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """No authority is asked: a self-signed one binds tokens and uses them."""
    token = await certified_token(shop, alice)
    assert bank.settings.mtls.authorities is None
    assert OWN.issuer == OWN.subject
    assert (await bearer(bank, token, **forwarded(OWN))).status_code == 200


@pytest.mark.clause("rfc8705-3.2-1")
async def test_a_resource_server_is_told_the_certificate(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """``cnf`` stands at the top of the answer, as in the token, to the letter."""
    token = await certified_token(shop, alice)
    told = (await introspect(bank.clients["api"], token)).json()
    assert told["cnf"] == claims_of(token)["cnf"]
    digest = base64.urlsafe_b64decode(told["cnf"]["x5t#S256"] + "=")
    assert digest == OWN.fingerprint(OWN.signature_hash_algorithm)  # type: ignore[arg-type]


# --- nothing at all ---


@pytest.mark.clause("fapi1-p2-8.2-1", "fapi-ciba-6-1")
async def test_a_token_that_is_bound_to_nothing_is_refused(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """Whoever presents it, with whatever certificate or key; userinfo takes a core client's."""
    token = (await granted(till, alice, authorization_details=[PAYMENT]))["access_token"]
    assert "cnf" not in claims_of(token)
    for headers in ({}, forwarded(OWN)):
        assert_refused(await bearer(bank, token, **headers), 401, "invalid_token")
        refused = await bearer(bank, token, "POST", PAYMENTS, **headers)
        assert_refused(refused, 401, "invalid_token")
    with_key = Holder(bank, token)
    await with_key.accounts()  # for the nonce
    assert_refused(await with_key.accounts(), 401, "invalid_token")
    assert (await bearer(bank, token, path="/userinfo")).status_code == 200


@pytest.mark.clause("fapi1-p2-8.2-1")
async def test_a_client_that_came_under_fapi_takes_no_unbound_token_with_it(
    run_service: ServiceRunner,
):
    """Not at userinfo, and not where the operator takes unbound tokens of core clients."""
    sections = {"resource": {"unbound_tokens": True}, "tokens": {"audience": API}}
    key = new_key()
    before = WireClient("till", key=key, metadata={"scope": "openid accounts"})
    async with run_service(clients=[before], sections=sections) as service:
        phone = await service.enrolled_phone()
        token = (await granted(before, phone, scope="openid accounts"))["access_token"]
        for path in (ACCOUNTS, "/userinfo"):
            assert (await bearer(service, token, path=path)).status_code == 200
    after = WireClient("till", key=key, metadata=FAPI2)
    async with run_service(clients=[after], sections=sections) as service:
        for path in (ACCOUNTS, "/userinfo"):
            assert_refused(await bearer(service, token, path=path), 401, "invalid_token")
            refused = service.telemetry.named("request_refused")[-1]
            assert refused.fields["reason"] == "the token is bound to nothing"


# --- DPoP ---


@pytest.mark.clause("rfc9449-6-1", "rfc9449-7-1", "fapi2-sp-5.3.4-1", "fapi2-sp-5.3.4-5")
async def test_a_token_belongs_to_its_key(bound: Holder):
    """With a proof of that key it is answered, with another's it is 401 invalid_token."""
    assert (await bound.accounts()).status_code == 200
    thief = Holder(bound.service, bound.token, WireDpop(new_key(kid="x"), nonce=bound.dpop.nonce))
    refused = await thief.accounts()
    assert_refused(refused, 401, "invalid_token")
    other, asked = challenges(refused)
    assert (other, asked.startswith('DPoP error="invalid_token"')) == ("Bearer", True)


@pytest.mark.clause("rfc9449-7-1", "rfc9449-7.1-1", "rfc9449-7.1-2")
async def test_a_bound_token_without_a_proof_is_refused(bound: Holder):
    """And a proof without a token; the challenge names error and algorithms."""
    bare = await bound.send("GET", ACCOUNTS, headers={"authorization": f"DPoP {bound.token}"})
    assert_refused(bare, 401, "invalid_dpop_proof")
    asked, wanted = challenges(bare)
    assert asked == "Bearer"
    assert wanted.startswith('DPoP error="invalid_dpop_proof"')
    assert wanted.endswith(', algs="ES256 EdDSA PS256"')
    alone = await bound.send("GET", ACCOUNTS, headers={"dpop": bound.proof("GET", ACCOUNTS)})
    assert_refused(alone, 401, "invalid_token")
    assert challenges(alone)[1] == 'DPoP algs="ES256 EdDSA PS256"'


@pytest.mark.clause("rfc9449-7.2-1", "fapi2-sp-5.3.4-1")
@pytest.mark.parametrize("with_proof", [True, False])
async def test_a_bound_token_is_no_bearer_token(bound: Holder, *, with_proof: bool):
    """401, with a good proof beside it or without; also under both schemes at once."""
    headers = {"dpop": bound.proof("GET", ACCOUNTS)} if with_proof else {}
    refused = await bearer(bound.service, bound.token, **headers)
    assert_refused(refused, 401, "invalid_token")
    both = [("authorization", f"{scheme} {bound.token}") for scheme in ("DPoP", "Bearer")]
    answer = await bound.send("GET", ACCOUNTS, headers=[*both, *headers.items()])
    assert_refused(answer, 400, "invalid_request")


@pytest.mark.clause("rfc9449-4.3-12")
@pytest.mark.parametrize("ath", [None, "", "A" * 43, 7])
async def test_a_proof_is_about_the_token_it_comes_with(bound: Holder, ath: object):
    """``ath`` is the hash of that token, and not of another one of the same key."""
    assert refusal(await bound.accounts(proof={"ath": ath})) == (401, "invalid_dpop_proof")
    other = Holder(bound.service, "another-token", bound.dpop)
    swapped = {"dpop": other.proof("GET", ACCOUNTS)}
    assert refusal(await bound.accounts(headers=swapped)) == (401, "invalid_dpop_proof")


KEY = new_key(kid="proofs")
PRIVATE = {name: str(value) for name, value in KEY.as_dict(private=True).items()}


@pytest.mark.clause("rfc9449-4.3-14", "fapi2-sp-5.3.4-5")
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"jti": None}, id="4.3-3 no jti"),
        pytest.param({"htm": None}, id="4.3-3 no htm"),
        pytest.param({"htu": None}, id="4.3-3 no htu"),
        pytest.param({"iat": None}, id="4.3-3 no iat"),
        pytest.param({"header": {"typ": "JWT"}}, id="4.3-4 another typ"),
        pytest.param({"header": {"jwk": public_jwk(new_key())}}, id="4.3-6 another key"),
        pytest.param({"header": {"jwk": PRIVATE}}, id="4.3-7 a private key"),
        pytest.param({"htm": "POST"}, id="4.3-8 another method"),
        pytest.param({"htu": "https://op.example/resource/accounts"}, id="4.3-9 another host"),
        pytest.param({"htu": f"{ALIAS}/userinfo"}, id="4.3-9 another path"),
        pytest.param({"iat": 1_700_000_000}, id="4.3-11 old"),
        pytest.param({"iat": 9_000_000_000}, id="4.3-11 of the future"),
    ],
)
async def test_a_proof_is_checked_here_as_at_the_token_endpoint(
    bound: Holder, changed: dict[str, Any]
):
    """401 invalid_dpop_proof for whatever does not hold."""
    refused = await bound.accounts(proof=changed)
    assert_refused(refused, 401, "invalid_dpop_proof")
    assert challenges(refused)[1].startswith('DPoP error="invalid_dpop_proof"')
    assert (await bound.accounts()).status_code == 200


@pytest.mark.clause("rfc9449-4.3-14")
async def test_several_proofs_or_none_that_can_be_read_are_refused(bound: Holder):
    """4.3-1 and 4.3-2: one header with one JWT."""
    token = ("authorization", f"DPoP {bound.token}")
    good = [bound.proof("GET", ACCOUNTS) for _ in range(2)]
    for lines in (good, ["proof"], [good[0][:-9]], [f"{good[0]}, {good[1]}"], [unsecured({})]):
        headers = [token, *(("dpop", line) for line in lines)]
        assert_refused(
            await bound.send("GET", ACCOUNTS, headers=headers), 401, "invalid_dpop_proof"
        )


@pytest.mark.clause("rfc9449-4.3-14")
async def test_a_proof_with_a_weaker_algorithm_is_refused(bound: Holder):
    """4.3-5: RS256 with a key of its own, and no signature at all under the right key."""
    weak = WireDpop(key=new_key("RS256"), alg="RS256", nonce=bound.dpop.nonce)
    url, now = f"{bound.service.issuer}{ACCOUNTS}", bound.service.clock.now()
    rs256 = weak.proof("GET", url, now, access_token=bound.token)
    _, payload, _ = bound.proof("GET", ACCOUNTS).split(".")
    none = f"{segment({'alg': 'none', 'typ': 'dpop+jwt', 'jwk': bound.dpop.jwk})}.{payload}."
    for proof in (rs256, none):
        refused = await bound.accounts(headers={"dpop": proof})
        assert_refused(refused, 401, "invalid_dpop_proof")


@pytest.mark.clause("rfc9449-4.3-14", "rfc9449-9-1", "fapi2-sp-6.2-1")
@pytest.mark.parametrize("nonce", [None, "old"])
async def test_a_proof_needs_a_nonce_of_the_resource(bound: Holder, nonce: str | None):
    """401 use_dpop_nonce with the nonce, whatever the token endpoint said; then it is answered."""
    refused = await bound.accounts(proof={"nonce": nonce})
    assert_refused(refused, 401, "use_dpop_nonce")
    assert challenges(refused)[1].startswith('DPoP error="use_dpop_nonce"')
    assert refused.headers["dpop-nonce"] == bound.dpop.nonce
    assert (await bound.accounts()).status_code == 200


@pytest.mark.clause("fapi2-sp-6.2-1")
async def test_a_proof_is_good_once(bound: Holder):
    """A copy of the whole request is refused."""
    headers = {
        "authorization": f"DPoP {bound.token}",
        "dpop": bound.proof("GET", ACCOUNTS),
    }
    assert (await bound.send("GET", ACCOUNTS, headers=headers)).status_code == 200
    again = await bound.send("GET", ACCOUNTS, headers=headers)
    assert_refused(again, 401, "invalid_dpop_proof")


async def test_a_proof_may_be_for_the_address_that_asks_for_certificates(bound: Holder):
    """The resource is one, wherever it is reached."""
    answer = await bound.accounts(proof={"htu": f"{ALIAS}{ACCOUNTS}"})
    assert answer.status_code == 200
