"""The two clients of a plan: keys, certificates, and what is registered of them."""

import base64
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.conformance.certification.suite_client import (
    CIBA_GRANT,
    Certified,
    Method,
    SuiteClient,
    Variant,
)
from tests.signing import JoseKey, new_key, public_jwk
from tests.unit.listening.tls.listeners import ALWAYS, authority
from tests.unit.protocol.client_certificates.authority import common_name, issue

ALGORITHMS = {"client-1": "PS256", "client-2": "ES256"}
SCRAMBLED_TYP = "oAuTh-aUtHz-ReQ+jWt"
FAPI_HEADERS = {
    "x-fapi-auth-date": "Tue, 11 Sep 2012 19:43:31 GMT",
    "x-fapi-interaction-id": "C770aef3-6784-41F7-8E0e-ff5f97bddb3A",
}
AUTHORITY = "clients"


@cache
def client_key(client_id: str) -> JoseKey:
    """The one signing key of a client."""
    return new_key(ALGORITHMS[client_id], f"{client_id}-key")


def plan_clients(variant: Variant, directory: Path) -> tuple[SuiteClient, SuiteClient]:
    """Both clients; requests of the second say what they are, in letters of any case.

    The first sends headers of FAPI to the resource, the second leaves them out.
    """
    first, second = (_client(client_id, variant, directory) for client_id in ALGORITHMS)
    first.resource_headers, second.request_typ = FAPI_HEADERS, SCRAMBLED_TYP
    return first, second


def _client(client_id: str, variant: Variant, directory: Path) -> SuiteClient:
    identity = certified(client_id, directory, by_authority=_has_authority(variant))
    return SuiteClient(
        client_id=client_id,
        variant=variant,
        alg=ALGORITHMS[client_id],
        key=client_key(client_id),
        identity=identity,
        members=_members(client_id, variant, identity),
    )


def _has_authority(variant: Variant) -> bool:
    return variant.method is Method.TLS_CLIENT_AUTH


def certified(
    client_id: str,
    directory: Path,
    *,
    by_authority: bool,
    days: tuple[float, float] = ALWAYS,
) -> Certified:
    """A certificate of a client's signing key, from the authority or signed by itself."""
    own, root, name = client_key(client_id), authority(AUTHORITY), common_name(client_id)
    certificate = issue(
        name,
        own.private_key,  # type: ignore[arg-type]
        issuer=root.name if by_authority else name,
        signing_key=root.signing_key if by_authority else own.private_key,  # type: ignore[arg-type]
        days=days,
    )
    file = directory / f"{client_id}.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + own.as_pem(private=True))
    return Certified(certificate, file)


def _members(client_id: str, variant: Variant, identity: Certified) -> dict[str, object]:
    alg = ALGORITHMS[client_id]
    der = base64.b64encode(identity.certificate.public_bytes(Encoding.DER)).decode()
    members: dict[str, object] = {
        "client_id": client_id,
        "client_name": f"Certification {client_id}",
        "profile": "fapi-ciba",
        "token_endpoint_auth_method": variant.method.value,
        "jwks": {"keys": [{**public_jwk(client_key(client_id)), "x5c": [der]}]},
        "grant_types": [CIBA_GRANT, "refresh_token"],
        "scope": "openid accounts",
        "backchannel_token_delivery_mode": variant.mode,
        "backchannel_authentication_request_signing_alg": alg,
        "id_token_signed_response_alg": alg,
        "tls_client_certificate_bound_access_tokens": True,
    }
    if not variant.method.is_mtls:
        members["token_endpoint_auth_signing_alg"] = alg
    if _has_authority(variant):
        members["tls_client_auth_subject_dn"] = f"CN={client_id}"
    return members
