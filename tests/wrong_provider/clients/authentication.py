"""``private_key_jwt`` and certificates: who asks (CIBA section 7.1, RFC 7523, RFC 8705)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from starlette.requests import Request

from tests.wrong_provider.clients.certificates import certificate_of
from tests.wrong_provider.errors import Refusal, invalid_client
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.jose import Signed, verified
from tests.wrong_provider.provider import Client, Provider

__all__ = ["Signatures", "authenticate", "not_allowed", "signed_by"]

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SKEW = 60


def authenticate(provider: Provider, request: Request, form: dict[str, str]) -> Client:
    """The client that asks; everything that is wrong is one and the same refusal."""
    client = _client(provider, request, form)
    named = form.get("client_id", client.client_id)
    if named != client.client_id and not provider.has(Fault.IGNORES_CLIENT_ID_OF_THE_FORM):
        raise invalid_client()
    return client


@dataclass(frozen=True)
class Signatures:
    """The faults of verifying one kind of signed object."""

    unsecured: Fault
    foreign_key: Fault
    rs256: Fault
    mac: Fault
    broken: Fault
    critical: Fault | None = None


def signed_by(provider: Provider, client: Client, signed: Signed, faults: Signatures) -> bool:
    """Whether the client signed it, with the algorithm that it is registered for."""
    alg = signed.header.get("alg")
    ignored = faults.critical is not None and provider.has(faults.critical)
    if "crit" in signed.header and not ignored:
        return False
    if alg in {"none", "HS256"}:
        return provider.has(faults.unsecured if alg == "none" else faults.mac)
    foreign = provider.has(faults.foreign_key)
    owners: Iterable[Client] = provider.clients.values() if foreign else [client]
    keys = [key for owner in owners for key in owner.keys]
    algorithms = [owner.alg for owner in owners]
    if provider.has(faults.rs256):
        algorithms.append("RS256")
    unchecked = provider.has(faults.broken) and alg in algorithms
    return unchecked or verified(signed, keys, algorithms)


OF_ASSERTIONS = Signatures(
    unsecured=Fault.ACCEPTS_ASSERTION_WITH_ALG_NONE,
    foreign_key=Fault.ACCEPTS_ASSERTION_WITH_ANOTHER_CLIENTS_KEY,
    rs256=Fault.ACCEPTS_ASSERTION_WITH_RS256,
    mac=Fault.ACCEPTS_ASSERTION_WITH_MAC,
    broken=Fault.ACCEPTS_ASSERTION_WITH_BAD_SIGNATURE,
)


def _client(provider: Provider, request: Request, form: dict[str, str]) -> Client:
    assertion = form.get("client_assertion")
    if assertion is None:
        return _without_assertion(provider, request, form)
    typed = form.get("client_assertion_type") == TYPE
    if not typed and not provider.has(Fault.ACCEPTS_ASSERTION_WITHOUT_TYPE):
        raise invalid_client()
    try:
        signed = Signed.parse(assertion)
    except ValueError:
        if provider.has(Fault.ANSWERS_500_TO_MALFORMED_ASSERTIONS):
            raise Refusal(500, "server_error", "Not so.") from None
        raise invalid_client() from None
    client, path = _named(provider, signed), request.url.path
    if not signed_by(provider, client, signed, OF_ASSERTIONS) or not all(
        _claims(provider, client, signed, path)
    ):
        raise invalid_client()
    return client


def _without_assertion(provider: Provider, request: Request, form: dict[str, str]) -> Client:
    client = provider.clients.get(form.get("client_id", ""))
    if client is None:
        raise invalid_client()
    if provider.has(Fault.ACCEPTS_NO_AUTHENTICATION):
        return client
    if not client.certificate_authenticates:
        raise invalid_client()
    presented = certificate_of(request)
    if provider.has(Fault.IGNORES_CLIENT_ID_OF_THE_CERTIFICATE):
        (client,) = [each for each in provider.clients.values() if each.certificate == presented]
        form.pop("client_id")
    missing, excuse = presented is None, Fault.ACCEPTS_ANOTHER_CLIENTS_CERTIFICATE
    if presented != client.certificate and not provider.has(
        Fault.ACCEPTS_NO_CERTIFICATE if missing else excuse
    ):
        raise invalid_client()
    return client


def _named(provider: Provider, signed: Signed) -> Client:
    iss, sub = signed.claims.get("iss"), signed.claims.get("sub")
    name = sub
    if iss != sub:
        if provider.has(Fault.ACCEPTS_ASSERTION_WITH_OTHER_SUB):
            name = iss
        elif not provider.has(Fault.ACCEPTS_ASSERTION_WITH_OTHER_ISS):
            raise invalid_client()
    client = provider.clients.get(name) if isinstance(name, str) else None
    if client is None or client.certificate_authenticates:
        raise invalid_client()
    return client


def _claims(provider: Provider, client: Client, signed: Signed, path: str) -> Iterator[bool]:
    now, claims = provider.time.now(), signed.claims
    match claims.get("exp"):
        case None:
            yield provider.has(Fault.ACCEPTS_ASSERTION_WITHOUT_EXP)
        case int() | float() as exp:
            yield exp > now or provider.has(Fault.ACCEPTS_EXPIRED_ASSERTION)
        case _:
            yield False
    for begins in (claims.get("nbf", now), claims.get("iat", now)):
        known = isinstance(begins, int | float)
        in_time = known and begins <= now + SKEW
        yield in_time or provider.has(Fault.ACCEPTS_ASSERTION_OF_THE_FUTURE)
    yield _is_for_us(provider, client, claims.get("aud"), path)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        yield provider.has(Fault.ACCEPTS_ASSERTION_WITHOUT_JTI)
    else:
        fresh = provider.spend("assertion", client.client_id, jti)
        yield fresh or provider.has(Fault.ACCEPTS_REPLAYED_ASSERTION)


def _is_for_us(provider: Provider, client: Client, aud: object, path: str) -> bool:
    if aud is None:
        return provider.has(Fault.ACCEPTS_ASSERTION_WITHOUT_AUD)
    refused = {
        provider.issuer: Fault.REFUSES_ISSUER_AS_ASSERTION_AUDIENCE,
        provider.url("/token"): Fault.REFUSES_TOKEN_ENDPOINT_AS_ASSERTION_AUDIENCE,
        provider.url("/bc-authorize"): Fault.REFUSES_BACKCHANNEL_ENDPOINT_AS_ASSERTION_AUDIENCE,
    }
    if path == "/token" and provider.has(Fault.REFUSES_ISSUER_AT_TOKEN_ENDPOINT):
        return aud != provider.issuer
    if client.strict_audience and not provider.has(Fault.ACCEPTS_TOKEN_ENDPOINT_AS_AUDIENCE):
        return aud == provider.issuer or provider.has(Fault.ACCEPTS_ASSERTION_WITH_WRONG_AUD)
    ours = {address for address, fault in refused.items() if not provider.has(fault)}
    given = aud if isinstance(aud, list) else [aud]
    return any(each in given for each in ours) or provider.has(
        Fault.ACCEPTS_ASSERTION_WITH_WRONG_AUD
    )


def not_allowed() -> Refusal:
    """The client may not do this."""
    return Refusal(400, "unauthorized_client", "The client may not do this.")
