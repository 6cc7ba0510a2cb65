"""Paths that are served without a router, and whatever else there is."""

import pytest
from starlette.types import Scope

from ciba_service.endpoints.hot_paths import HotPaths


class Noting:
    """An application that notes what it serves."""

    def __init__(self) -> None:
        self.served: list[str] = []

    async def __call__(self, scope: Scope, *_: object) -> None:
        """Note it."""
        self.served.append(scope.get("path", scope["type"]))


@pytest.fixture
def apps() -> tuple[Noting, Noting]:
    """What is hot, and the others."""
    return Noting(), Noting()


async def ask(apps: tuple[Noting, Noting], scope: dict[str, str]) -> tuple[list[str], list[str]]:
    """Who served it."""
    hot, others = apps
    await HotPaths(others, {"/token": hot})(scope, None, None)
    return hot.served, others.served


async def test_a_hot_path_is_served_at_once(apps: tuple[Noting, Noting]):
    """The router never sees it."""
    assert await ask(apps, {"type": "http", "path": "/token"}) == (["/token"], [])


@pytest.mark.parametrize("path", ["/", "/token/", "/tokens", "/TOKEN"])
async def test_other_paths_are_routed(apps: tuple[Noting, Noting], path: str):
    """A path is hot to the letter or not at all."""
    assert await ask(apps, {"type": "http", "path": path}) == ([], [path])


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "lifespan"},
        {"type": "websocket", "path": "/token"},
        {"type": "http", "path": "/token", "root_path": "/below"},
    ],
)
async def test_what_is_no_plain_request_is_routed(
    apps: tuple[Noting, Noting], scope: dict[str, str]
):
    """The lifespan, sockets, and an application mounted below another path."""
    hot, others = await ask(apps, scope)
    assert not hot
    assert len(others) == 1
