"""A bare pipe to `outboard serve`: every line as it is, for what no client library would send or show.

Every line that Outboard writes is checked here: it must be one JSON-RPC message.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.place import OUTBOARD, Place
from harness.transcript import Transcript

Message = dict[str, Any]

NEWEST = "2025-11-25"
STATELESS = "2026-07-28"
LONGEST_LINE = 64 << 20
DEADLINE = 20


@dataclass
class Wire:
    process: asyncio.subprocess.Process
    transcript: Transcript
    #: Messages that came while another was waited for.
    passed: list[Message] = field(default_factory=list)
    #: The raw lines of all that came.
    lines: list[str] = field(default_factory=list)
    _next_id: int = 1

    async def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.transcript.add(">", data.decode(errors="backslashreplace").replace("\0", "\\0").rstrip("\n"))
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def send(self, message: Message) -> None:
        await self.send_bytes(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def notify(self, method: str, **params: Any) -> None:
        await self.send({"method": method, "params": params})

    async def begin(self, method: str, **params: Any) -> int:
        """Sends a request and gives its id."""
        request, self._next_id = self._next_id, self._next_id + 1
        await self.send({"id": request, "method": method, "params": params})
        return request

    async def ask(self, method: str, **params: Any) -> Message:
        """The whole answer to a request."""
        return await self.answer(await self.begin(method, **params))

    async def result(self, method: str, **params: Any) -> Message:
        answer = await self.ask(method, **params)
        assert "result" in answer, answer
        result: Message = answer["result"]
        return result

    async def answer(self, request: int) -> Message:
        async with asyncio.timeout(DEADLINE):
            while True:
                message = await self.read()
                if message.get("id") == request and "method" not in message:
                    return message
                self.passed.append(message)

    async def read(self) -> Message:
        """The next message; anything else on standard output is a failure."""
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        assert line, "Outboard closed its standard output"
        self.transcript.add("<", line.rstrip("\n"))
        self.lines.append(line)
        message = json.loads(line)
        assert isinstance(message, dict) and message.get("jsonrpc") == "2.0", line
        return message

    async def initialize(self, version: str = NEWEST) -> Message:
        client = {"name": "wire", "version": "1"}
        opened = await self.result("initialize", protocolVersion=version, capabilities={}, clientInfo=client)
        await self.notify("notifications/initialized")
        return opened

    async def execute(self, code: str) -> str:
        """The text that `execute` gives, in the elder era."""
        return text_of(await self.result("tools/call", name="execute", arguments={"code": code}))

    def end_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def close(self) -> int:
        """Ends the input, reads what is left, and gives the exit code."""
        self.end_input()
        return await self.ended()

    def signal(self, which: signal.Signals) -> None:
        self.process.send_signal(which)

    async def ended(self) -> int:
        """The exit code, once the process has ended; all that it still wrote must be messages."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            while not self.process.stdout.at_eof():
                if line := await self.process.stdout.readline():
                    json.loads(line)
            return await self.process.wait()

    def stderr(self) -> str:
        return self.transcript.stderr()


def text_of(result: Message) -> str:
    return "\n".join(block["text"] for block in result["content"] if block["type"] == "text")


def stateless(**params: Any) -> Message:
    """The params of a request in the era without sessions: each says who asks, and in which version."""
    return {
        **params,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": STATELESS,
            "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }


@asynccontextmanager
async def open_wire(place: Place, **variables: str) -> AsyncIterator[Wire]:
    """Starts `outboard serve` with nothing said yet; ends it if the test has not."""
    transcript = place.new_transcript()
    with transcript.log.open("w") as errlog:
        process = await asyncio.create_subprocess_exec(
            str(OUTBOARD),
            "serve",
            cwd=place.project,
            env=place.variables(**variables),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errlog,
            limit=LONGEST_LINE,
        )
    try:
        yield Wire(process, transcript)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
