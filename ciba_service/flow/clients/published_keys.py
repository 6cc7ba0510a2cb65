"""Clients that publish their keys themselves: who registered a ``jwks_uri`` has what stands there.

Whatever a client signs or shows is held against its keys as they are then (OpenID Connect Core
10.1.1); other clients are as they were registered.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from ciba_service.ports import ClientKeys, ClientKeysUnavailable
from ciba_service.protocol.client.certificates.certificate import ClientCertificate
from ciba_service.protocol.client.certificates.registration import CertificateRule
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import InvalidClientError, InvalidRequestError, Reason
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.verification import CompactJws, InvalidJwsError, parse_jws
from ciba_service.protocol.security_events.causes import Cause

__all__ = ["PublishedKeys"]


class PublishedKeys:
    """Nothing is asked for an algorithm that the client may not use."""

    def __init__(self, keys: ClientKeys) -> None:
        self._keys = keys

    async def for_assertion(self, client: Client, jws: CompactJws) -> Client:
        """The client with keys for its assertion.

        Raises:
            InvalidClientError: when they cannot be had; the reason is its cause.
        """
        try:
            return await self._with_keys(client, jws, client.assertion_algorithms)
        except ClientKeysUnavailable as error:
            raise InvalidClientError from Reason(f"jwks_uri: {error}", Cause.KEYS_UNAVAILABLE)

    async def for_request(self, client: Client, form: Mapping[str, str]) -> Client:
        """The client with keys for the signed request in ``form``, if there is one.

        Raises:
            InvalidRequestError: when they cannot be had; the reason is its cause.
        """
        if client.jwks_uri is None or "request" not in form:
            return client
        alg = client.request_signing_alg
        try:
            jws = parse_jws(form["request"])
            return await self._with_keys(client, jws, frozenset() if alg is None else {alg})
        except InvalidJwsError:
            return client  # whoever verifies it says what is wrong
        except ClientKeysUnavailable as error:
            raise InvalidRequestError from Reason(f"jwks_uri: {error}", Cause.KEYS_UNAVAILABLE)

    async def certificates(
        self, client: Client, rule: CertificateRule, presented: ClientCertificate
    ) -> CertificateRule:
        """What a client's certificate is held against.

        Raises:
            InvalidClientError: when its key set cannot be had; the reason is its cause.
        """
        if client.jwks_uri is None or not isinstance(rule, RegisteredCertificates):
            return rule
        try:
            return await self._keys.find_certificates(
                client.client_id, client.jwks_uri, presented=presented
            )
        except ClientKeysUnavailable as error:
            raise InvalidClientError from Reason(f"jwks_uri: {error}", Cause.KEYS_UNAVAILABLE)

    async def _with_keys(
        self, client: Client, jws: CompactJws, algorithms: AbstractSet[SignatureAlgorithm]
    ) -> Client:
        if client.jwks_uri is None:
            return client
        try:
            alg = SignatureAlgorithm(jws.header.alg)
        except ValueError:
            return client
        if alg not in algorithms:
            return client
        keys = await self._keys.find_keys(
            client.client_id, client.jwks_uri, kid=jws.header.kid, alg=alg
        )
        return replace(client, keys=keys)
