"""``id_token_hint``: an ID token of ours for this client, and nothing else."""

from typing import Any

import pytest

from ciba_service.protocol.errors import UnknownUserIdError
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.request.hints import IdentifierKind, IdTokenHint, UserIdentifier
from ciba_service.protocol.request.id_token_hint import verify_id_token_hint
from ciba_service.protocol.request.parameters import Parameters, parse_hint
from tests.unit.protocol.registrations import ISSUER, key_for, reused
from tests.wire.signing import JoseKey, new_key, public_jwk, sign, unsecured

NOW = 1_795_230_000
ACCEPTED = 86_400
ACTIVE, RETIRED, RSA = (
    key_for("ES256", "active"),
    key_for("ES256", "retired"),
    key_for("PS256", "rsa"),
)
OURS = KeySet.parse({"keys": [public_jwk(key) for key in (ACTIVE, RETIRED, RSA)]})


def id_token(*, header: dict[str, Any] | None = None, key: JoseKey = ACTIVE, **changed: Any) -> str:
    """A right ID token but for what is changed; None leaves a claim out."""
    claims = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": "till",
        "iat": NOW - 600,
        "exp": NOW + 3000,
        "auth_time": NOW - 601,
        **changed,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    whole = {"alg": "ES256", "kid": key.kid, "typ": "JWT", **(header or {})}
    return sign({name: value for name, value in whole.items() if value is not None}, present, key)


def verified(text: str) -> UserIdentifier:
    """Read and verify as the service would."""
    hint = parse_hint(Parameters({"id_token_hint": text}))
    assert isinstance(hint, IdTokenHint)
    return verify_id_token_hint(
        hint,
        issuer=ISSUER,
        keys=OURS,
        client_id="till",
        accepted_after_expiry=ACCEPTED,
        now=NOW,
    )


def refuse(text: str) -> None:
    """Hold that a token leads to nobody: 400 unknown_user_id."""
    with pytest.raises(UnknownUserIdError) as refused:
        verified(text)
    assert (refused.value.status_code, refused.value.error) == (400, "unknown_user_id")
    assert refused.value.__cause__ is not None


@pytest.mark.clause("fapi-ciba-7.2-2")
@pytest.mark.parametrize(
    "text",
    [
        id_token(),
        id_token(key=RSA, header={"alg": "PS256"}),
        id_token(aud=["till"]),
        id_token(aud=["shop", "till"]),
        id_token(exp=NOW),
        pytest.param(id_token(exp=NOW - ACCEPTED + 1), marks=pytest.mark.clause("ciba-14-3")),
        pytest.param(id_token(key=RETIRED), marks=pytest.mark.clause("ciba-14-5")),
    ],
    ids=["active", "ps256", "array", "several", "expired", "expired-long-ago", "retired-key"],
)
def test_an_id_token_of_ours_names_its_subject(text: str):
    """Whatever key of ours signed it, and for a while after it expired."""
    assert verified(text) == UserIdentifier(IdentifierKind.SUBJECT, "alice")


@pytest.mark.parametrize(
    "claims",
    [
        *(
            pytest.param(claims, marks=pytest.mark.clause("ciba-14-4"))
            for claims in (
                {"iss": None},
                {"iss": "https://other-op.example"},
                {"iss": f"{ISSUER}/"},
                {"aud": None},
                {"aud": "shop"},
                {"aud": ["shop", "store"]},
                {"aud": "till shop"},
            )
        ),
        *(
            pytest.param(claims, marks=pytest.mark.clause("ciba-14-3"))
            for claims in ({"exp": NOW - ACCEPTED}, {"exp": 0})
        ),
        {"exp": None},
        {"exp": "soon"},
        {"iat": NOW + 11},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "a" * 256},
        {"sub": "a\x00"},
    ],
    ids=repr,
)
def test_an_id_token_that_breaks_a_claim_rule_names_nobody(claims: dict[str, Any]):
    """It is of this service, for this client, about somebody, and not too old."""
    refuse(id_token(**claims))


@pytest.mark.clause("ciba-14-5")
@pytest.mark.parametrize(
    "text",
    [
        id_token(key=new_key("ES256", "active")),
        id_token()[:-8] + "AAAAAAAA",
        id_token(header={"kid": "unknown"}),
        id_token(key=reused(RSA, "RS256"), header={"alg": "RS256"}),
        unsecured({"iss": ISSUER, "aud": "till", "sub": "alice", "exp": NOW + 60}),
        id_token(key=new_key(), header={"jwk": public_jwk(new_key())}),
    ],
    ids=["stranger", "mangled", "unknown-kid", "rs256", "unsecured", "own-key-in-header"],
)
def test_an_id_token_we_did_not_sign_names_nobody(text: str):
    """The signature always counts, also where the token has expired."""
    refuse(text)


@pytest.mark.clause("rfc8725-3.12-1")
@pytest.mark.parametrize("typ", ["at+jwt", "token-introspection+jwt", "logout+jwt", "", None])
def test_another_object_of_ours_is_no_id_token(typ: str | None):
    """An access token does not pass for one, whatever its claims say."""
    refuse(id_token(header={"typ": typ}))
