"""The client library gets the receipt of what was approved, and verifies it."""

import pytest

from ciba_client import (
    CibaClient,
    ClientConfiguration,
    ReceiptRefused,
    parse_signing_key,
)
from tests.client_time import ClientTime
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient


async def test_the_library_verifies_what_the_service_signs(run_service: ServiceRunner):
    """None while nobody decided; then about the same transaction as the tokens."""
    till = WireClient("till")
    async with run_service(clients=[till]) as bank:
        phone = await bank.enrolled_phone("alice")
        configuration = ClientConfiguration(
            issuer=bank.issuer,
            client_id="till",
            key=parse_signing_key(till.key.as_pem(private=True), kid="key-1"),
        )
        async with (
            CibaClient(configuration, clock=ClientTime(bank.clock)) as client,
            client.authenticate(login_hint="alice", binding_message="W4SCT") as pending,
        ):
            with pytest.raises(ReceiptRefused, match="not_approved"):
                await pending.receipt()
            await phone.approve_next()
            tokens, receipt = await pending.tokens(), await pending.receipt()
        said = tokens.id_token.claims
        assert (receipt.txn, receipt.sub, receipt.acr) == (said["txn"], said["sub"], said["acr"])
        assert receipt.claims["binding_message"] == "W4SCT"
