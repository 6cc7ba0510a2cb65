"""An operator at the level of the wire, and the listener of a running service for operators."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from jsonschema import Draft202012Validator

from ciba_service.commands.serving.serve import operator_config
from ciba_service.listening.listeners import bound_socket
from tests.services.prompt_server import PromptServer
from tests.services.running_service import PLAIN, RunningService
from tools.openapi import OPERATOR_SERVED

DOCUMENT: dict[str, Any] = json.loads(OPERATOR_SERVED.read_text("utf-8"))
READER, WRITER = "reader", "writer"


def operator(name: str, token: str, *roles: str, **members: Any) -> dict[str, Any]:
    """What the configuration knows of an operator with one token."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    return {"name": name, "roles": list(roles), "tokens": [{"sha256": digest, **members}]}


@dataclass
class Operators:
    """Who operates a service, and where."""

    base_url: str
    tokens: dict[str, str]
    http: httpx2.AsyncClient
    service: RunningService = field(repr=False)

    def bearer(self, name: str = WRITER) -> dict[str, str]:
        """The header that presents a token."""
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    async def ask(
        self, method: str, path: str, *, by: str | None = WRITER, **options: Any
    ) -> httpx2.Response:
        """Send a request below ``/operator``, with the token of an operator."""
        headers = {**(self.bearer(by) if by else {}), **options.pop("headers", {})}
        answer = await self.http.request(method, f"/operator{path}", headers=headers, **options)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert_described(answer)
        return answer

    async def get(self, path: str, *, by: str | None = READER, **options: Any) -> Any:
        """What stands there."""
        answer = await self.ask("GET", path, by=by, **options)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    async def writes(self) -> list[dict[str, object]]:
        """What the log says of writes; each is a security event as well."""
        told = self._logged("operator_write")
        events = await self.security_events("operator_wrote")
        assert [{"outcome": "done", **each} for each in events] == told
        return told

    async def security_events(self, kind: str) -> list[dict[str, object]]:
        """Those of a kind that were told so far."""
        await self.service.service.events.flush()
        told = [each for each in self._logged("security_event") if each.pop("kind") == kind]
        return [{key: each[key] for key in each.keys() - {"id", "severity"}} for each in told]

    def _logged(self, name: str) -> list[dict[str, object]]:
        return [
            {name: value for name, value in event.fields.items() if value is not None}
            for event in self.service.telemetry.named(name)
        ]


def assert_described(answer: httpx2.Response) -> None:
    """Whatever is answered is what docs/operator-openapi.yaml says, where the path is there."""
    request = answer.request
    sent = request.url.raw_path.partition(b"?")[0].decode().split("/")
    for path, item in DOCUMENT["paths"].items():
        segments = path.split("/")
        fits = len(segments) == len(sent) and all(
            each.startswith("{") or each == there
            for each, there in zip(segments, sent, strict=True)
        )
        if fits and (operation := item.get(request.method.lower())) is not None:
            described = operation["responses"][str(answer.status_code)]
            if "$ref" in described:
                described = DOCUMENT["components"]["responses"][described["$ref"].split("/")[-1]]
            assert all(name in answer.headers for name in described["headers"])
            media_type = answer.headers.get("content-type")
            if media_type in {"application/json", "application/problem+json"}:
                schema = described["content"][media_type]["schema"]
                rooted = {**schema, "components": DOCUMENT["components"]}
                Draft202012Validator(rooted).validate(answer.json())


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal, which is a problem document that says nothing else."""
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert document.keys() == {"type", "title", "status", "code", "detail"}
    assert document["status"] == answer.status_code
    return answer.status_code, document["code"]


def operators_section(tokens: dict[str, str]) -> list[dict[str, Any]]:
    """Two operators: one who reads, and one who writes."""
    return [
        operator(READER, tokens[READER], "read"),
        operator(WRITER, tokens[WRITER], "write"),
    ]


def new_tokens() -> dict[str, str]:
    """A token for each."""
    return {name: secrets.token_urlsafe(32) for name in (READER, WRITER)}


@asynccontextmanager
async def operating(service: RunningService, tokens: dict[str, str]) -> AsyncIterator[Operators]:
    """The listener for operators of a service that has some, until the end of the block."""
    assert service.service.operator_app is not None
    listener = bound_socket("127.0.0.1", 0, backlog=16)
    server = PromptServer(operator_config(service.service.operator_app, service.settings.server))
    serving = asyncio.create_task(server._serve(sockets=[listener]))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx2.AsyncClient(base_url=base_url, verify=PLAIN) as http:
            yield Operators(base_url, tokens, http, service)
    finally:
        server.end()
        await serving
