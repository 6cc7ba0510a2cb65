"""Discovery and key set as anybody can fetch them (OpenID Discovery, RFC 8414, CIBA 4)."""

from typing import Any

import pytest

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, header_of

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"
CA, SCA = "urn:openbanking:psd2:ca", "urn:openbanking:psd2:sca"
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


async def document(service: RunningService, path: str) -> dict[str, Any]:
    """Fetch a document; hold how it is served."""
    answer = await service.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    return dict(answer.json())


@pytest.mark.clause(
    "ciba-4-1", "ciba-4-2", "ciba-4-3", "ciba-4-5", "oidd-3-3", "oidd-3-5", "rfc8414-2-2",
    "rfc8414-3.3-1", "rfc9700-2.6-1", "fapi2-sp-5.3.2.1-1", "rfc9068-4-6", "rfc9470-7-1",
)  # fmt: skip
async def test_both_well_known_documents_say_the_same(service: RunningService):
    """They name this issuer, where everything is and what is supported."""
    published = await document(service, OPENID)
    assert published == await document(service, OAUTH)
    assert published["issuer"] == service.issuer
    assert published["backchannel_authentication_endpoint"] == f"{service.issuer}/bc-authorize"
    assert published["token_endpoint"] == f"{service.issuer}/token"
    assert published["jwks_uri"] == f"{service.issuer}/jwks"
    assert published["backchannel_token_delivery_modes_supported"] == ["poll", "ping", "push"]
    assert published["grant_types_supported"] == ["urn:openid:params:grant-type:ciba"]
    assert published["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert published["subject_types_supported"] == ["public"]
    assert published["acr_values_supported"] == [SCA]
    for name in (
        "token_endpoint_auth_signing_alg_values_supported",
        "backchannel_authentication_request_signing_alg_values_supported",
        "id_token_signing_alg_values_supported",
    ):
        assert {"PS256", "ES256"} <= set(published[name])
        assert "none" not in published[name]


@pytest.mark.clause("rfc9470-7-1")
async def test_what_authentication_is_published_follows_the_floor(
    run_service: ServiceRunner, till: WireClient
):
    """A client that insists on a published acr is not refused for it."""
    async with run_service(clients=[till], sections={"policy": {"floor": CA}}) as running:
        assert (await document(running, OPENID))["acr_values_supported"] == [CA, SCA]


@pytest.mark.clause("oidc-10.1-1", "fapi1-p2-8.9-2", "fapi2-sp-5.4.2-2")
async def test_the_key_set_is_public_and_its_names_are_unique(service: RunningService):
    """No private member, no certificate address, every key with kid, alg and use."""
    keys = (await document(service, "/jwks"))["keys"]
    assert {key["alg"] for key in keys} == {"ES256", "PS256", "EdDSA"}
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert not PRIVATE & key.keys()
        assert not {"x5u", "jku"} & key.keys()
        assert key["use"] == "sig"


async def test_a_document_is_not_posted_to(service: RunningService):
    """GET and HEAD are taken, everything else is 405 and says so."""
    for path in (OPENID, OAUTH, "/jwks"):
        assert (await service.http.head(path)).content == b""
        refused = await service.http.post(path)
        assert (refused.status_code, refused.json()["error"]) == (405, "invalid_request")
        assert refused.headers["allow"] == "GET, HEAD"


@pytest.mark.clause("oidc-10.1-1", "oidd-3-1")
async def test_tokens_name_what_is_published(service: RunningService, phone: WirePhone):
    """The kid of each token is in the key set, and its iss is the issuer of the document."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    content = (await service.till.poll(auth_req_id)).json()
    kids = {key["kid"] for key in (await document(service, "/jwks"))["keys"]}
    assert {header_of(content[name])["kid"] for name in ("id_token", "access_token")} <= kids
    published = (await document(service, OPENID))["issuer"]
    assert claims_of(content["id_token"])["iss"] == published == service.issuer
