"""What every answer of a protected resource obeys (FAPI 1.0 Part 1 6.2.1, RFC 6750, RFC 9068 4)."""

import email.utils
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from ciba_service.flow.signing import signed
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.resource import (
    ACCOUNTS,
    FAPI2,
    PAYMENTS,
    Holder,
    bound_tokens,
    challenges,
    holder,
)
from tests.wire.signing import claims_of, header_of, new_key, segment, sign

INTERACTION = "C770aef3-6784-41f7-8e0e-FF5f97bddb3a"
OTHER_API = "https://api.example"


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A FAPI client that may ask for tokens of another resource, too."""
    return WireClient("shop", metadata={**FAPI2, "resources": [OTHER_API]})


@pytest.fixture
async def bank(run_service: ServiceRunner, shop: WireClient) -> AsyncIterator[RunningService]:
    """A service with a demo resource."""
    async with run_service(clients=[shop]) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


@pytest.fixture
async def reader(bank: RunningService, shop: WireClient, alice: WirePhone) -> Holder:
    """The holder of a token for accounts."""
    return await holder(bank, shop, alice, scope="openid accounts")


@pytest.mark.clause("fapi1-p1-6.2.1-1", "fapi1-p1-6.2.1-8")
async def test_an_answer_is_dated_json(reader: Holder):
    """The content type has no parameters, the body is UTF-8, the date is now."""
    answer = await reader.accounts()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content.decode("utf-8"))["accounts"]
    dated = email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp()
    assert abs(dated - time.time_ns() / 1e9) < 60
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.clause("fapi1-p1-6.2.1-11", "fapi1-p1-6.2.1-12")
async def test_the_interaction_id_is_echoed_and_logged(reader: Holder):
    """As it was sent, whatever its case, in answers and in refusals."""
    headers = {"x-fapi-interaction-id": INTERACTION}
    answers = [
        await reader.accounts(headers=headers),
        await reader.pay(headers=headers),
        await reader.send("GET", ACCOUNTS, headers=headers),
        await reader.send("DELETE", ACCOUNTS, headers=headers),
        await reader.call("GET", "/userinfo", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 401, 405, 200]
    assert {answer.headers["x-fapi-interaction-id"] for answer in answers} == {INTERACTION}
    logged = [
        (event.name, event.fields["status"])
        for event in reader.service.telemetry.events
        if event.fields.get("interaction_id") == INTERACTION
    ]
    assert logged == [
        ("request_answered", 200),
        ("request_refused", 403),
        ("request_refused", 401),
        ("request_refused", 405),
        ("request_answered", 200),
    ]


@pytest.mark.clause("fapi1-p1-6.2.1-11", "fapi1-p1-6.2.1-12")
@pytest.mark.parametrize(
    "sent",
    [None, "", "not-a-uuid", f"{INTERACTION}0", f"{{{INTERACTION}}}", INTERACTION.replace("-", "")],
)
async def test_an_interaction_id_is_made_where_there_is_none(reader: Holder, sent: str | None):
    """A UUID of version 4, another one each time; what is no UUID is neither echoed nor logged."""
    headers = {} if sent is None else {"x-fapi-interaction-id": sent}
    made = set()
    for _ in range(2):
        answer = await reader.accounts(headers=headers)
        assert answer.status_code == 200
        made.add(answer.headers["x-fapi-interaction-id"])
        logged = reader.service.telemetry.named("request_answered")[-1]
        assert logged.fields["interaction_id"] == answer.headers["x-fapi-interaction-id"]
    assert len(made) == 2
    assert {uuid.UUID(name).version for name in made} == {4}


@pytest.mark.clause("fapi1-p1-6.2.1-13")
@pytest.mark.parametrize(
    "headers",
    [
        {"x-fapi-customer-ip-address": "198.51.100.119"},
        {"x-fapi-customer-ip-address": "2001:db8::1893:25c8:1946"},
        {"x-fapi-auth-date": "Tue, 11 Sep 2012 19:43:31 GMT"},
        {"accept": "application/json;charset=UTF-8", "accept-charset": "UTF-8"},
        {"accept": "application/json, application/*+json, */*"},
    ],
)
async def test_no_request_is_refused_for_what_it_says_of_the_user(
    reader: Holder, headers: dict[str, str]
):
    """Addresses, dates, and whatever the client would take."""
    answer = await reader.accounts(headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.clause("fapi1-p1-6.2.1-2", "fapi2-sp-5.3.4-2")
@pytest.mark.parametrize("in_header", [True, False])
async def test_a_token_in_the_query_is_refused(reader: Holder, *, in_header: bool):
    """400, whether it is in the header as well or not."""
    headers = {}
    if in_header:
        headers = {"authorization": f"DPoP {reader.token}", "dpop": reader.proof("GET", ACCOUNTS)}
    answer = await reader.send(
        "GET", ACCOUNTS, params={"access_token": reader.token}, headers=headers
    )
    assert_refused(answer, 400, "invalid_request")


async def test_a_token_in_a_form_is_refused(reader: Holder):
    """No resource reads forms."""
    answer = await reader.send("POST", PAYMENTS, data={"access_token": reader.token})
    assert_refused(answer, 400, "invalid_request")


@pytest.mark.clause("rfc6750-3-1", "rfc9449-7.1-1", "rfc9449-7.1-2")
@pytest.mark.parametrize("method_and_path", [("GET", ACCOUNTS), ("POST", PAYMENTS)])
async def test_without_a_token_both_schemes_are_asked_for(
    bank: RunningService, method_and_path: tuple[str, str]
):
    """401 in JSON, without an error in the challenges, with the algorithms for proofs."""
    answer = await bank.http.request(*method_and_path)
    assert_refused(answer, 401, "invalid_token")
    assert challenges(answer) == ("Bearer", 'DPoP algs="ES256 EdDSA PS256"')


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("POST", ACCOUNTS, "GET"), ("GET", PAYMENTS, "POST"), ("DELETE", PAYMENTS, "POST")],
)
async def test_another_method_is_not_allowed(reader: Holder, method: str, path: str, allow: str):
    """405 with what is."""
    answer = await reader.call(method, path)
    assert_refused(answer, 405, "invalid_request")
    assert answer.headers["allow"] == allow


async def presented(reader: Holder, token: str) -> httpx2.Response:
    """What another text is answered, presented with a right proof over it."""
    return await Holder(reader.service, token, reader.dpop).accounts()


async def resigned(reader: Holder, *, typ: str = "at+jwt", **changed: Any) -> str:
    """The token's claims, but for what is changed, signed with the service's own key."""
    signer = reader.service.keys.token_signer(SignatureAlgorithm.ES256)
    return await signed(signer, typ=typ, claims={**claims_of(reader.token), **changed})


def assert_invalid(answer: httpx2.Response) -> None:
    """Hold that a token was refused for what it is."""
    assert_refused(answer, 401, "invalid_token")
    assert challenges(answer)[1].startswith('DPoP error="invalid_token"')


@pytest.mark.clause("rfc9068-4-1", "rfc9701-8.1-1", "rfc8417-4-1")
async def test_a_token_of_another_type_is_refused(
    reader: Holder, shop: WireClient, alice: WirePhone
):
    """An ID token, and the same claims under any other type, though the signature is right."""
    tokens = await bound_tokens(shop, alice, reader.dpop)
    others = ("JWT", "dpop+jwt", "token-introspection+jwt", "secevent+jwt", "logout+jwt", "")
    texts = [await resigned(reader, typ=typ) for typ in others]
    for text in [*texts, tokens["id_token"]]:
        assert_invalid(await presented(reader, text))
    assert header_of(reader.token)["typ"] == "at+jwt"
    assert (await reader.accounts()).status_code == 200


@pytest.mark.clause("rfc9068-4-2")
async def test_a_token_of_another_issuer_is_refused(reader: Holder):
    """Also one whose name only looks alike, and though the signature is right."""
    issuer = reader.service.issuer
    for name in ("https://elsewhere.example", f"{issuer}/", issuer.upper()):
        assert_invalid(await presented(reader, await resigned(reader, iss=name)))


@pytest.mark.clause("rfc9068-4-3", "rfc9700-2.3-2")
async def test_a_token_for_another_resource_is_refused(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """At accounts, payments and userinfo, though it was issued here and is alive."""
    other = await holder(bank, shop, alice, scope="openid accounts", resource=OTHER_API)
    assert claims_of(other.token)["aud"] == OTHER_API
    for method, path in (("GET", ACCOUNTS), ("POST", PAYMENTS), ("GET", "/userinfo")):
        assert_invalid(await other.call(method, path))
    refused = bank.telemetry.named("request_refused")[-1]
    assert refused.fields["reason"] == "the token is for another resource"


@pytest.mark.clause("rfc9068-4-4")
async def test_a_token_that_nobody_or_somebody_else_signed_is_refused(reader: Holder):
    """No signature, another key's, and a changed claim under the old signature."""
    header, payload, signature = reader.token.split(".")
    claims = claims_of(reader.token)
    stranger = new_key(kid=header_of(reader.token)["kid"])
    wider = segment({**claims, "scope": "openid accounts payments"})
    none = segment({"alg": "none", "typ": "at+jwt"})
    for text in (
        f"{none}.{payload}.",
        f"{header}.{payload}.",
        f"{none}.{payload}.{signature}",
        f"{header}.{wider}.{signature}",
        sign(header_of(reader.token), claims, stranger),
        await resigned(reader, jti="another"),
    ):
        assert_invalid(await presented(reader, text))
    assert (await reader.accounts()).status_code == 200


@pytest.mark.clause("rfc9068-4-5")
async def test_a_token_is_good_until_its_expiry_and_no_longer(reader: Holder):
    """To the second; a later expiry that it only claims changes nothing."""
    claims = claims_of(reader.token)
    reader.service.clock.advance(claims["exp"] - reader.service.clock.now() - 1)
    await reader.accounts()  # for the nonce
    assert (await reader.accounts()).status_code == 200
    reader.service.clock.advance(1)
    assert_invalid(await reader.accounts())
    assert_invalid(await presented(reader, await resigned(reader, exp=claims["exp"] + 600)))


async def test_a_token_may_be_for_this_resource_by_name(run_service: ServiceRunner):
    """Then it is not for userinfo, and the other way round; by default it is for both."""
    issuer = "https://op.example"
    sections = {"server": {"issuer": issuer}, "resource": {"enabled": True}}
    metadata = {**FAPI2, "resources": [f"{issuer}/resource"]}
    named = WireClient("shop", metadata=metadata)
    async with run_service(clients=[named], sections=sections) as service:
        named.issuer = service.issuer = issuer
        phone = service.phone()
        phone.issuer = issuer
        await phone.enrol(await service.activation_code("alice"))
        for resource, statuses in ((f"{issuer}/resource", (200, 401)), (None, (200, 200))):
            claims = {} if resource is None else {"resource": resource}
            who = await holder(service, named, phone, scope="openid accounts", **claims)
            told = await who.call("GET", "/userinfo")
            assert ((await who.accounts()).status_code, told.status_code) == statuses
