"""The events of a request as a client gets them: one JSON answer, or a stream as it comes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.wire.client import WireClient

PATH = "/bc-authorize/events"
STREAM = "text/event-stream"


async def events_answer(client: WireClient, auth_req_id: str, **changed: str) -> httpx2.Response:
    """A well-formed question for events, but for ``changed``."""
    return await client.post(PATH, {"auth_req_id": auth_req_id, **client.credentials(), **changed})


async def ledger_of(client: WireClient, auth_req_id: str) -> dict[str, Any]:
    """What the client is told."""
    answer = await events_answer(client, auth_req_id)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def story(client: WireClient, auth_req_id: str) -> list[str]:
    """What happened, in order."""
    return [event["event"] for event in (await ledger_of(client, auth_req_id))["events"]]


@dataclass(frozen=True)
class Told:
    """One group of lines."""

    id: str | None
    event: str
    data: Any


@dataclass
class EventReader:
    """A stream as it comes."""

    answer: httpx2.Response
    lines: AsyncIterator[str]

    async def group(self) -> list[str]:
        """The next lines up to an empty one; none at the end."""
        found: list[str] = []
        async with asyncio.timeout(10):
            async for line in self.lines:
                if not line:
                    return found
                found.append(line)
        assert found == []
        return []

    async def next(self) -> Told | None:
        """The next event, whatever comments come before it; None at the end."""
        while (lines := await self.group()) == [":"]:
            pass
        if not lines:
            return None
        members = dict(line.split(": ", 1) for line in lines)
        assert len(members) == len(lines)
        return Told(members.get("id"), members["event"], json.loads(members["data"]))

    async def rest(self) -> list[Told]:
        """All that comes until the end."""
        found = []
        while (told := await self.next()) is not None:
            found.append(told)
        return found


@asynccontextmanager
async def stream(
    client: WireClient, auth_req_id: str, *, after: str | None = None
) -> AsyncIterator[EventReader]:
    """A stream of events, from the beginning or after one that is known."""
    assert client.http is not None
    headers = {"accept": STREAM, **({} if after is None else {"last-event-id": after})}
    form = {"auth_req_id": auth_req_id, **client.credentials()}
    async with client.http.stream("POST", PATH, data=form, headers=headers) as answer:
        yield EventReader(answer, answer.aiter_lines())
