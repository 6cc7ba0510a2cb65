"""``login_hint_token``: whom a known issuer names, and every reason not to believe it."""

from typing import Any

import pytest

from ciba_service.protocol.errors import (
    ExpiredLoginHintTokenError,
    UnknownUserIdError,
)
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.request.hints import IdentifierKind, LoginHintToken, UserIdentifier
from ciba_service.protocol.request.login_hint_token import (
    HintReplay,
    LoginHintIssuer,
    VerifiedLoginHintToken,
    verify_login_hint_token,
)
from ciba_service.protocol.request.parameters import Parameters, parse_hint
from tests.unit.protocol.registrations import ISSUER, key_for
from tests.wire.signing import JoseKey, new_key, public_jwk, sign, unsecured

NOW = 1_795_230_000
FINDER = "https://finder.example"
OTHER = "https://other-finder.example"
KEY = key_for("ES256", "finder-1")


def known(iss: str = FINDER, key: JoseKey = KEY, **rules: Any) -> LoginHintIssuer:
    """An issuer of hints as it is configured."""
    rules = {"algorithms": frozenset({SignatureAlgorithm.ES256}), **rules}
    return LoginHintIssuer(iss=iss, keys=KeySet.parse({"keys": [public_jwk(key)]}), **rules)


def token(*, header: dict[str, Any] | None = None, key: JoseKey = KEY, **changed: Any) -> str:
    """A right token but for what is changed; None leaves a claim out."""
    claims = {
        "iss": FINDER,
        "aud": ISSUER,
        "iat": NOW,
        "exp": NOW + 300,
        "sub_id": {"format": "opaque", "id": "customer-17"},
        **changed,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return sign({"alg": "ES256", "kid": "finder-1", **(header or {})}, present, key)


def verified(text: str, *issuers: LoginHintIssuer) -> VerifiedLoginHintToken:
    """Read and verify as the service would."""
    hint = parse_hint(Parameters({"login_hint_token": text}))
    assert isinstance(hint, LoginHintToken)
    return verify_login_hint_token(hint, issuers=issuers or (known(),), issuer=ISSUER, now=NOW)


def refuse(text: str, *issuers: LoginHintIssuer) -> None:
    """Hold that a token leads to nobody: 400 unknown_user_id."""
    with pytest.raises(UnknownUserIdError) as refused:
        verified(text, *issuers)
    assert (refused.value.status_code, refused.value.error) == (400, "unknown_user_id")
    assert refused.value.__cause__ is not None


@pytest.mark.parametrize(
    ("claims", "kind", "value"),
    [
        ({"sub_id": {"format": "opaque", "id": "customer-17"}}, "name", "customer-17"),
        ({"sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "alice"}}, "sub", "alice"),
        ({"sub_id": {"format": "email", "email": "Alice@B.example"}}, "email", "alice@b.example"),
        (
            {"sub_id": {"format": "phone_number", "phone_number": "+12065550100"}},
            "phone_number",
            "+12065550100",
        ),
        ({"sub_id": None, "sub": "customer-17"}, "name", "customer-17"),
        ({"sub": "ignored"}, "name", "customer-17"),
    ],
)
def test_a_right_token_names_the_user(claims: dict[str, Any], kind: str, value: str):
    """By a subject identifier in one of four formats, or else by sub; nothing is to be spent."""
    expected = UserIdentifier(IdentifierKind(kind), value)
    assert verified(token(**claims, unknown=1)) == VerifiedLoginHintToken(expected, None)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["https://op-2.example", ISSUER]},
        {"aud": "finder's name for us"},
        {"iat": None},
        {"iat": NOW + 10, "nbf": NOW + 10},
        {"exp": NOW + 3600},
        {"iat": None, "exp": NOW + 3610},
    ],
)
def test_the_bounds_themselves_are_accepted(claims: dict[str, Any]):
    """Several audiences, further names of this service, a little skew, a whole hour."""
    assert verified(token(**claims), known(audiences=frozenset({"finder's name for us"})))


@pytest.mark.parametrize("typ", [None, "JWT", "application/jwt"])
def test_a_token_says_jwt_or_nothing(typ: str | None):
    """There is no registered type for it."""
    assert verified(token(header={} if typ is None else {"typ": typ}))


@pytest.mark.clause("ciba-7.2-5")
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": None},
        {"iss": OTHER},
        {"iss": f"{FINDER}/"},
        {"iss": 5},
        {"aud": None},
        {"aud": f"{ISSUER}/"},
        {"aud": []},
        {"aud": ["https://op-2.example"]},
        {"exp": None},
        {"exp": f"{NOW + 60}"},
        {"exp": NOW + 3611, "iat": None},
        {"iat": NOW - 3600, "exp": NOW + 1},
        {"iat": NOW + 11},
        {"iat": "now"},
        {"nbf": NOW + 11},
        {"sub_id": None},
        {"sub_id": None, "sub": ""},
        {"sub_id": None, "sub": ["alice"]},
        {"sub_id": None, "sub": "a" * 256},
        {"sub_id": None, "sub": "a\nb"},
        {"sub_id": "alice", "sub": "alice"},
        {"sub_id": {}, "sub": "alice"},
        {"sub_id": {"format": "account", "uri": "acct:alice@b.example"}},
        {"sub_id": {"format": "aliases", "identifiers": []}},
        {"sub_id": {"format": ["opaque"], "id": "alice"}},
        {"sub_id": {"format": "opaque"}},
        {"sub_id": {"format": "opaque", "id": 17}},
        {"sub_id": {"format": "opaque", "id": "a" * 256}},
        {"sub_id": {"format": "iss_sub", "sub": "alice"}},
        {"sub_id": {"format": "iss_sub", "iss": FINDER, "sub": "alice"}},
        {"sub_id": {"format": "iss_sub", "iss": ISSUER}},
        {"sub_id": {"format": "email", "email": "alice"}},
        {"sub_id": {"format": "email", "email": "+12065550100"}},
        {"sub_id": {"format": "phone_number", "phone_number": "2065550100"}},
        {"sub_id": {"format": "phone_number", "phone_number": "alice@b.example"}},
    ],
    ids=lambda claims: repr(claims)[:50],
)
def test_a_token_that_breaks_a_claim_rule_names_nobody(claims: dict[str, Any]):
    """Issuer, audience, times and subject are all held against what is configured."""
    refuse(token(**claims))


@pytest.mark.clause("ciba-14-1")
@pytest.mark.parametrize(
    "text",
    [
        token(key=new_key("ES256", "finder-1")),
        token()[:-8] + "AAAAAAAA",
        token(header={"kid": "finder-2"}),
        token(header={"alg": "PS256"}, key=key_for("PS256")),
        unsecured({"iss": FINDER, "aud": ISSUER, "exp": NOW + 60, "sub": "alice"}),
        token(iss=OTHER),
        token(header={"typ": "at+jwt"}),
        token(header={"typ": "oauth-authz-req+jwt"}),
        token(header={"jwk": public_jwk(new_key())}, key=new_key()),
    ],
    ids=[
        *("stranger", "mangled", "unknown-kid", "other-alg", "unsecured", "other-issuers-key"),
        *("access-token", "request-object", "own-key-in-header"),
    ],
)
def test_a_token_its_issuer_did_not_sign_names_nobody(text: str):
    """Only a key and an algorithm of that very issuer count, whoever else is known."""
    refuse(text, known(), known(OTHER, new_key("ES256", "finder-1")))


def test_without_issuers_no_token_names_anybody():
    """A service that was given none takes none."""
    hint = parse_hint(Parameters({"login_hint_token": token()}))
    assert isinstance(hint, LoginHintToken)
    with pytest.raises(UnknownUserIdError):
        verify_login_hint_token(hint, issuers=(), issuer=ISSUER, now=NOW)


@pytest.mark.clause("ciba-13-5")
@pytest.mark.parametrize("exp", [NOW, NOW - 1, 0])
def test_an_expired_token_is_told_apart(exp: int):
    """The client may get a fresh one."""
    with pytest.raises(ExpiredLoginHintTokenError) as refused:
        verified(token(iat=None, exp=exp))
    assert (refused.value.status_code, refused.value.error) == (400, "expired_login_hint_token")


@pytest.mark.parametrize(
    "wrong", [{"key": new_key("ES256", "finder-1")}, {"aud": "x"}, {"sub_id": {}}, {"iss": OTHER}]
)
def test_a_wrong_token_is_not_called_expired(wrong: dict[str, Any]):
    """A fresh one like it would not help."""
    refuse(token(**{"exp": NOW - 1, **wrong}))


def test_a_token_of_a_single_use_issuer_is_to_be_spent():
    """Its jti is, among those of its issuer, until it expires."""
    issuer = known(single_use=True)
    assert verified(token(jti="once"), issuer).replay == HintReplay(FINDER, "once", NOW + 300)
    for jti in (None, "", 5, "j" * 513):
        refuse(token(jti=jti), issuer)
