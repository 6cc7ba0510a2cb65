"""Endpoint for SCA receipts; no standard has one (docs/openapi.yaml, docs/receipts.md)."""

from http import HTTPStatus

import msgspec
from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.asking.sca_receipt_reading import ScaReceiptReading
from ciba_service.ports import Telemetry

__all__ = ["ScaReceiptEndpoint"]


class _ReceiptDocument(msgspec.Struct, frozen=True):
    sca_receipt: str


class ScaReceiptEndpoint(ClientFormEndpoint):
    """``POST /bc-authorize/receipt``."""

    def __init__(self, reading: ScaReceiptReading, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._reading = reading

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer with the receipt."""
        receipt = await self._reading.read(self.read(scope, body))
        await respond(send, HTTPStatus.OK, _ReceiptDocument(receipt))
