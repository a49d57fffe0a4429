"""The client of the `mcp` package over HTTP, of the elder protocols: sessions, streams, forms, tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client

from harness.place import Place
from harness.runner import test
from harness.serving import serving
from harness.waiting import until


@asynccontextmanager
async def session(url: str, token: str = "", **callbacks: Any) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(30, read=300)) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write, **callbacks) as client,
    ):
        await client.initialize()
        yield client


async def execute(client: ClientSession, code: str, **more: Any) -> str:
    result = await client.call_tool("execute", {"code": code}, **more)
    text = "\n".join(block.text for block in result.content if isinstance(block, types.TextContent))
    assert not result.isError, text
    return text


@test
async def a_session_over_http_works_as_over_stdio(place: Place) -> None:
    place.use("everything", "git")
    async with serving(place) as url, session(url) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["search", "execute"]
        assert await execute(client, "return [await everything.get_sum({ a: 1, b: 2 })]") == '["The sum of 1 and 2 is 3."]'
        status = f'return await git.git_status({{ repo_path: "{place.repository}" }})'
        assert "On branch main" in await execute(client, status)
        await client.send_ping()


@test
async def a_script_that_takes_long_comes_by_a_stream_with_its_progress(place: Place) -> None:
    place.use("everything")
    told: list[float] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append(done)

    code = "await everything.trigger_long_running_operation({ duration: 4, steps: 1 }); return 'done'"
    async with serving(place) as url, session(url) as client:
        assert await execute(client, code, progress_callback=progress) == "done"
        assert told


@test
async def many_clients_over_http_are_kept_apart(place: Place) -> None:
    place.use("everything")
    async with serving(place) as url:

        async def one(number: int) -> None:
            async with session(url) as client:
                for turn in range(3):
                    echo = f"return await everything.echo({{ message: '{number}.{turn}' }})"
                    assert f"{number}.{turn}" in await execute(client, echo)

        await asyncio.gather(*(one(number) for number in range(10)))


@test
async def a_person_behind_http_is_asked_by_a_form(place: Place) -> None:
    place.use("everything", policy={"otherwise": "ask"})
    asked: list[str] = []

    async def person(_context: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"decision": "allow once"})

    async with serving(place) as url, session(url, elicitation_callback=person) as client:
        assert "3" in await execute(client, "return await everything.get_sum({ a: 1, b: 2 })")
        assert len(asked) == 1 and "get" in asked[0], asked


@test
async def a_change_of_tools_is_told_over_http(place: Place) -> None:
    place.use("everything")
    told: list[object] = []

    async def hear(message: object) -> None:
        if isinstance(message, types.ServerNotification):
            told.append(message.root)

    async with serving(place) as url, session(url, message_handler=hear) as client:
        await client.list_tools()
        place.use("everything", "memory")

        def changed() -> bool:
            return any(isinstance(message, types.ToolListChangedNotification) for message in told)

        await until("the change is told", changed)


@test
async def without_its_token_nobody_is_served(place: Place) -> None:
    place.use("everything")
    tokens = {"ANN_TOKEN": "ann-0123456789abcdef"}
    async with serving(place, "--token-env", "ann=ANN_TOKEN", **tokens) as url:
        async with session(url, tokens["ANN_TOKEN"]) as client:
            assert await execute(client, "return 1 + 1") == "2"
        for wrong in ({}, {"Authorization": "Bearer ann-0123456789abcdeg"}):
            async with httpx.AsyncClient() as http:
                refused = await http.post(url, json={}, headers=wrong)
            assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Bearer")
