"""The signed authentication request: every claim rule (CIBA 7.1.1, FAPI-CIBA 5.2.2)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from ciba_service.protocol.client.assertion import Audiences, parse_assertion, verify_assertion
from ciba_service.protocol.errors import InvalidClientError, InvalidRequestError
from ciba_service.protocol.request.parameters import AUTHENTICATION_PARAMETERS
from ciba_service.protocol.request.signed_request import SignedRequest, verify_signed_request
from tests.unit.protocol.registrations import ISSUER, registered, reused, signer
from tests.wire.client import ASSERTION_TYPE, WireClient
from tests.wire.signing import new_key, sign, unsecured

Change = Callable[[int], dict[str, Any]]


def verified(client: WireClient, request: str, **form: str) -> SignedRequest:
    """Verify as the service would."""
    return verify_signed_request(
        {"request": request, **form},
        client=registered(client),
        issuer=ISSUER,
        now=client.now(),
    )


def refuse(client: WireClient, request: str, **form: str) -> None:
    """Hold that a request is refused: 400 invalid_request."""
    with pytest.raises(InvalidRequestError) as refused:
        verified(client, request, **form)
    assert (refused.value.status_code, refused.value.error) == (400, "invalid_request")
    assert refused.value.__cause__ is not None


@pytest.mark.clause("ciba-7.1.1-1", "ciba-7.1.1-3", "fapi1-p2-5.2.2-10")
@pytest.mark.parametrize("profile", ["ciba-core", "fapi-ciba", "fapi2-ciba"])
def test_a_right_request_yields_the_claims_it_signed(profile: str):
    """Parameters come from the JWT; client authentication and unknown parameters may stand by."""
    client = signer(profile=profile)
    signed = verified(
        client,
        client.request_object(jti="once"),
        client_assertion="x",
        client_assertion_type="x",
        client_id="till",
        unknown="x",
    )
    assert signed.parameters.text("scope") == "openid"
    assert signed.parameters.text("binding_message") == "W4SCT"
    assert (signed.replay.jti, signed.replay.expires_at) == ("once", client.now() + 300)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: {"iss": None}, id="iss-missing"),
        pytest.param(lambda _: {"iss": "other-till"}, id="iss-another-client"),
        pytest.param(lambda _: {"iss": 5}, id="iss-a-number"),
    ],
)
@pytest.mark.clause("ciba-7.1.1-6")
def test_the_issuer_of_a_request_is_its_client(change: Change):
    """Iss is required and equals the client_id."""
    client = signer()
    refuse(client, client.request_object(**change(client.now())))


@pytest.mark.clause("rfc9101-5-2")
def test_a_request_may_name_its_client_and_no_other():
    """Whoever is named in it beside iss is the one who signed it."""
    client = signer()
    assert verified(client, client.request_object(client_id="till"))
    for another in ("other-till", "Till", "", 5, ["till"]):
        refuse(client, client.request_object(client_id=another))


@pytest.mark.parametrize("name", ["request", "request_uri"])
@pytest.mark.clause("rfc9101-4-2")
def test_a_request_holds_no_other_request(name: str):
    """Neither by value nor by address, whatever it is."""
    client = signer()
    for value in (client.request_object(), "https://till.example/request", "", 5):
        refuse(client, client.request_object(**{name: value}))


@pytest.mark.parametrize(
    ("audience", "is_right"),
    [
        (ISSUER, True),
        ([ISSUER], True),
        (["https://other.example", ISSUER], True),
        (None, False),
        ([], False),
        ("https://other.example", False),
        (f"{ISSUER}/", False),
        (f"{ISSUER}/token", False),
        ([f"{ISSUER}/bc-authorize"], False),
        (5, False),
        ([ISSUER, 5], False),
        (f"{ISSUER} https://other.example", False),
    ],
)
@pytest.mark.clause("ciba-7.1.1-5", "fapi1-p2-5.2.2-15")
def test_the_audience_of_a_request_contains_the_issuer(audience: Any, *, is_right: bool):
    """An endpoint's URL alone is not enough, and nothing is normalised."""
    client = signer()
    request = client.request_object(aud=audience)
    if is_right:
        assert verified(client, request)
    else:
        refuse(client, request)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda _: {"exp": None},
            marks=pytest.mark.clause("ciba-7.1.1-7", "fapi-ciba-5.2.2-9"),
            id="exp-missing",
        ),
        pytest.param(
            lambda now: {"exp": now},
            marks=pytest.mark.clause("ciba-7.1.1-7"),
            id="exp-now",
        ),
        pytest.param(
            lambda now: {"exp": now - 3600, "nbf": now - 3601},
            marks=pytest.mark.clause("ciba-7.1.1-7"),
            id="exp-an-hour-ago",
        ),
        pytest.param(lambda now: {"exp": f"{now + 60}"}, id="exp-a-string"),
        pytest.param(lambda now: {"exp": 10**400, "nbf": now - 0.5}, id="exp-endless"),
        pytest.param(
            lambda now: {"exp": now + 3601},
            marks=pytest.mark.clause("fapi-ciba-5.2.2-9", "fapi1-p2-5.2.2-13"),
            id="span-over-an-hour",
        ),
        pytest.param(
            lambda _: {"nbf": None},
            marks=pytest.mark.clause("ciba-7.1.1-9", "fapi-ciba-5.2.2-9"),
            id="nbf-missing",
        ),
        pytest.param(
            lambda now: {"nbf": now + 11},
            marks=pytest.mark.clause("ciba-7.1.1-9"),
            id="nbf-ahead",
        ),
        pytest.param(
            lambda now: {"nbf": now - 3601, "exp": now - 3601 + 3599},
            marks=pytest.mark.clause("fapi1-p2-5.2.2-17"),
            id="nbf-over-an-hour-old",
        ),
        pytest.param(
            lambda now: {"nbf": now - 3601, "exp": now + 10},
            marks=pytest.mark.clause("fapi1-p2-5.2.2-17"),
            id="nbf-over-an-hour-old-and-unexpired",
        ),
        pytest.param(
            lambda _: {"iat": None}, marks=pytest.mark.clause("ciba-7.1.1-8"), id="iat-missing"
        ),
        pytest.param(
            lambda now: {"iat": now + 11},
            marks=pytest.mark.clause("fapi2-sp-5.3.2.1-13"),
            id="iat-ahead",
        ),
        pytest.param(
            lambda now: {"iat": now + 61, "nbf": now},
            marks=pytest.mark.clause("fapi2-sp-5.3.2.1-13"),
            id="iat-a-minute-ahead",
        ),
        pytest.param(lambda _: {"iat": True}, id="iat-a-boolean"),
        pytest.param(
            lambda _: {"jti": None}, marks=pytest.mark.clause("ciba-7.1.1-10"), id="jti-missing"
        ),
        pytest.param(lambda _: {"jti": ""}, id="jti-empty"),
        pytest.param(lambda _: {"jti": "j" * 513}, id="jti-too-long"),
        pytest.param(
            lambda _: {"sub": "till"},
            marks=pytest.mark.clause("rfc9101-10.8-1"),
            id="sub-the-client",
        ),
    ],
)
@pytest.mark.clause("ciba-7.2-2")
def test_a_request_that_breaks_a_claim_rule_is_refused(change: Change):
    """Times are required, bounded and of now; jti is required."""
    client = signer()
    refuse(client, client.request_object(**change(client.now())))


@pytest.mark.clause("fapi2-sp-5.3.2.1-13", "fapi1-p2-5.2.2-13", "fapi1-p2-5.2.2-17")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda now: {"iat": now + 10, "nbf": now + 10}, id="ten-seconds-ahead"),
        pytest.param(lambda now: {"nbf": now, "exp": now + 3600}, id="an-hour-to-come"),
        pytest.param(lambda now: {"nbf": now - 3599, "exp": now + 1}, id="nearly-an-hour-old"),
        pytest.param(lambda now: {"nbf": now - 60, "iat": now - 60}, id="a-minute-old"),
    ],
)
def test_the_bounds_themselves_are_accepted(change: Change):
    """Sixty minutes are not more than sixty minutes."""
    client = signer()
    assert verified(client, client.request_object(**change(client.now())))


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(
            lambda _: unsecured({"iss": "till"}),
            marks=pytest.mark.clause("ciba-7.1.1-4", "fapi-ciba-7.10-3"),
            id="alg-none",
        ),
        pytest.param(
            lambda client: client.request_object(
                header={"alg": "RS256"}, key=reused(client.key, "RS256")
            ),
            marks=pytest.mark.clause("ciba-4-11", "fapi-ciba-7.10-1", "fapi-ciba-7.10-2"),
            id="RS256-by-the-same-key",
        ),
        pytest.param(
            lambda client: client.request_object()[:-8] + "AAAAAAAA",
            marks=pytest.mark.clause("rfc8725-3.3-1"),
            id="mangled-signature",
        ),
        pytest.param(
            lambda client: client.request_object(key=new_key("PS256")),
            marks=pytest.mark.clause("ciba-7.1.1-14"),
            id="another-clients-key",
        ),
        pytest.param(
            lambda client: client.request_object(header={"kid": "key-2"}),
            marks=pytest.mark.clause("ciba-7.1.1-14"),
            id="unknown-kid",
        ),
        pytest.param(lambda client: sign(client.header(), b"[]", client.key), id="not-an-object"),
        pytest.param(
            lambda client: sign(client.header(), b'{"iss":"till","iss":"till"}', client.key),
            id="repeated-claim",
        ),
        pytest.param(lambda _: "request", id="no-jws"),
        pytest.param(
            lambda client: jwe.encrypt_compact(
                {"alg": "ECDH-ES", "enc": "A256GCM", "cty": "JWT"},
                client.request_object().encode(),
                ECKey.generate_key("P-256"),
            ),
            marks=pytest.mark.clause("ciba-7.1.1-13"),
            id="encrypted",
        ),
    ],
)
def test_a_request_the_client_did_not_sign_is_refused(bend: Callable[[WireClient], str]):
    """Only a signature by a registered key and with the registered algorithm counts."""
    client = signer("PS256")
    refuse(client, bend(client))


@pytest.mark.parametrize("typ", [None, "JWT", "oauth-authz-req+jwt", "OAuth-aUthZ-rEq+JwT"])
def test_the_type_of_a_request_is_compared_without_case(typ: str | None):
    """Absent, general or its own, in any case."""
    client = signer()
    assert verified(client, client.request_object(header={"typ": typ}))


@pytest.mark.clause("rfc8725-3.12-1")
@pytest.mark.parametrize("typ", ["client-authentication+jwt", "at+jwt", "dpop+jwt", "", "JOSE"])
def test_an_object_of_another_type_is_no_request(typ: str):
    """What is typed for another use asks for nothing."""
    client = signer()
    refuse(client, client.request_object(header={"typ": typ}))


@pytest.mark.clause("ciba-7.1.1-2", "fapi1-p2-5.2.2-10")
@pytest.mark.parametrize("name", sorted(AUTHENTICATION_PARAMETERS))
def test_no_parameter_stands_beside_the_request(name: str):
    """Not even with the value that was signed."""
    client = signer()
    refuse(client, client.request_object(**{name: "openid"}), **{name: "openid"})


@pytest.mark.clause("ciba-4-11")
def test_a_client_that_registered_no_algorithm_does_not_sign():
    """Its signed request is refused, however right."""
    client = signer(backchannel_authentication_request_signing_alg=None)
    refuse(client, client.request_object())


@pytest.mark.clause("rfc9101-10.8-1", "rfc8725-3.12-1")
def test_assertion_and_request_do_not_stand_in_for_each_other():
    """Neither passes as the other, even when it has all claims of both but the telling ones."""
    client = signer()
    refuse(client, client.assertion())
    refuse(client, client.assertion(nbf=client.now(), scope="openid", login_hint="alice"))
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": client.request_object()}
    with pytest.raises(InvalidClientError):
        verify_assertion(
            parse_assertion(form),
            client=registered(client),
            audiences=Audiences(ISSUER, frozenset()),
            now=client.now(),
        )


@pytest.mark.clause("ciba-7.1-19")
def test_extensions_keep_their_json_types():
    """Extension parameters arrive as the JSON values they were."""
    client = signer()
    details = [{"type": "payment_initiation"}]
    signed = verified(client, client.request_object(authorization_details=details))
    assert signed.parameters.get("authorization_details") == json.loads(json.dumps(details))
