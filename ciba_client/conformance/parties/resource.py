"""Calls of a protected resource, with and without what they need (RFC 6750 2, RFC 9449 7)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.parties.client import ScriptedClient
from ciba_client.conformance.plan_file import ResourceSection
from ciba_client.sdk.dpop.key import DpopKey

__all__ = ["call_resource"]


async def call_resource(
    client: ScriptedClient,
    resource: ResourceSection,
    *,
    credentials: tuple[str, str] | None,
    key: DpopKey | None,
    hashed: bool,
    query: Mapping[str, str] | None,
    headers: Mapping[str, str] | None,
) -> Answer:
    """Call it with a token of this type; ``key`` proves possession, unless it is None.

    Unless ``hashed``, the proof does not say for which token it is. A resource that wants a nonce
    in the proof is called once more with it (RFC 9449 9).
    """
    sent, token = dict(headers or {}), None
    if credentials is not None:
        sent["Authorization"], token = " ".join(credentials), credentials[1]
    url = resource.url if query is None else f"{resource.url}?{urlencode(query)}"

    async def call() -> Answer:
        if token is not None and key is not None:
            sent["DPoP"] = key.proof(
                method=resource.method,
                url=resource.url,
                now=client.clock.now(),
                nonce=client.nonces.find(resource.url),
                access_token=token if hashed else None,
            )
        return await client.send(resource.method, url, headers=sent)

    answer = await call()
    client.remember_nonce(resource.url, answer)
    wants_nonce = "use_dpop_nonce" in (answer.header("www-authenticate") or "")
    return await call() if wants_nonce else answer
