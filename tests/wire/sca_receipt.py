"""SCA receipts as a client gets them, verified by the published keys as a reader verifies them."""

import json
from typing import Any

import httpx2

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.verification import parse_jws, verify_jws
from tests.services.running_service import RunningService
from tests.wire.client import WireClient

PATH = "/bc-authorize/receipt"
KEYS = "/sca-receipts/jwks"
ES256 = frozenset({SignatureAlgorithm.ES256})


async def receipt_answer(client: WireClient, auth_req_id: str, **changed: str) -> httpx2.Response:
    """A well-formed question for a receipt, but for ``changed``."""
    return await client.post(PATH, {"auth_req_id": auth_req_id, **client.credentials(), **changed})


async def receipt_of(client: WireClient, auth_req_id: str) -> str:
    """The receipt itself."""
    answer = await receipt_answer(client, auth_req_id)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["sca_receipt"])


async def verified_receipt(bank: RunningService, receipt: str) -> dict[str, Any]:
    """Its claims, once signature and type are verified."""
    keys = KeySet.parse((await bank.http.get(KEYS)).json())
    jws = parse_jws(receipt)
    verify_jws(jws, keys=keys, algorithms=ES256)
    assert jws.header.typ == "ciba-sca-receipt+jwt"
    claims: dict[str, Any] = json.loads(jws.payload)
    return claims
