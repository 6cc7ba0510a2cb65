"""Who may speak to the operators' listener from a browser: no page of another origin.

Names that lead to this machine are no protection: a page elsewhere may let its own name lead here
(DNS rebinding). So the ``Host`` header must be one of ours, and an ``Origin`` that of ours, too.
"""

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

__all__ = ["LOOPBACK_NAMES", "AllowedOrigins"]

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

_FRIENDLY_SITES: Final = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class AllowedOrigins:
    """``names`` may stand in ``Host``, with any port: tunnels and containers change it.

    ``is_secure``: what a browser sees is https.
    """

    names: frozenset[str]
    is_secure: bool

    @classmethod
    def of(cls, *, host: str, has_tls: bool, base_url: str | None) -> Self:
        """Those of a listener at ``host``, or of a proxy before it, reached at ``base_url``."""
        names = {_bracketed(host), *LOOPBACK_NAMES}
        if base_url is None:
            return cls(frozenset(names), is_secure=has_tls)
        parts = urlsplit(base_url)
        return cls(frozenset({*names, _bracketed(parts.hostname or "")}), is_secure=True)

    def has_host(self, host: str) -> bool:
        """Whether a ``Host`` header is one of ours."""
        name, separator, port = host.lower().rpartition(":")
        if not separator or not port.isascii() or not port.isdigit():
            name = host.lower()
        return name in self.names

    def lets_in(self, *, host: str, origin: str | None, site: str | None) -> bool:
        """Whether a request comes from a page of ours, or from no page.

        ``site`` is ``Sec-Fetch-Site``; whoever is no browser sends neither.
        """
        if site is not None and site not in _FRIENDLY_SITES:
            return False
        scheme = "https" if self.is_secure else "http"
        return origin is None or origin.lower() == f"{scheme}://{host.lower()}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()
