"""What programs may import, and that nothing here needs more."""

import ast
import re
from pathlib import Path

import pytest

import ciba_client

ROOT = Path(__file__).parents[3]

PUBLIC = {
    "AccessDenied",
    "AuthReqId",
    "AuthenticationRequestRefused",
    "CancellationRefused",
    "CibaClient",
    "CibaClientError",
    "ClientAuthenticationMethod",
    "ClientConfiguration",
    "Clock",
    "ConfigurationError",
    "DpopKey",
    "DpopNonceDemanded",
    "Exchange",
    "ExchangeObserver",
    "Expired",
    "IdToken",
    "InvalidAuthenticationRequest",
    "InvalidIdToken",
    "InvalidProviderMetadata",
    "InvalidProviderResponse",
    "InvalidScaReceipt",
    "LedgerEntry",
    "NotificationReceiver",
    "PendingAuthentication",
    "Pinged",
    "PollEvent",
    "ProviderBusy",
    "ProviderUnavailable",
    "ReceiptRefused",
    "RequestCancelled",
    "ScaReceipt",
    "SignatureAlgorithm",
    "SigningKey",
    "SlowedDown",
    "StillUndecided",
    "SystemClock",
    "TokenDeliveryMode",
    "TokenSet",
    "TokenType",
    "TokensReceived",
    "TransactionEnded",
    "TransactionFailed",
    "UnknownReceiptKey",
    "UnknownSigningKey",
    "new_dpop_key",
    "parse_dpop_key",
    "parse_signing_key",
}


def test_the_public_surface_is_pinned():
    """A name that goes or comes is a change for those who use the library."""
    assert sorted(ciba_client.__all__) == sorted(PUBLIC)
    assert all(hasattr(ciba_client, name) for name in PUBLIC)


def test_every_error_of_the_library_is_public():
    """Whoever catches one need not look for it inside."""
    from ciba_client.sdk import errors  # noqa: PLC0415 - the inside, for comparison only

    assert set(errors.__all__) <= PUBLIC


def sources() -> dict[str, str]:
    """The programs that show how the library is used."""
    examples = {
        page.name: "\n".join(re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
        for page in (ROOT / "README.md", ROOT / "docs" / "client-library.md")
    }
    assert all(examples.values())
    paths = [ROOT / "scripts" / "demo.py", *(ROOT / "tests" / "journeys").rglob("*.py")]
    return {
        **examples,
        **{path.name: path.read_text("utf-8") for path in paths},
    }


@pytest.mark.parametrize("name", sources())
def test_programs_import_the_public_surface_only(name: str):
    """Pages, demo and journeys do without the inside."""
    tree = ast.parse(sources()[name])
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {node.module for node in imported if (node.module or "").startswith("ciba_client.")} <= {
        "ciba_client.cli"
    }
    used = {alias.name for node in imported if node.module == "ciba_client" for alias in node.names}
    assert used <= PUBLIC
