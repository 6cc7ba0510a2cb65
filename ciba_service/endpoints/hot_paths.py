"""The paths that are asked most, found without a router."""

from collections.abc import Awaitable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HotPaths"]


class HotPaths:
    """ASGI application: what has a path of its own here is served at once, the rest by ``others``.

    Starlette's layers and its routes, one regular expression after the other, cost as much as a
    step does. Whatever is mounted below another path takes the ordinary way.
    """

    def __init__(self, others: ASGIApp, hot: Mapping[str, ASGIApp]) -> None:
        self.others = others
        self._hot = dict(hot)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve."""
        is_plain = scope["type"] == "http" and not scope.get("root_path")
        found = self._hot.get(scope["path"]) if is_plain else None
        return (found or self.others)(scope, receive, send)
