"""Offers ``transfer`` to agents as a server of the Model Context Protocol, over stdin and stdout.

One JSON-RPC message a line. Several calls may go on at once; a call that the agent cancels takes
its request off the phone.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import httpx2

from ciba_client import CibaClient, ClientConfiguration, parse_signing_key
from examples.agent_approval.payment_api import PaymentApi
from examples.agent_approval.transfer_tool import Outcome, TransferTool

PROTOCOL: Final = "2025-06-18"
TRANSFER: Final[dict[str, Any]] = {
    "name": "transfer",
    "description": (
        "Transfer money from the user's account. The user is asked on the phone and sees the "
        "amount and the payee; nothing else is executed. It waits for up to two minutes. "
        "Ask once; when the user declined, do not ask again."
    ),
    "inputSchema": {
        "type": "object",
        "additionalProperties": False,
        "required": ["amount", "currency", "creditor_iban", "creditor_name"],
        "properties": {
            "amount": {"type": "string", "pattern": r"^\d{1,12}(\.\d{1,2})?$"},
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
            "creditor_iban": {"type": "string"},
            "creditor_name": {"type": "string"},
        },
    },
}
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
Message = dict[str, Any]


class ToolServer:
    """Answers one agent, by ``write``."""

    def __init__(self, tool: TransferTool, write: Callable[[Message], None]) -> None:
        self._tool = tool
        self._write = write
        self._calls: dict[int | str, asyncio.Task[None]] = {}

    async def serve(self, lines: AsyncIterator[bytes]) -> None:
        """Answer until the agent is gone; what it still waits for is taken back."""
        async with asyncio.TaskGroup() as group:
            async for line in lines:
                self._take(json.loads(line), group)
            for call in self._calls.values():
                call.cancel()

    def _take(self, message: Message, group: asyncio.TaskGroup) -> None:
        method, params = message["method"], message.get("params", {})
        if "id" in message:
            self._do(message["id"], method, params, group)
        elif method == "notifications/cancelled" and params["requestId"] in self._calls:
            self._calls[params["requestId"]].cancel()

    def _do(
        self, number: int | str, method: str, params: Message, group: asyncio.TaskGroup
    ) -> None:
        match method:
            case "initialize":
                self._answer(number, introduction(params))
            case "ping":
                self._answer(number, {})
            case "tools/list":
                self._answer(number, {"tools": [TRANSFER]})
            case "tools/call" if is_transfer(params):
                transfer = self._transfer(number, params["arguments"])
                self._calls[number] = group.create_task(transfer)
            case "tools/call":
                self._refuse(number, INVALID_PARAMS, "transfer takes its four texts")
            case _:
                self._refuse(number, METHOD_NOT_FOUND, "there is no such method")

    async def _transfer(self, number: int | str, arguments: dict[str, str]) -> None:
        try:
            result = await self._tool.transfer(**arguments)
        finally:
            del self._calls[number]
        self._answer(number, {
            "content": [{"type": "text", "text": result.reason}],
            "structuredContent": asdict(result),
            "isError": result.outcome is not Outcome.EXECUTED,
        })  # fmt: skip

    def _answer(self, number: int | str, result: Message) -> None:
        self._write({"jsonrpc": "2.0", "id": number, "result": result})

    def _refuse(self, number: int | str, code: int, text: str) -> None:
        self._write({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": text}})


def introduction(params: Message) -> Message:
    """The answer to ``initialize``: the agent's version of the protocol will do."""
    return {
        "protocolVersion": params.get("protocolVersion", PROTOCOL),
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "transfer", "version": "1"},
    }


def is_transfer(params: Message) -> bool:
    """Whether it is a call of the one tool, with all of its arguments and no others."""
    arguments = params.get("arguments")
    return (
        params.get("name") == TRANSFER["name"]
        and isinstance(arguments, dict)
        and arguments.keys() == TRANSFER["inputSchema"]["properties"].keys()
        and all(isinstance(value, str) for value in arguments.values())
    )


async def main() -> None:
    """Serve the agent that started this program."""
    parser = argparse.ArgumentParser(description="A tool server whose transfers need approval.")
    parser.add_argument("--issuer", required=True, help="of the bank's CIBA service")
    parser.add_argument("--payments", required=True, help="URL of the bank's payments")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--key", required=True, type=Path, help="the client's private key (JWK)")
    parser.add_argument("--payer", required=True, help="login_hint of whoever pays and is asked")
    given = parser.parse_args()
    configuration = ClientConfiguration(
        issuer=given.issuer,
        client_id=given.client_id,
        key=parse_signing_key(given.key.read_bytes()),
        dpop_bound_access_tokens=True,
        polling_wait=25,
    )
    async with CibaClient(configuration) as client, httpx2.AsyncClient() as http:
        bank = PaymentApi(client, http, given.payments)
        tool = TransferTool(client, bank, payer=given.payer, show=show)
        await ToolServer(tool, write).serve(await stdin())


async def stdin() -> asyncio.StreamReader:
    """What the agent writes, line by line."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def write(message: Message) -> None:
    """Tell the agent."""
    print(json.dumps(message), flush=True)


def show(sentence: str) -> None:
    """Tell the human at this machine; stdout belongs to the agent."""
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
