"""Whom the playground lets in, and what it serves."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from ciba_client import SystemClock
from ciba_client.playground.clients import load_clients
from ciba_client.playground.command import Playground, playground
from tests.services.running_service import PLAIN
from tests.unit.ciba_client.playground.test_shown import client_file


@dataclass
class Stage:
    """A playground that nobody looks at yet."""

    playground: Playground

    @property
    def address(self) -> str:
        """Where the page is, without the secret."""
        return self.playground.address.partition("#")[0].rstrip("/")

    def http(self, **headers: str) -> httpx2.AsyncClient:
        """A program that speaks as the page does, but for some headers; empty ones are left out."""
        own = {
            "origin": self.address,
            "content-type": "application/json",
            "authorization": f"Bearer {self.playground.secret}",
        }
        given = {name: value for name, value in {**own, **headers}.items() if value}
        return httpx2.AsyncClient(
            base_url=self.address, headers=given, trust_env=False, verify=PLAIN
        )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A playground with one client."""
    clients = load_clients([client_file(tmp_path)], listen=None, warn=lambda _: None)
    async with playground(clients, port=0, clock=SystemClock()) as running:
        yield Stage(running)


async def test_a_message_that_is_not_there(stage: Stage):
    """Whatever it is called by."""
    async with stage.http() as http:
        order = {"client": "till", "hint": "alice"}
        flow = (await http.post("/api/flows", json=order)).json()["id"]
        for number in ("9" * 5_000, "-1", "1.0", "\u0661", "x", "99"):
            answer = await http.get(f"/api/flows/{flow}/messages/{number}")
            assert answer.status_code == 404
            assert answer.json() == {"error": "This message was left out."}


async def test_only_the_page_is_let_in(stage: Stage):
    """Neither without the secret, nor from another origin, nor by another name of this address."""
    order = {"client": "till", "hint": "alice"}
    own = stage.address
    port = own.rpartition(":")[2]
    refused: list[tuple[dict[str, str], int]] = [
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer " + "A" * 43}, 401),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": f"http://localhost:{port}"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"host": f"evil.example:{port}"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"content-type": "text/plain"}, 415),
    ]
    reading = [({"authorization": ""}, 401), ({"host": "evil.example"}, 421)]
    reading += [({"origin": "https://evil.example"}, 403), ({"origin": ""}, 404)]
    for headers, status in refused:
        async with stage.http(**headers) as http:
            answer = await http.post("/api/flows", json=order)
            assert answer.status_code == status, (headers, answer.text)
    for headers, status in reading:
        async with stage.http(**headers) as http:
            assert (await http.get("/api/flows/none/program")).status_code == status, headers
    assert stage.playground.flows.names() == []


async def test_nothing_but_the_page_is_served(stage: Stage):
    """Its files with a strict policy; no other path, no other method, nothing above the folder."""
    async with httpx2.AsyncClient(base_url=stage.address, trust_env=False, verify=PLAIN) as http:
        index = await http.get("/")
        assert index.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in index.headers["content-security-policy"]
        assert index.headers["cache-control"] == "no-cache"
        assert (await http.head("/main.js")).headers["content-type"].startswith("text/javascript")
        for path in (
            "/nothing",
            "/look/",
            "/..%2fcommand.py",
            "/%2e%2e/command.py",
            "/page/main.js",
        ):
            assert (await http.get(path)).status_code == 404
        assert (await http.post("/", headers={"origin": stage.address})).status_code == 405
        assert (await http.put("/", headers={"origin": stage.address})).status_code == 405


async def test_what_is_no_proper_request_is_refused(stage: Stage):
    """Too large, of no such kind, or about nothing that there is."""
    async with stage.http() as page:
        answer = await page.post("/api/flows", content=b"x" * (64 * 1024 + 1))
        assert answer.status_code == 413
        assert (await page.post("/api/endpoint", json={"answer": "418"})).status_code == 400
        for path in ("messages/1", "program"):
            assert (await page.get(f"/api/flows/none/{path}")).status_code == 404
        for path in ("cancel", "use", "forget"):
            answer = await page.post(f"/api/flows/none/{path}", json={"name": "receipt"})
            assert answer.status_code == 404


async def test_a_few_pages_can_look_at_once(stage: Stage):
    """Whoever comes later is told so."""
    async with AsyncExitStack() as open_streams:
        http = await open_streams.enter_async_context(stage.http())
        looking = []
        for _ in range(8):
            stream = await open_streams.enter_async_context(http.stream("GET", "/api/stream"))
            looking.append(stream.aiter_lines())
            assert await anext(looking[-1]) == "event: hello"
        assert (await http.get("/api/stream")).status_code == 503
