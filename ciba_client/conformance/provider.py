"""The provider as it presents itself: metadata and keys, kept as they were published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.check import Violation
from ciba_client.sdk.errors import CibaClientError
from ciba_client.sdk.provider.addresses import parse_endpoint

__all__ = ["BACKCHANNEL", "TOKEN", "Provider", "parse_provider"]

BACKCHANNEL: Final = "backchannel_authentication_endpoint"
TOKEN: Final = "token_endpoint"  # noqa: S105 - the name of a metadata member
_NEEDED: Final = (BACKCHANNEL, TOKEN, "jwks_uri")
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Provider:
    """What discovery says."""

    issuer: str
    metadata: Mapping[str, object]

    def text(self, name: str) -> str | None:
        """A member that is a string."""
        value = self.metadata.get(name)
        return value if isinstance(value, str) else None

    def listed(self, name: str) -> list[str]:
        """The strings of a member that is an array, nothing where it is none."""
        value = self.metadata.get(name)
        return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []

    def endpoint(self, name: str, *, mutual_tls: bool = False) -> str:
        """Where to call; with ``mutual_tls`` the alias, where there is one (RFC 8705 5)."""
        aliases = self.metadata.get("mtls_endpoint_aliases")
        if mutual_tls and isinstance(aliases, dict) and isinstance(aliases.get(name), str):
            return str(aliases[name])
        return str(self.metadata[name])


def parse_provider(answer: Answer, issuer: str) -> Provider:
    """Take what is needed to go on at all; raises ``Violation`` when it is not there."""
    if answer.status != _OK:
        raise Violation("status 200", f"the answer was {answer.summary()}")
    metadata = answer.members()
    for name in _NEEDED:
        value = metadata.get(name)
        if not isinstance(value, str):
            raise Violation(f"a URL as {name}", "there is none")
        try:
            parse_endpoint(name, value, issuer=issuer)
        except CibaClientError as error:
            raise Violation(f"an https URL as {name}", str(error)) from error
    return Provider(issuer, metadata)
