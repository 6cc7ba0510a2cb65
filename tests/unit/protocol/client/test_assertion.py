"""private_key_jwt: what proves a client, and every reason why something else does not."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ciba_service.protocol.client.assertion import (
    Audiences,
    VerifiedAssertion,
    parse_assertion,
    verify_assertion,
)
from ciba_service.protocol.errors import InvalidClientError
from tests.unit.protocol.registrations import ISSUER, key_for, registered, reused, signer
from tests.wire.client import WireClient
from tests.wire.signing import new_key, sign, unsecured

TOKEN = f"{ISSUER}/token"
BACKCHANNEL = f"{ISSUER}/bc-authorize"
AUDIENCES = Audiences(ISSUER, frozenset({TOKEN, BACKCHANNEL}))

Change = Callable[[WireClient], dict[str, Any]]


def authenticated(client: WireClient, form: Mapping[str, str]) -> VerifiedAssertion:
    """Verify a form as the service would."""
    return verify_assertion(
        parse_assertion(form), client=registered(client), audiences=AUDIENCES, now=client.now()
    )


def refuse(client: WireClient, form: Mapping[str, str]) -> None:
    """Hold that a form proves nobody: 401 invalid_client."""
    with pytest.raises(InvalidClientError) as refused:
        authenticated(client, form)
    assert (refused.value.status_code, refused.value.error) == (401, "invalid_client")
    assert refused.value.__cause__ is not None


@pytest.mark.clause("oidc-9-6", "ciba-7.1-1")
@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
def test_a_right_assertion_proves_the_client(alg: str):
    """It yields the client, the jti to spend and until when; unknown claims do not matter."""
    client = signer(alg)
    form = client.credentials(jti="once", unknown={"claim": 1}) | {"client_id": "till"}
    verified = authenticated(client, form)
    assert verified.client.client_id == "till"
    assert (verified.jti, verified.expires_at) == ("once", client.now() + 60)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: {"iss": None}, id="no-iss"),
        pytest.param(lambda _: {"iss": "other-till"}, id="iss-of-another-client"),
        pytest.param(lambda _: {"iss": 5}, id="iss-a-number"),
        pytest.param(lambda _: {"sub": None}, id="no-sub"),
        pytest.param(lambda _: {"sub": "other-till"}, id="sub-of-another-client"),
        pytest.param(lambda _: {"sub": ["till"]}, id="sub-a-list"),
    ],
)
@pytest.mark.clause("oidc-9-1", "rfc7523-3-1", "rfc8725-3.8-1")
def test_iss_and_sub_are_both_the_client(change: Change):
    """Neither may be missing or somebody else."""
    client = signer()
    refuse(client, client.credentials(**change(client)))


@pytest.mark.parametrize(
    "audience",
    [
        None,
        "",
        "https://other.example",
        f"{ISSUER}/",
        ISSUER.upper(),
        f"{TOKEN}/",
        [],
        ["https://other.example"],
        [ISSUER, 5],
        {"aud": ISSUER},
        5,
    ],
)
@pytest.mark.clause("oidc-9-2", "rfc7523-3-2", "rfc8725-3.9-1")
def test_an_audience_that_does_not_name_the_service_is_refused(audience: Any):
    """Strings are compared as they are, without normalisation."""
    client = signer()
    refuse(client, client.credentials(aud=audience))


@pytest.mark.clause("ciba-7.1-2")
@pytest.mark.parametrize("profile", ["ciba-core", "fapi-ciba"])
@pytest.mark.parametrize(
    "audience",
    [ISSUER, TOKEN, BACKCHANNEL, [ISSUER], [TOKEN], ["https://other.example", BACKCHANNEL]],
)
def test_issuer_and_endpoints_are_audiences(profile: str, audience: Any):
    """CIBA 7.1: the issuer, the token endpoint and the backchannel endpoint, alone or in a list."""
    client = signer(profile=profile)
    assert authenticated(client, client.credentials(aud=audience))


@pytest.mark.clause("fapi2-sp-5.3.2.1-8")
@pytest.mark.parametrize("audience", [TOKEN, BACKCHANNEL, [ISSUER], [ISSUER, TOKEN]])
def test_fapi2_takes_the_issuer_as_a_string_only(audience: Any):
    """FAPI 2.0 is stricter than CIBA: no endpoint and no array."""
    client = signer(profile="fapi2-ciba")
    assert authenticated(client, client.credentials(aud=ISSUER))
    refuse(client, client.credentials(aud=audience))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: {"exp": None}, id="no-exp"),
        pytest.param(lambda client: {"exp": str(client.now() + 60)}, id="exp-a-string"),
        pytest.param(lambda client: {"exp": client.now() - 1}, id="exp-passed"),
        pytest.param(lambda client: {"exp": client.now()}, id="exp-now"),
        pytest.param(lambda client: {"exp": client.now() + 311, "iat": None}, id="exp-too-far"),
        pytest.param(lambda client: {"exp": client.now() + 301}, id="lives-too-long"),
        pytest.param(lambda client: {"iat": client.now() - 241}, id="lived-too-long"),
        pytest.param(lambda _: {"exp": 10**400}, id="exp-endless"),
        pytest.param(
            lambda client: {"exp": client.now() + 60.5, "iat": -(10**400)}, id="iat-beginningless"
        ),
    ],
)
@pytest.mark.clause("oidc-9-4", "rfc7523-3-3", "rfc7523-3-5")
def test_an_assertion_of_fapi_lives_five_minutes_at_most(change: Change):
    """It needs an exp that has not passed and is not far from iat and now."""
    client = signer(profile="fapi2-ciba")
    refuse(client, client.credentials(**change(client)))


@pytest.mark.clause("rfc7523-3-5")
@pytest.mark.parametrize(
    ("profile", "seconds"), [("fapi-ciba", 300), ("fapi2-ciba", 300), ("ciba-core", 3600)]
)
def test_each_profile_has_a_longest_life_of_assertions(profile: str, seconds: int):
    """The bound itself is within it, and a clock that is a little ahead."""
    client = signer(profile=profile)
    now = client.now()
    assert authenticated(client, client.credentials(exp=now + seconds))
    assert authenticated(client, client.credentials(exp=now + seconds + 10, iat=None))
    refuse(client, client.credentials(exp=now + seconds + 1))
    refuse(client, client.credentials(exp=now + seconds + 11, iat=None))


@pytest.mark.clause("fapi2-sp-5.3.2.1-13", "rfc7523-3-4")
@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_little_of_the_future_is_accepted(name: str):
    """Ten seconds ahead is a clock, sixty are none."""
    client = signer()
    assert authenticated(client, client.credentials(**{name: client.now() + 10}))
    for seconds in (11, 60, 61):
        refuse(client, client.credentials(**{name: client.now() + seconds}))
    refuse(client, client.credentials(**{name: "now"}))


@pytest.mark.clause("oidc-9-3")
@pytest.mark.parametrize("jti", [None, "", 5, "j" * 513])
def test_a_jti_is_demanded(jti: Any):
    """Without a name of bounded length nothing can be found used."""
    client = signer()
    refuse(client, client.credentials(jti=jti))


@pytest.mark.parametrize(
    "typ",
    ["oauth-authz-req+jwt", "at+jwt", "dpop+jwt", "ciba-decision+jwt", "application/logout+jwt"],
)
@pytest.mark.clause("rfc8725-3.12-1", "rfc9101-10.8-1", "rfc7523bis-4-2")
def test_an_object_of_another_type_is_no_assertion(typ: str):
    """What is typed for another use proves nobody."""
    client = signer()
    refuse(client, client.credentials(header={"typ": typ}))


@pytest.mark.clause("rfc7523bis-4-2")
@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt"])
def test_a_typed_assertion_is_accepted(typ: str):
    """The general type and the one made for it are taken in any case."""
    client = signer()
    assert authenticated(client, client.credentials(header={"typ": typ}))


def _rs256_with_the_registered_key(client: WireClient) -> str:
    return client.assertion(header={"alg": "RS256"}, key=reused(client.key, "RS256"))


@pytest.mark.clause(
    "oidr-2-2", "fapi-ciba-7.10-1", "fapi-ciba-7.10-2", "rfc8725-3.1-1", "fapi2-sp-5.4.1-1"
)
@pytest.mark.parametrize("profile", ["ciba-core", "fapi-ciba", "fapi2-ciba"])
def test_another_algorithm_than_the_registered_one_is_refused(profile: str):
    """The client's own key under RS256 proves nothing when PS256 was registered."""
    client = signer("PS256", profile=profile)
    form = {**client.credentials(), "client_assertion": _rs256_with_the_registered_key(client)}
    refuse(client, form)


@pytest.mark.clause("fapi-ciba-7.10-1", "fapi-ciba-7.10-2")
def test_without_a_registered_algorithm_the_profile_decides():
    """CIBA Core takes RS256 from a client that registered none; FAPI never does."""
    for profile, is_allowed in (("ciba-core", True), ("fapi-ciba", False), ("fapi2-ciba", False)):
        jwk = {**key_for("PS256").as_dict(private=False)}
        client = signer("PS256", profile=profile, jwks={"keys": [jwk | {"alg": "RS256"}]})
        client.metadata["token_endpoint_auth_signing_alg"] = None
        form = {**client.credentials(), "client_assertion": _rs256_with_the_registered_key(client)}
        if is_allowed:
            assert authenticated(client, form)
        else:
            refuse(client, form)


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "a.b", id="no-jws"),
        pytest.param(
            lambda client: unsecured({"iss": "till", "sub": "till", "aud": client.issuer}),
            id="alg-none",
        ),
        pytest.param(
            lambda client: client.assertion(key=new_key(kid="key-1")), id="another-clients-key"
        ),
        pytest.param(lambda client: client.assertion(header={"kid": "key-2"}), id="unknown-kid"),
        pytest.param(lambda client: client.assertion()[:-8] + "AAAAAAAA", id="mangled-signature"),
        pytest.param(
            lambda client: sign(client.header(), b"[]", client.key), id="payload-not-an-object"
        ),
        pytest.param(
            lambda client: sign(client.header(), b'{"sub": "till", "sub": "other"}', client.key),
            id="repeated-claim",
        ),
    ],
)
@pytest.mark.clause("rfc7523-3-7", "rfc7523-3.2-1", "ciba-13-8")
def test_an_assertion_the_client_did_not_sign_is_refused(bend: Callable[[WireClient], str]):
    """Nothing but a signature by a registered key proves the client."""
    client = signer()
    refuse(client, {**client.credentials(), "client_assertion": bend(client)})


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"client_assertion_type": ""}, id="no-type"),
        pytest.param({"client_assertion_type": "jwt-bearer"}, id="unknown-type"),
        pytest.param(
            {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
            id="saml",
        ),
        pytest.param(
            {"client_id": "other-till"},
            marks=pytest.mark.clause("rfc7521-4.2-1", "fapi1-p1-5.2.2-19"),
            id="another-client-id",
        ),
        pytest.param(
            {"client_secret": "secret"},
            marks=pytest.mark.clause("rfc6749-2.3-1"),
            id="a-second-method",
        ),
    ],
)
@pytest.mark.clause("oidc-9-5", "ciba-4-13", "fapi1-p2-5.2.2-14", "fapi2-sp-5.3.2.1-6")
def test_a_form_that_authenticates_in_another_way_is_refused(changed: dict[str, str]):
    """One method, the registered one, for one client."""
    client = signer()
    refuse(client, {**client.credentials(), **changed})


def test_a_form_without_any_authentication_is_refused():
    """A client_id alone proves nobody."""
    refuse(signer(), {"client_id": "till"})


def test_a_presented_assertion_shows_no_content():
    """Neither the token nor its claims stand in a repr."""
    client = signer()
    presented = parse_assertion(client.credentials(jti="a-name"))
    assert "a-name" not in repr(presented)
