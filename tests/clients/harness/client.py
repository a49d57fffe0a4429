"""The client of the Python `mcp` package on `outboard serve`, with every message kept for the story of a failure.

What the package itself offers is used as it is; on top stand the words that tests are written in.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.shared.message import SessionMessage

from harness.place import OUTBOARD, Place
from harness.transcript import Transcript
from harness.waiting import until

Incoming = SessionMessage | Exception
#: Answers the forms that come to a client.
Person = Callable[[Any, types.ElicitRequestParams], Awaitable[types.ElicitResult]]
HANDLE = re.compile(r'results\.get\("([^"]+)"\)')


@dataclass(frozen=True)
class Answer:
    """What a tool call gave."""

    result: types.CallToolResult

    @property
    def text(self) -> str:
        return "\n".join(block.text for block in self.result.content if isinstance(block, types.TextContent))

    @property
    def failed(self) -> bool:
        return self.result.isError

    @property
    def images(self) -> list[types.ImageContent]:
        return [block for block in self.result.content if isinstance(block, types.ImageContent)]

    @property
    def value(self) -> Any:
        """The JSON value at the start of the text."""
        assert not self.failed, self.text[:2_000]
        return json.JSONDecoder().raw_decode(self.text)[0]

    @property
    def rest(self) -> str:
        """What follows the value: a note on what was cut, console output."""
        assert not self.failed, self.text[:2_000]
        return self.text[json.JSONDecoder().raw_decode(self.text)[1] :].strip()

    @property
    def handle(self) -> str:
        """The handle under which the whole value is kept."""
        found = HANDLE.search(self.rest)
        assert found, f"no handle in {self.rest!r}"
        return found[1]


@dataclass
class Inbox:
    """What came from Outboard without being asked for."""

    notifications: list[types.ServerNotification] = field(default_factory=list)
    #: What the package could not make sense of: must stay empty.
    strays: list[Exception] = field(default_factory=list)

    async def take(self, message: object) -> None:
        if isinstance(message, types.ServerNotification):
            self.notifications.append(message)
        elif isinstance(message, Exception):
            self.strays.append(message)


@dataclass
class Client:
    session: ClientSession
    transcript: Transcript
    inbox: Inbox
    server: types.InitializeResult
    tap: Tap

    async def execute(self, code: str, **arguments: Any) -> Answer:
        return Answer(await self.session.call_tool("execute", {"code": code, **arguments}))

    async def search(self, query: str, **arguments: Any) -> Answer:
        return Answer(await self.session.call_tool("search", {"query": query, **arguments}))

    async def value(self, code: str, **arguments: Any) -> Any:
        return (await self.execute(code, **arguments)).value

    async def failure(self, code: str, **arguments: Any) -> str:
        answer = await self.execute(code, **arguments)
        assert answer.failed, f"it should have failed, and gave {answer.text}"
        return answer.text

    async def tools(self) -> dict[str, types.Tool]:
        return {tool.name: tool for tool in (await self.session.list_tools()).tools}

    async def listed(self, *namespaces: str) -> None:
        """Waits until these upstreams have listed their tools."""

        async def all_listed() -> bool:
            text = (await self.search("")).text
            return all(f"{name} (" in text for name in namespaces) and "starting" not in text

        await until(f"the tools of {', '.join(namespaces)}", all_listed)

    async def cancel(self, running: asyncio.Task[Any], request: types.RequestId) -> None:
        """Tells Outboard to give up `request`, and gives up waiting for it here."""
        params = types.CancelledNotificationParams(requestId=request, reason="the person changed their mind")
        await self.session.send_notification(types.ClientNotification(types.CancelledNotification(params=params)))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    def has_been_told(self, kind: type[Any]) -> bool:
        return any(isinstance(notification.root, kind) for notification in self.inbox.notifications)

    @property
    def last_request(self) -> types.RequestId:
        """The id of the request that was sent last."""
        assert self.tap.last_request is not None
        return self.tap.last_request

    def stderr(self) -> str:
        return self.transcript.stderr()


@asynccontextmanager
async def connect(place: Place, person: Person | None = None, **variables: str) -> AsyncIterator[Client]:
    """Starts `outboard serve` and opens a session, behind which `person` answers forms, if anybody; when it closes, all
    that came must have made sense."""
    server = StdioServerParameters(
        command=str(OUTBOARD), args=["serve"], env=place.variables(**variables), cwd=place.project
    )
    transcript = place.new_transcript()
    with transcript.log.open("w") as errlog:
        async with stdio_client(server, errlog) as (read, write), _tapped(read, write, transcript) as tap:
            inbox = Inbox()
            async with ClientSession(
                tap.read, tap.write, message_handler=inbox.take, elicitation_callback=person
            ) as session:
                yield Client(session, transcript, inbox, await session.initialize(), tap)
    assert not inbox.strays, f"this came from Outboard and made no sense: {inbox.strays}"


@dataclass
class Tap:
    read: MemoryObjectReceiveStream[Incoming]
    write: MemoryObjectSendStream[SessionMessage]
    last_request: types.RequestId | None = None


@asynccontextmanager
async def _tapped(
    read: MemoryObjectReceiveStream[Incoming],
    write: MemoryObjectSendStream[SessionMessage],
    transcript: Transcript,
) -> AsyncIterator[Tap]:
    """Streams that pass everything on, and keep what passes."""
    to_session, session_reads = anyio.create_memory_object_stream[Incoming](0)
    session_writes, from_session = anyio.create_memory_object_stream[SessionMessage](0)
    tap = Tap(session_reads, session_writes)

    async def inwards() -> None:
        async with to_session:
            async for message in read:
                transcript.add("<", _text(message))
                await to_session.send(message)

    async def outwards() -> None:
        async with from_session:
            async for message in from_session:
                transcript.add(">", _text(message))
                if isinstance(message.message.root, types.JSONRPCRequest):
                    tap.last_request = message.message.root.id
                await write.send(message)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inwards)
        tasks.start_soon(outwards)
        yield tap
        tasks.cancel_scope.cancel()


def _text(message: Incoming) -> str:
    if isinstance(message, Exception):
        return f"not a message: {message}"
    return message.message.model_dump_json(by_alias=True, exclude_none=True)
