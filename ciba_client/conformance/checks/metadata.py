"""What the provider publishes about itself (CIBA 4, OpenID Connect Discovery 3, RFC 8414)."""

from typing import Final

from ciba_client.conformance.check import Check, NotApplicable, Severity
from ciba_client.conformance.expectations import expect, expect_status
from ciba_client.conformance.parties.client import CIBA_GRANT
from ciba_client.conformance.profile import FAPI, FAPI1
from ciba_client.conformance.stage import Stage
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.errors import CibaClientError
from ciba_client.sdk.provider.addresses import parse_endpoint

__all__ = ["CHECKS"]

_DISCOVERY: Final = ("discovery-end-point-verification",)
_FAPI1_ALGORITHMS: Final = frozenset({"PS256", "ES256"})
_FAPI_ALGORITHMS: Final = _FAPI1_ALGORITHMS | {"EdDSA", "Ed25519"}
_SIGNING: Final = "backchannel_authentication_request_signing_alg_values_supported"
_AUTH_ALGORITHMS: Final = "token_endpoint_auth_signing_alg_values_supported"
_ALIASES: Final = "mtls_endpoint_aliases"


async def _document(stage: Stage) -> None:
    expect_status(stage.discovery, 200)
    stage.discovery.members()


async def _issuer(stage: Stage) -> None:
    said = stage.provider.metadata.get("issuer")
    expect(said == stage.plan.issuer, f"the issuer {stage.plan.issuer}", f"it is {said!r}")


async def _endpoints(stage: Stage) -> None:
    for name, value in stage.provider.metadata.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            expect(isinstance(value, str), f"a URL as {name}", f"it is {value!r}")
            try:
                parse_endpoint(name, str(value), issuer=stage.plan.issuer)
            except CibaClientError as error:
                expect(condition=False, expected=f"an https URL as {name}", seen=error)


async def _modes(stage: Stage) -> None:
    name = "backchannel_token_delivery_modes_supported"
    value, known = stage.provider.metadata.get(name), set(TokenDeliveryMode)
    expect(
        isinstance(value, list) and value and all(each in known for each in map(str, value)),
        f"{name}: a list of poll, ping and push",
        f"it is {value!r}",
    )
    modes = stage.provider.listed(name)
    expect(stage.plan.mode in modes, f"{name} with {stage.plan.mode}", f"it is {modes}")


async def _no_push(stage: Stage) -> None:
    modes = stage.provider.listed("backchannel_token_delivery_modes_supported")
    expect("push" not in modes, "delivery modes without push", f"they are {modes}")


async def _grant_type(stage: Stage) -> None:
    found = stage.provider.listed("grant_types_supported")
    expect(CIBA_GRANT in found, f"grant_types_supported with {CIBA_GRANT}", f"it is {found}")


async def _request_algorithms(stage: Stage) -> None:
    if not stage.client.planned.sign_requests:
        raise NotApplicable("the client is registered with unsigned requests")
    found, wanted = stage.provider.listed(_SIGNING), str(stage.client.planned.key.algorithm)
    expect(wanted in found, f"{_SIGNING} with {wanted}", f"it is {found}")


async def _no_weak_request_algorithms(stage: Stage) -> None:
    weak = [each for each in stage.provider.listed(_SIGNING) if each.startswith(("none", "HS"))]
    expect(not weak, f"{_SIGNING} of asymmetric algorithms alone", f"there is {weak}")


async def _fapi_request_algorithms(stage: Stage) -> None:
    found = set(stage.provider.listed(_SIGNING))
    expect(found & _FAPI_ALGORITHMS, f"{_SIGNING} with PS256 or ES256", f"it is {sorted(found)}")


async def _methods(stage: Stage) -> None:
    name = "token_endpoint_auth_methods_supported"
    found, wanted = stage.provider.listed(name), str(stage.client.planned.method)
    expect(wanted in found, f"{name} with {wanted}", f"it is {found}")


async def _strong_methods(stage: Stage) -> None:
    name = "token_endpoint_auth_methods_supported"
    found = set(stage.provider.listed(name))
    strong = {"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"}
    expect(found & strong, f"{name} with private_key_jwt or mutual TLS", f"it is {sorted(found)}")


async def _assertion_algorithms(stage: Stage) -> None:
    if stage.client.planned.by_certificate:
        raise NotApplicable("the client authenticates by its certificate")
    found, wanted = stage.provider.listed(_AUTH_ALGORITHMS), str(stage.client.planned.key.algorithm)
    expect(wanted in found, f"{_AUTH_ALGORITHMS} with {wanted}", f"it is {found}")
    expect("none" not in found, f"{_AUTH_ALGORITHMS} without none", f"it is {found}")


async def _id_token_algorithms(stage: Stage) -> None:
    name = "id_token_signing_alg_values_supported"
    found = stage.provider.listed(name)
    expect(found, name, "it is absent or empty")
    if stage.plan.profile in FAPI:
        expect(set(found) & _FAPI_ALGORITHMS, f"{name} with PS256 or ES256", f"it is {found}")


async def _required(stage: Stage) -> None:
    for name in ("response_types_supported", "subject_types_supported"):
        value = stage.provider.metadata.get(name)
        expect(isinstance(value, list), f"{name}, a list", f"it is {value!r}")


async def _aliases(stage: Stage) -> None:
    metadata = stage.provider.metadata
    if _ALIASES not in metadata:
        raise NotApplicable(f"there are no {_ALIASES}")
    aliases = metadata[_ALIASES]
    expect(isinstance(aliases, dict), f"{_ALIASES}, an object", f"it is {aliases!r}")
    for name in aliases if isinstance(aliases, dict) else ():
        expect(
            name.endswith("_endpoint") and name in metadata and name != "authorization_endpoint",
            f"{_ALIASES} of endpoints that have another address too",
            f"there is {name}",
        )


async def _certificate_bound(stage: Stage) -> None:
    if stage.client.planned.certificate is None:
        raise NotApplicable("the client has no certificate")
    name = "tls_client_certificate_bound_access_tokens"
    value = stage.provider.metadata.get(name)
    expect(value is True, f"{name}: true", f"it is {value!r}")


async def _dpop_algorithms(stage: Stage) -> None:
    if stage.client.planned.dpop_key is None:
        raise NotApplicable("the client does not use DPoP")
    name = "dpop_signing_alg_values_supported"
    found = stage.provider.listed(name)
    expect("ES256" in found, f"{name} with ES256", f"it is {found}")
    weak = [each for each in found if each.startswith(("none", "HS"))]
    expect(not weak, f"{name} of asymmetric algorithms alone", f"there is {weak}")


async def _user_code(stage: Stage) -> None:
    name = "backchannel_user_code_parameter_supported"
    value = stage.provider.metadata.get(name, False)
    expect(isinstance(value, bool), f"{name}, true or false", f"it is {value!r}")


async def _no_empty_lists(stage: Stage) -> None:
    empty = [
        name
        for name, value in stage.provider.metadata.items()
        if value == [] and name != "response_types_supported"
    ]
    expect(not empty, "no empty lists", f"there is {', '.join(empty)}")


CHECKS: Final = (
    Check(
        id="discovery-document",
        title="Discovery answers with a JSON object",
        run=_document,
        requirements=("oidd-4-1",),
        modules=_DISCOVERY,
    ),
    Check(
        id="discovery-issuer",
        title="The issuer is the one that was asked, to the letter",
        run=_issuer,
        requirements=("oidd-3-1", "rfc8414-3.3-1"),
        modules=_DISCOVERY,
    ),
    Check(
        id="discovery-https",
        title="Every endpoint is https",
        run=_endpoints,
        requirements=("ciba-4-2", "ciba-7-1", "fapi1-p2-8.9-1"),
        modules=_DISCOVERY,
    ),
    Check(
        id="discovery-delivery-modes",
        title="The delivery modes are published, and the one under test is among them",
        run=_modes,
        requirements=("ciba-4-1",),
        modules=_DISCOVERY,
    ),
    Check(
        id="discovery-no-push",
        title="Push mode is not offered",
        run=_no_push,
        requirements=("fapi-ciba-5.2.2-3",),
        modules=_DISCOVERY,
        profiles=FAPI,
    ),
    Check(
        id="discovery-grant-type",
        title="The CIBA grant type is published",
        run=_grant_type,
        requirements=("ciba-4-5",),
        modules=_DISCOVERY,
    ),
    Check(
        id="discovery-request-algorithms",
        title="The algorithm of the client's signed requests is published",
        run=_request_algorithms,
        requirements=("ciba-4-3",),
        modules=_DISCOVERY,
    ),
    Check(
        id="discovery-request-algorithms-asymmetric",
        title="No algorithm without a private key is published for signed requests",
        run=_no_weak_request_algorithms,
        requirements=("ciba-7.1.1-4",),
    ),
    Check(
        id="discovery-request-algorithms-fapi",
        title="PS256 or ES256 is published for signed requests",
        run=_fapi_request_algorithms,
        requirements=("fapi-ciba-7.10-1",),
        modules=_DISCOVERY,
        profiles=FAPI,
        severity=Severity.WARNING,
    ),
    Check(
        id="discovery-authentication-methods",
        title="The client's authentication method is published",
        run=_methods,
        requirements=("ciba-4-6",),
        modules=_DISCOVERY,
    ),
    Check(
        id="discovery-authentication-methods-fapi",
        title="private_key_jwt or mutual TLS is published",
        run=_strong_methods,
        requirements=("fapi1-p2-5.2.2-14",),
        modules=_DISCOVERY,
        profiles=FAPI,
    ),
    Check(
        id="discovery-assertion-algorithms",
        title="The algorithm of the client's assertions is published, and none is not",
        run=_assertion_algorithms,
        requirements=("rfc8414-2-2", "oidd-3-5"),
        modules=_DISCOVERY,
    ),
    Check(
        id="discovery-id-token-algorithms",
        title="The algorithms of ID tokens are published",
        run=_id_token_algorithms,
        requirements=("oidd-3-3", "fapi-ciba-7.10-1"),
        modules=_DISCOVERY,
    ),
    Check(
        id="discovery-required-members",
        title="Response types and subject types are published",
        run=_required,
        requirements=("oidd-3-3",),
    ),
    Check(
        id="discovery-mtls-aliases",
        title="Aliases for mutual TLS are those of endpoints that exist",
        run=_aliases,
        requirements=("rfc8705-5-1",),
        modules=_DISCOVERY,
    ),
    Check(
        id="discovery-certificate-bound-tokens",
        title="Certificate-bound access tokens are announced",
        run=_certificate_bound,
        requirements=("rfc8705-3.3-1",),
        modules=_DISCOVERY,
        profiles=FAPI1,
    ),
    Check(
        id="discovery-dpop-algorithms",
        title="The algorithms of DPoP proofs are published, and are asymmetric",
        run=_dpop_algorithms,
        requirements=("rfc9449-5.1-1", "rfc9449-11.6-1"),
    ),
    Check(
        id="discovery-user-code",
        title="Support of user codes is true or false",
        run=_user_code,
        requirements=("ciba-4-4",),
        modules=_DISCOVERY,
        severity=Severity.WARNING,
    ),
    Check(
        id="discovery-no-empty-lists",
        title="Members that would be empty lists are left out",
        run=_no_empty_lists,
        requirements=("rfc8414-3.2-1",),
        severity=Severity.WARNING,
    ),
)
