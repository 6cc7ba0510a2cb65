"""Client assertions with one defect each (RFC 7523 3, OpenID Connect Core 9)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from joserfc.jwk import RSAKey

from ciba_client.conformance.check import NotApplicable
from ciba_client.conformance.parties.client import MadeForm, ScriptedClient
from ciba_client.conformance.parties.signer import Signer, new_stranger, truthful
from ciba_client.conformance.profile import FAPI, FAPI2, Profile
from ciba_client.conformance.provider import TOKEN
from ciba_client.conformance.stage import Stage

__all__ = ["DEFECTS", "REPLAYED", "Defect", "signing_client"]

_HOUR: Final = 3600
_TEN_MINUTES: Final = 600
_ALGORITHM_MODULE: Final = "ensure-client-assertion-signature-algorithm-in"
REPLAYED: Final = "assertion-replayed"

Prover = Callable[[Stage], MadeForm]
"""How the form parameters of client authentication are made, with a defect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """``id`` and ``title`` lack the endpoint; ``also``: codes taken at the token endpoint too."""

    id: str
    title: str
    prove: Prover
    requirements: tuple[str, ...]
    modules: tuple[str, str] | None = None
    profiles: frozenset[Profile] = frozenset(Profile)
    also: tuple[str, ...] = ()


def signing_client(stage: Stage) -> ScriptedClient:
    """The client, if it is one that proves itself by assertions."""
    if stage.client.planned.by_certificate:
        raise NotApplicable("the client authenticates by its certificate")
    return stage.client


def _claims(changed: Callable[[Stage], dict[str, object]]) -> Prover:
    def prove(stage: Stage) -> MadeForm:
        client, claims = signing_client(stage), changed(stage)
        return lambda: client.credentials(claims)

    return prove


def _missing(stage: Stage) -> MadeForm:
    client = signing_client(stage)
    return lambda: {"client_id": client.client_id}


def _replayed(stage: Stage) -> MadeForm:
    used = signing_client(stage).credentials()
    return lambda: used


def _broken(stage: Stage) -> MadeForm:
    client = signing_client(stage)
    return lambda: client.credentials(
        sign=lambda key, claims: Signer(key).with_broken_signature(claims)
    )


def _unsecured(stage: Stage) -> MadeForm:
    client = signing_client(stage)
    return lambda: client.credentials(sign=lambda key, claims: Signer(key).unsecured(claims))


def _mac(stage: Stage) -> MadeForm:
    client = signing_client(stage)
    return lambda: client.credentials(
        sign=lambda key, claims: Signer(key).with_public_key_as_secret(claims)
    )


def _rs256(stage: Stage) -> MadeForm:
    client = signing_client(stage)
    if not isinstance(client.planned.key.key, RSAKey):
        raise NotApplicable("the client has no RSA key")
    return lambda: client.credentials(
        sign=lambda key, claims: Signer(key).sign(claims, alg="RS256")
    )


def _stranger(stage: Stage) -> MadeForm:
    client = signing_client(stage)
    unregistered = new_stranger(client.planned.key)
    return lambda: client.credentials(sign=lambda _key, claims: truthful(unregistered, claims))


def _other_client(stage: Stage) -> MadeForm:
    client, theirs = signing_client(stage), stage.other.planned.key
    return lambda: client.credentials(sign=lambda _key, claims: truthful(theirs, claims))


def _wrong_type(stage: Stage) -> MadeForm:
    client = signing_client(stage)
    of_saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
    return lambda: {**client.credentials(), "client_assertion_type": of_saml}


def _not_a_jwt(stage: Stage) -> MadeForm:
    client = signing_client(stage)
    return lambda: {**client.credentials(), "client_assertion": "no.jwt"}


def _another_client_id(stage: Stage) -> MadeForm:
    client, named = signing_client(stage), stage.other.client_id
    return lambda: {**client.credentials(), "client_id": named}


DEFECTS: Final = (
    Defect(
        id="assertion-missing",
        title="a client that only gives its name",
        prove=_missing,
        requirements=("oidc-9-5",),
        modules=(
            "ensure-without-client-assertion-in-backchannel-authorization-request",
            "ensure-without-client-assertion-in-token-endpoint-request",
        ),
        also=("invalid_request",),
    ),
    Defect(
        id="assertion-expired",
        title="an assertion that expired an hour ago",
        prove=_claims(lambda stage: {"exp": stage.client.now() - _HOUR}),
        requirements=("rfc7523-3-3", "oidc-9-4"),
    ),
    Defect(
        id="assertion-without-exp",
        title="an assertion that never expires",
        prove=_claims(lambda _stage: {"exp": None}),
        requirements=("rfc7523-3-1", "oidc-9-4"),
    ),
    Defect(
        id="assertion-bad-aud",
        title="an assertion for another server",
        prove=_claims(lambda _stage: {"aud": "https://other.example/"}),
        requirements=("rfc7523-3-2", "oidc-9-2"),
    ),
    Defect(
        id="assertion-without-aud",
        title="an assertion for nobody in particular",
        prove=_claims(lambda _stage: {"aud": None}),
        requirements=("rfc7523-3-1",),
    ),
    Defect(
        id="assertion-bad-iss",
        title="an assertion issued by another client",
        prove=_claims(lambda stage: {"iss": stage.other.client_id}),
        requirements=("oidc-9-1",),
    ),
    Defect(
        id="assertion-bad-sub",
        title="an assertion about another client",
        prove=_claims(lambda stage: {"sub": stage.other.client_id}),
        requirements=("oidc-9-1", "rfc7523-3-1"),
    ),
    Defect(
        id="assertion-not-yet-valid",
        title="an assertion that is not valid for ten minutes yet",
        prove=_claims(
            lambda stage: {
                "nbf": stage.client.now() + _TEN_MINUTES,
                "exp": stage.client.now() + _TEN_MINUTES + 60,
            }
        ),
        requirements=("rfc7523-3-4",),
    ),
    Defect(
        id="assertion-without-jti",
        title="an assertion without an identifier",
        prove=_claims(lambda _stage: {"jti": None}),
        requirements=("oidc-9-3",),
    ),
    Defect(
        id=REPLAYED,
        title="an assertion that was used before",
        prove=_replayed,
        requirements=("oidc-9-3", "rfc7523-3-6"),
    ),
    Defect(
        id="assertion-bad-signature",
        title="an assertion with a broken signature",
        prove=_broken,
        requirements=("rfc7523-3-7",),
    ),
    Defect(
        id="assertion-alg-none",
        title="an assertion that says it needs no signature",
        prove=_unsecured,
        requirements=("rfc7523-3-7", "fapi-ciba-7.10-3"),
    ),
    Defect(
        id="assertion-mac",
        title="an assertion signed with HS256 and the public key as secret",
        prove=_mac,
        requirements=("rfc7523-3-7",),
    ),
    Defect(
        id="assertion-rs256",
        title="an assertion signed with RS256",
        prove=_rs256,
        requirements=("fapi-ciba-7.10-1", "fapi-ciba-7.10-2"),
        modules=(
            f"{_ALGORITHM_MODULE}-backchannel-authorization-request-is-RS256-fails",
            f"{_ALGORITHM_MODULE}-token-endpoint-request-is-RS256-fails",
        ),
        profiles=FAPI,
    ),
    Defect(
        id="assertion-unregistered-key",
        title="an assertion signed with an unregistered key",
        prove=_stranger,
        requirements=("rfc7523-3-7",),
    ),
    Defect(
        id="assertion-other-client-key",
        title="an assertion signed with another client's key",
        prove=_other_client,
        requirements=("rfc7523-3-7",),
    ),
    Defect(
        id="assertion-wrong-type",
        title="an assertion of another type",
        prove=_wrong_type,
        requirements=("oidc-9-5",),
        also=("invalid_request",),
    ),
    Defect(
        id="assertion-not-a-jwt",
        title="an assertion that is no JWT",
        prove=_not_a_jwt,
        requirements=("rfc7523-3.2-1",),
        also=("invalid_request",),
    ),
    Defect(
        id="assertion-another-client-id",
        title="an assertion beside the client_id of another client",
        prove=_another_client_id,
        requirements=("rfc7521-4.2-1", "fapi1-p1-5.2.2-19"),
        also=("invalid_request",),
    ),
    Defect(
        id="assertion-aud-token-endpoint",
        title="an assertion for the token endpoint instead of the issuer",
        prove=_claims(lambda stage: {"aud": stage.client.endpoint(TOKEN)}),
        requirements=("fapi2-sp-5.3.2.1-8",),
        profiles=FAPI2,
    ),
)
