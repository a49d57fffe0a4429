"""What a client of the newest protocol sees: no sessions, subscriptions instead of notifications."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import ElicitResult

from harness.place import OUTBOARD, Place
from harness.runner import test
from harness.upstreams import Gate
from harness.waiting import until


@asynccontextmanager
async def connect(place: Place, mode: str = "auto", person: Any = None) -> AsyncIterator[Client]:
    """A new Outboard and the package's client on it."""
    server = StdioServerParameters(command=str(OUTBOARD), args=["serve"], env=place.variables(), cwd=place.project)
    transcript = place.new_transcript()
    with transcript.log.open("w") as errlog:
        async with Client(stdio_client(server, errlog), mode=mode, elicitation_callback=person) as client:
            yield client


async def execute(client: Client, code: str) -> str:
    result: Any = await client.call_tool("execute", {"code": code})
    text = "\n".join(block.text for block in result.content if block.type == "text")
    assert not result.is_error, text
    return text


@test
async def a_client_that_probes_finds_the_newest_protocol_and_works_in_it(place: Place) -> None:
    place.use("everything", "git")
    for mode in ("auto", "2026-07-28"):
        async with connect(place, mode) as client:
            assert client.protocol_version == "2026-07-28"
            assert [tool.name for tool in (await client.list_tools()).tools] == ["search", "execute"]
            status = f'return await git.git_status({{ repo_path: "{place.repository}" }})'
            assert "On branch main" in await execute(client, status)
            sum_ = "return [await everything.get_sum({ a: 1, b: 2 })]"
            assert await execute(client, sum_) == '["The sum of 1 and 2 is 3."]'
            python = "import asyncio\nlen(await asyncio.gather(*(everything.echo(message=str(n)) for n in range(5))))"
            assert await execute(client, python) == "5"


@test
async def the_probe_tells_who_answers_and_what_for(place: Place) -> None:
    place.use("everything")
    async with connect(place) as client:
        assert client.server_info and client.server_info.name == "outboard"
        assert client.instructions and "everything" in client.instructions
        assert client.server_capabilities.tools and client.server_capabilities.tools.list_changed


@test
async def a_client_of_version_two_also_opens_a_session_of_the_elder_protocol(place: Place) -> None:
    async with connect(place, "legacy") as client:
        assert client.protocol_version == "2025-11-25"
        assert await execute(client, "return 1 + 1") == "2"


@test
async def a_subscriber_hears_when_a_slow_upstream_has_come_up(place: Place) -> None:
    gate = Gate(place.root / "gate")
    place.write_config({"memory": gate.before(place.entry("memory"))}, declarations=6_000)
    async with connect(place) as client, client.listen(tools_list_changed=True) as changes:
        before = (await client.list_tools()).tools[1].description or ""
        assert "read_graph" not in before
        await until("the upstream waits at its gate", gate.open)
        async with asyncio.timeout(15):
            await anext(aiter(changes))
        assert "read_graph" in ((await client.list_tools()).tools[1].description or "")


@test
async def a_script_that_a_client_waits_for_no_longer_stops(place: Place) -> None:
    place.use("filesystem")
    async with connect(place) as client:
        (outboard,) = place.outboards()
        sign = place.data / "runs"
        code = f'await filesystem.write_file({{ path: "{sign}", content: "" }}); for (;;) {{}}'
        running = asyncio.create_task(execute(client, code))
        await until("the script runs", sign.exists)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await until("it stops computing", outboard.is_quiet)
        assert await execute(client, "return 1") == "1"


@test
async def closing_a_client_of_the_newest_protocol_leaves_no_process(place: Place) -> None:
    place.use("everything", "filesystem", "memory", "git")
    async with connect(place) as client:
        await until("all upstreams run", lambda: len(place.upstreams()) == 4)
        assert await execute(client, "return 1") == "1"
    await until("all processes are gone", lambda: not place.outboards() and not place.upstreams(), seconds=5)


@test
async def a_person_behind_a_stateless_client_is_asked_by_the_answer_itself(place: Place) -> None:
    rules = [{"tools": "filesystem.write_file", "verdict": "ask", "reason": "a test asks"}]
    place.use("filesystem", policy={"rules": rules})
    shown: list[str] = []

    async def person(_: Any, params: Any) -> ElicitResult:
        shown.append(params.message)
        return ElicitResult(action="accept", content={"decision": "allow once"})

    async with connect(place, "2026-07-28", person) as client:
        code = f'return await filesystem.write_file({{ path: "{place.data}/a.txt", content: "once" }});'
        assert "Successfully wrote" in await execute(client, code)
    assert (place.data / "a.txt").read_text() == "once"
    assert len(shown) == 1 and '"once"' in shown[0], shown
