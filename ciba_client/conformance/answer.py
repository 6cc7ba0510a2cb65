"""An answer of the provider, whatever it may be, taken apart with care."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ciba_client.conformance.check import Violation
from ciba_client.sdk.foreign_text import readable
from ciba_client.sdk.provider.exchange import Headers

__all__ = ["Answer"]

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body as they came."""

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The value of a header, several of them joined (RFC 9110 5.3)."""
        values = [value for each, value in self.headers if each.lower() == name]
        return ", ".join(values) if values else None

    @property
    def is_json(self) -> bool:
        """Whether it says that it is JSON."""
        media_type = (self.header("content-type") or "").partition(";")[0]
        return media_type.strip().lower() == JSON

    def members(self) -> Mapping[str, object]:
        """The JSON object that it holds; raises ``Violation`` when it does not say so or is none.

        A number with a fraction or an exponent is a float, any other an int.
        """
        if not self.is_json:
            seen = readable(self.header("content-type") or "none")
            raise Violation(f"Content-Type {JSON}", f"it is {seen} (status {self.status})")
        try:
            return msgspec.json.decode(self.body, type=dict[str, object])
        except (ValueError, RecursionError) as error:
            raise Violation("a JSON object", f"the body of the {self.status} is none") from error

    def error_code(self) -> str | None:
        """The ``error`` that it names, if any; raises nothing."""
        try:
            found = msgspec.json.decode(self.body, type=dict[str, object]).get("error")
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, str) else None

    def summary(self) -> str:
        """In a few words, for a report."""
        code = self.error_code()
        return f"status {self.status}" + (f" {readable(code)}" if code else "")
