"""Signed authentication requests (CIBA section 7.1.1, FAPI-CIBA section 5.2.2)."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.wrong_provider.clients.authentication import Signatures, signed_by
from tests.wrong_provider.errors import Refusal, invalid_request
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.jose import Signed
from tests.wrong_provider.provider import Client, Provider

__all__ = ["asked_parameters"]

OF_AUTHENTICATION = {"client_id", "client_assertion", "client_assertion_type"}
OF_THE_JWT = {"iss", "aud", "exp", "iat", "nbf", "jti", "sub"}
STRINGS = {"scope", "login_hint", "login_hint_token", "id_token_hint", "binding_message"}
HOUR = 3600
SKEW = 60
OF_REQUESTS = Signatures(
    unsecured=Fault.ACCEPTS_REQUEST_WITH_ALG_NONE,
    foreign_key=Fault.ACCEPTS_REQUEST_WITH_ANOTHER_CLIENTS_KEY,
    rs256=Fault.ACCEPTS_REQUEST_WITH_RS256,
    mac=Fault.ACCEPTS_REQUEST_WITH_MAC,
    broken=Fault.ACCEPTS_REQUEST_WITH_BAD_SIGNATURE,
    critical=Fault.ACCEPTS_REQUEST_WITH_UNKNOWN_CRITICAL_HEADER,
)


def asked_parameters(
    provider: Provider, client: Client, form: Mapping[str, str]
) -> Mapping[str, Any]:
    """The parameters of the request, from the signed object where there is one."""
    plain = {name: form[name] for name in form if name not in OF_AUTHENTICATION}
    text = plain.pop("request", None)
    if text is None:
        if client.signs_requests and not provider.has(Fault.ACCEPTS_UNSIGNED_REQUEST):
            raise invalid_request("The request must be signed.")
        return plain
    if plain and not provider.has(Fault.ACCEPTS_PARAMETERS_OUTSIDE_THE_REQUEST):
        raise invalid_request("There are parameters outside the signed request.")
    try:
        signed = Signed.parse(text)
    except ValueError:
        if provider.has(Fault.ANSWERS_500_TO_MALFORMED_REQUESTS):
            raise Refusal(500, "server_error", "Not so.") from None
        raise invalid_request("The signed request is malformed.") from None
    rules = (_typed, _signed_by, _issued, _for_us, _lifetime, _strings, _once)
    if not all(right for rule in rules for right in rule(provider, client, signed)):
        raise invalid_request("The signed request is not right.")
    inside = {name: signed.claims[name] for name in signed.claims if name not in OF_THE_JWT}
    return {**plain, **inside}


def _typed(provider: Provider, _: Client, signed: Signed) -> Iterator[bool]:
    typ = signed.header.get("typ")
    if typ is not None:
        yield str(typ).lower() in {"oauth-authz-req+jwt", "jwt"}
        yield not provider.has(Fault.REFUSES_REQUEST_WITH_TYP)


def _signed_by(provider: Provider, client: Client, signed: Signed) -> Iterator[bool]:
    yield signed_by(provider, client, signed, OF_REQUESTS)


def _issued(provider: Provider, client: Client, signed: Signed) -> Iterator[bool]:
    match signed.claims.get("iss"):
        case None:
            yield provider.has(Fault.ACCEPTS_REQUEST_WITHOUT_ISS)
        case iss:
            right = iss == client.client_id
            yield right or provider.has(Fault.ACCEPTS_REQUEST_WITH_OTHER_ISS)


def _for_us(provider: Provider, _: Client, signed: Signed) -> Iterator[bool]:
    match signed.claims.get("aud"):
        case None:
            yield provider.has(Fault.ACCEPTS_REQUEST_WITHOUT_AUD)
        case aud:
            right = provider.issuer in (aud if isinstance(aud, list) else [aud])
            if isinstance(aud, list) and provider.has(Fault.REFUSES_REQUEST_WITH_LIST_OF_AUDIENCES):
                right = False
            yield right or provider.has(Fault.ACCEPTS_REQUEST_WITH_FOREIGN_AUD)


def _lifetime(provider: Provider, _: Client, signed: Signed) -> Iterator[bool]:
    now, claims = provider.time.now(), signed.claims
    absent = {
        "exp": Fault.ACCEPTS_REQUEST_WITHOUT_EXP,
        "iat": Fault.ACCEPTS_REQUEST_WITHOUT_IAT,
        "nbf": Fault.ACCEPTS_REQUEST_WITHOUT_NBF,
    }
    for name, fault in absent.items():
        yield isinstance(claims.get(name, now), int | float)
        yield name in claims or provider.has(fault)
    exp, iat = claims.get("exp", now + 1), claims.get("iat", now)
    nbf = claims.get("nbf", now)
    yield exp > now or provider.has(Fault.ACCEPTS_EXPIRED_REQUEST)
    yield exp <= now + HOUR + SKEW or provider.has(Fault.ACCEPTS_REQUEST_WITH_FAR_EXP)
    yield iat <= now + SKEW
    yield nbf <= now + SKEW or provider.has(Fault.ACCEPTS_REQUEST_BEFORE_NBF)
    old = nbf < now - HOUR or exp - nbf > HOUR
    far = exp > now + HOUR
    yield not old or far or provider.has(Fault.ACCEPTS_REQUEST_WITH_OLD_NBF)


def _strings(provider: Provider, _: Client, signed: Signed) -> Iterator[bool]:
    texts = all(isinstance(signed.claims.get(name, ""), str) for name in STRINGS)
    yield texts or provider.has(Fault.ACCEPTS_PARAMETERS_THAT_ARE_NO_STRINGS)


def _once(provider: Provider, client: Client, signed: Signed) -> Iterator[bool]:
    match signed.claims.get("jti"):
        case str() as jti if jti:
            fresh = provider.spend("request", client.client_id, jti)
            yield fresh or provider.has(Fault.ACCEPTS_REPLAYED_REQUEST)
        case _:
            yield provider.has(Fault.ACCEPTS_REQUEST_WITHOUT_JTI)
