"""The tool server of ``examples/agent_approval``: what an agent's runtime says and hears."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from examples.agent_approval.tool_server import ToolServer
from tests.examples.agent import RENT, Agent, agent_of, new_wire_client
from tests.examples.passing_clock import PassingClock
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.phone import WirePhone

ROOT = Path(__file__).parents[2]
ARGUMENTS = dict(zip(("amount", "currency", "creditor_iban", "creditor_name"), RENT, strict=True))
CALL = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "tools/call",
    "params": {"name": "transfer", "arguments": ARGUMENTS},
}


class Runtime:
    """The agent's side of the two pipes."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def say(self, **message: Any) -> None:
        """Send one message."""
        self.said.put_nowait(json.dumps({"jsonrpc": "2.0", **message}).encode())

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(30):
            return await self.heard.get()

    async def lines(self) -> AsyncIterator[bytes]:
        """What the server reads, until the agent is gone."""
        while (line := await self.said.get()) is not None:
            yield line


@pytest.fixture
async def bank(run_service: ServiceRunner) -> AsyncIterator[RunningService]:
    """A service with the agent's tool as a client."""
    async with run_service(clients=[new_wire_client()]) as running:
        yield running


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """The phone of the agent's human."""
    return await bank.enrolled_phone("alice")


@pytest.fixture
async def agent(bank: RunningService) -> AsyncIterator[Agent]:
    """An agent with the tool."""
    async with agent_of(bank) as made:
        yield made


@pytest.fixture
async def runtime(agent: Agent) -> AsyncIterator[Runtime]:
    """What runs the agent, connected to the server."""
    made = Runtime()
    server = ToolServer(agent.tool, made.heard.put_nowait)
    serving = asyncio.create_task(server.serve(made.lines()))
    yield made
    made.said.put_nowait(None)
    async with asyncio.timeout(30):
        await serving


async def test_the_agent_learns_of_one_tool(runtime: Runtime):
    """With the arguments that it takes; what the human decides is not among them."""
    runtime.say(id=1, method="initialize", params={"protocolVersion": "2025-03-26"})
    assert (await runtime.hear())["result"]["protocolVersion"] == "2025-03-26"
    runtime.say(method="notifications/initialized")
    runtime.say(id=2, method="ping")
    assert await runtime.hear() == {"jsonrpc": "2.0", "id": 2, "result": {}}
    runtime.say(id=3, method="tools/list")
    (tool,) = (await runtime.hear())["result"]["tools"]
    assert tool["name"] == "transfer"
    assert tool["inputSchema"]["properties"].keys() == ARGUMENTS.keys()


@pytest.mark.parametrize(
    "params",
    [
        {"name": "transfer", "arguments": {**ARGUMENTS, "login_hint": "bob"}},
        {"name": "transfer", "arguments": {**ARGUMENTS, "amount": 850}},
        {"name": "transfer", "arguments": {"amount": "850.00"}},
        {"name": "transfer"},
        {"name": "withdraw", "arguments": ARGUMENTS},
    ],
    ids=["payer", "number", "few", "none", "other"],
)
async def test_the_agent_can_ask_for_nothing_else(
    runtime: Runtime, alice: WirePhone, params: dict[str, Any]
):
    """Neither for another payer nor with other arguments."""
    runtime.say(id=1, method="tools/call", params=params)
    assert (await runtime.hear())["error"]["code"] == -32602
    assert await alice.fetch() == []


async def test_an_unknown_method_is_refused(runtime: Runtime):
    """By the code of JSON-RPC."""
    runtime.say(id=1, method="resources/list")
    assert (await runtime.hear())["error"]["code"] == -32601


async def test_two_calls_wait_at_the_same_time(runtime: Runtime, alice: WirePhone, agent: Agent):
    """Each gets its own answer, in the order of the decisions."""
    runtime.say(**CALL)
    await agent.asked.wait()
    (first,) = await alice.fetch()
    agent.asked.clear()
    runtime.say(**{**CALL, "id": 8})
    await agent.asked.wait()
    (second,) = [each for each in await alice.fetch() if each != first]
    await alice.decide(alice.denial(second))
    declined = await runtime.hear()
    assert (declined["id"], declined["result"]["isError"]) == (8, True)
    await alice.decide(alice.approval(first))
    executed = await runtime.hear()
    assert (executed["id"], executed["result"]["isError"]) == (7, False)
    assert executed["result"]["structuredContent"]["outcome"] == "executed"


async def test_a_cancelled_call_leaves_the_phone(runtime: Runtime, alice: WirePhone, agent: Agent):
    """The runtime says that nobody waits any more; an answer to it is not expected."""
    runtime.say(**CALL)
    await agent.asked.wait()
    assert len(await alice.fetch()) == 1
    runtime.say(method="notifications/cancelled", params={"requestId": 7})
    await agent.service.telemetry.seen("transaction_settled")
    assert await alice.fetch() == []


async def test_the_server_as_a_program(run_service: ServiceRunner, tmp_path: Path):
    """Started by an agent's runtime, it shows the code at its machine and answers on stdout."""
    client = new_wire_client()
    client.metadata |= {"polling_interval": 0}
    async with run_service(clients=[client], clock=PassingClock()) as bank:
        alice = await bank.enrolled_phone("alice")
        key = tmp_path / "agent.jwk"
        key.write_text(json.dumps(client.key.as_dict(private=True)), "utf-8")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "examples.agent_approval.tool_server", "--issuer", bank.issuer),
            *("--payments", f"{bank.issuer}/resource/payments", "--client-id", "agent"),
            *("--key", key, "--payer", "alice@example.org"),
            cwd=ROOT,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with asyncio.timeout(40):
                process.stdin.write(json.dumps(CALL).encode() + b"\n")
                shown = (await process.stderr.readline()).decode()
                assert shown.startswith("Approve on your phone, if it shows "), shown
                await alice.approve_next()
                answer = json.loads(await process.stdout.readline())
                process.stdin.close()
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()
    assert answer["result"]["structuredContent"]["outcome"] == "executed"
