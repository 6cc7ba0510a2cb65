"""The two clients of a plan: keys, certificates, and what is registered of them."""

import base64
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.conformance.certification.suite_client import (
    CIBA_GRANT,
    LONGEST_TOKEN,
    PING,
    Certified,
    Method,
    SuiteClient,
    Variant,
    new_notification_token,
)
from tests.unit.listening.tls.listeners import ALWAYS, authority
from tests.unit.protocol.client.certificates.authority import common_name, issue
from tests.wire.signing import JoseKey, new_key, public_jwk

NAMES = ("client-1", "client-2")
SCRAMBLED_TYP = "oAuTh-aUtHz-ReQ+jWt"
FAPI_HEADERS = {
    "x-fapi-auth-date": "Tue, 11 Sep 2012 19:43:31 GMT",
    "x-fapi-interaction-id": "C770aef3-6784-41F7-8E0e-ff5f97bddb3A",
}
AUTHORITY = "clients"


@cache
def client_key(name: str, alg: str = "PS256") -> JoseKey:
    """The one signing key of a client."""
    return new_key(alg, f"{name}-key")


def plan_clients(
    variant: Variant, directory: Path, *, notification_endpoint: str, refreshes: bool = True
) -> tuple[SuiteClient, SuiteClient]:
    """Both clients; requests of the second say what they are, in letters of any case.

    The first sends headers of FAPI to the resource, the second leaves them out, and its
    notification token is the longest.
    """
    members = {
        "grant_types": [CIBA_GRANT, "refresh_token"] if refreshes else [CIBA_GRANT],
        **_notified(variant, notification_endpoint),
    }
    first, second = (_client(name, variant, directory, members) for name in NAMES)
    first.resource_headers, second.request_typ = FAPI_HEADERS, SCRAMBLED_TYP
    second.notification_token = new_notification_token(LONGEST_TOKEN)
    return first, second


def _notified(variant: Variant, endpoint: str) -> dict[str, object]:
    # Configured clients that poll have one as well, so that a ping to them would be seen.
    is_known = variant.mode == PING or not variant.is_dynamic
    return {"backchannel_client_notification_endpoint": endpoint} if is_known else {}


def _client(
    name: str, variant: Variant, directory: Path, further: Mapping[str, object]
) -> SuiteClient:
    # Clients that register themselves have RSA keys; the others are of both kinds.
    alg = "PS256" if variant.is_dynamic or name == NAMES[0] else "ES256"
    key = client_key(name, alg)
    identity = certified(name, key, directory, by_authority=_has_authority(variant))
    members = _members(name, variant, key, identity)
    return SuiteClient(
        client_id=name,
        variant=variant,
        alg=alg,
        key=key,
        identity=identity,
        members={**members, **further},
    )


def _has_authority(variant: Variant) -> bool:
    return variant.method is Method.TLS_CLIENT_AUTH


def certified(
    name: str,
    own: JoseKey,
    directory: Path,
    *,
    by_authority: bool,
    days: tuple[float, float] = ALWAYS,
) -> Certified:
    """A certificate of a client's signing key, from the authority or signed by itself."""
    root, subject = authority(AUTHORITY), common_name(name)
    certificate = issue(
        subject,
        own.private_key,  # type: ignore[arg-type]
        issuer=root.name if by_authority else subject,
        signing_key=root.signing_key if by_authority else own.private_key,  # type: ignore[arg-type]
        days=days,
    )
    file = directory / f"{name}.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + own.as_pem(private=True))
    return Certified(certificate, file)


def _members(name: str, variant: Variant, key: JoseKey, identity: Certified) -> dict[str, object]:
    """What is registered, as JSON or in the configuration, which also says what is not asked."""
    alg = str(key.get("alg"))
    der = base64.b64encode(identity.certificate.public_bytes(Encoding.DER)).decode()
    members: dict[str, object] = {
        "client_name": f"Certification {name}",
        "token_endpoint_auth_method": variant.method.value,
        "jwks": {"keys": [{**public_jwk(key), "x5c": [der]}]},
        "response_types": [],
        "backchannel_user_code_parameter": False,
        "backchannel_token_delivery_mode": variant.mode,
        "backchannel_authentication_request_signing_alg": alg,
        "id_token_signed_response_alg": alg,
        "tls_client_certificate_bound_access_tokens": True,
    }
    if not variant.method.is_mtls:
        members["token_endpoint_auth_signing_alg"] = alg
    if _has_authority(variant):
        members["tls_client_auth_subject_dn"] = f"CN={name}"
    if not variant.is_dynamic:
        members |= {"client_id": name, "profile": "fapi-ciba", "scope": "openid accounts"}
    return members
