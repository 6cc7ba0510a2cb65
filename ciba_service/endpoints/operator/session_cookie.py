"""The cookie of a session: what browsers keep of it, and what they give back (RFC 6265)."""

from collections.abc import Sequence
from dataclasses import dataclass

from ciba_service.protocol.operators.problems import OperatorRefused, Problem

__all__ = ["CookieForm"]


@dataclass(frozen=True, slots=True)
class CookieForm:
    """``is_secure``: browsers speak https to us, and can hold the cookie to this very host."""

    is_secure: bool

    @property
    def name(self) -> str:
        """With a prefix that no other host and no plain http can set."""
        return "__Host-ciba-operator" if self.is_secure else "ciba-operator"

    def read(self, lines: Sequence[str]) -> str | None:
        """The value that was sent, or None; raises ``OperatorRefused`` when there are several."""
        pairs = (pair.strip().partition("=") for line in lines for pair in line.split(";"))
        values = [value for name, _, value in pairs if name == self.name]
        if len(values) > 1:
            # Somebody else has planted one.
            raise OperatorRefused(Problem.MALFORMED_REQUEST)
        return values[0] if values else None

    def setting(self, value: str, *, seconds: int) -> tuple[bytes, bytes]:
        """The header that makes a browser keep it; with 0 seconds, forget it."""
        place = "; Secure; Path=/" if self.is_secure else "; Path=/operator"
        text = f"{self.name}={value}{place}; HttpOnly; SameSite=Strict; Max-Age={seconds}"
        return b"set-cookie", text.encode("ascii")
