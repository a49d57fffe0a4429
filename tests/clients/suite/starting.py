"""Starting: Outboard answers at once, whatever its upstreams do, and tells of what they list later."""

import asyncio
import time

from mcp import types

from harness.client import connect
from harness.place import Place
from harness.runner import test
from harness.upstreams import Gate
from harness.waiting import until


@test
async def a_first_start_answers_at_once_and_tells_when_a_slow_upstream_is_there(place: Place) -> None:
    gate = Gate(place.root / "gate")
    place.write_config({"memory": gate.before(place.entry("memory"))}, declarations=6_000)
    async with connect(place) as client:
        assert client.server.capabilities.tools and client.server.capabilities.tools.listChanged
        assert "read_graph" not in ((await client.tools())["execute"].description or "")
        assert "memory is still starting" in (await client.search("graph")).text
        assert not client.has_been_told(types.ToolListChangedNotification)
        await until("the upstream waits at its gate", gate.open)
        await until("the list has changed", lambda: client.has_been_told(types.ToolListChangedNotification))
        assert "read_graph" in ((await client.tools())["execute"].description or "")


@test
async def a_second_start_answers_from_what_was_listed_last(place: Place) -> None:
    gate = Gate(place.root / "gate")
    place.write_config({"memory": gate.before(place.entry("memory"))}, declarations=6_000)
    async with connect(place) as client:
        await until("the upstream waits at its gate", gate.open)
        await client.listed("memory")
        before = await client.tools()
    started = time.monotonic()
    async with connect(place) as client:
        # Nobody opens the gate: what is answered now is remembered.
        assert await client.tools() == before
        assert "memory.read_graph(" in (await client.search("read_graph")).text
        assert time.monotonic() - started < 5
        # A call waits for the upstream, and gets through when it is there.
        called = asyncio.create_task(client.value("return (await memory.read_graph()).entities"))
        await until("the upstream waits at its gate", gate.open)
        assert await called == []
        assert not client.has_been_told(types.ToolListChangedNotification)


@test
async def a_changed_entry_is_not_answered_from_what_another_listed(place: Place) -> None:
    place.write_config({"one": place.entry("memory")}, declarations=6_000)
    async with connect(place) as client:
        await client.listed("one")
    gate = Gate(place.root / "gate")
    place.write_config({"one": gate.before(place.entry("git"))}, declarations=6_000)
    async with connect(place) as client:
        assert "read_graph" not in ((await client.tools())["execute"].description or "")
        await until("the upstream waits at its gate", gate.open)
        await client.listed("one")
        assert "one.git_log(" in (await client.search("git_log")).text


@test
async def a_slow_upstream_holds_up_no_other(place: Place) -> None:
    gate = Gate(place.root / "gate")
    place.write_config({"memory": gate.before(place.entry("memory")), "everything": place.entry("everything")})
    async with connect(place) as client:
        assert await client.value("return [await everything.echo({ message: 'ready' })]") == ["Echo: ready"]
        assert "memory is still starting" in (await client.search("echo")).text
