"""A client's key set cannot be had when it is needed for a signed request."""

from dataclasses import replace

import pytest

from ciba_service.flow.clients.published_keys import PublishedKeys
from ciba_service.ports import ClientKeysUnavailable
from ciba_service.protocol.client.certificates.certificate import ClientCertificate
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.errors import InvalidRequestError
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet
from tests.unit.protocol.registrations import registered, signer

URI = "https://till.example/jwks"


class Down:
    """``ports.ClientKeys`` of a client whose server is down."""

    async def find_keys(
        self, client_id: str, jwks_uri: str, *, kid: str | None, alg: SignatureAlgorithm
    ) -> KeySet:
        """Nothing."""
        raise ClientKeysUnavailable(f"{client_id} {jwks_uri} {kid} {alg}")

    async def find_certificates(
        self, client_id: str, jwks_uri: str, *, presented: ClientCertificate
    ) -> RegisteredCertificates:
        """Nothing either."""
        raise ClientKeysUnavailable(f"{client_id} {jwks_uri} {presented}")


async def test_a_request_without_keys_is_refused_with_a_reason():
    """A client that proved itself by certificate is told invalid_request, the log why."""
    client = signer()
    known = replace(registered(client), jwks_uri=URI)
    with pytest.raises(InvalidRequestError) as refused:
        await PublishedKeys(Down()).for_request(known, {"request": client.request_object()})
    assert URI in str(refused.value.__cause__)


async def test_a_client_that_never_signs_needs_no_keys():
    """Its request is refused by the step that verifies it, not by a fetch."""
    client = signer()
    known = replace(registered(client), jwks_uri=URI, request_signing_alg=None)
    form = {"request": client.request_object()}
    assert await PublishedKeys(Down()).for_request(known, form) is known
    assert await PublishedKeys(Down()).for_request(known, {}) is known
