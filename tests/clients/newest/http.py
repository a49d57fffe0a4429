"""Clients of version 2 of the `mcp` package, and FastMCP's, over HTTP."""

import asyncio
from typing import Any

from fastmcp import Client as FastClient
from fastmcp.client.auth import BearerAuth
from mcp import Client
from mcp.types import ElicitResult

from harness.place import Place
from harness.runner import test
from harness.serving import serving
from harness.upstreams import Gate
from harness.waiting import until
from newest.stateless import execute


@test
async def a_client_of_version_two_speaks_either_era_over_http(place: Place) -> None:
    place.use("everything")
    sum_ = "return [await everything.get_sum({ a: 1, b: 2 })]"
    async with serving(place) as url:
        for mode, version in (("auto", "2026-07-28"), ("2026-07-28", "2026-07-28"), ("legacy", "2025-11-25")):
            async with Client(url, mode=mode) as client:
                assert client.protocol_version == version
                assert [tool.name for tool in (await client.list_tools()).tools] == ["search", "execute"]
                assert await execute(client, sum_) == '["The sum of 1 and 2 is 3."]'


@test
async def a_subscriber_over_http_hears_when_a_slow_upstream_has_come_up(place: Place) -> None:
    gate = Gate(place.root / "gate")
    place.write_config({"memory": gate.before(place.entry("memory"))}, declarations=6_000)
    async with serving(place) as url, Client(url) as client, client.listen(tools_list_changed=True) as changes:
        before = (await client.list_tools()).tools[1].description or ""
        assert "read_graph" not in before
        await until("the upstream waits at its gate", gate.open)
        async with asyncio.timeout(15):
            await anext(aiter(changes))
        assert "read_graph" in ((await client.list_tools()).tools[1].description or "")


@test
async def a_person_is_asked_by_a_form_that_is_handed_over_http(place: Place) -> None:
    place.use("everything", policy={"otherwise": "ask"})
    asked: list[str] = []

    async def person(_context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"decision": "allow once"})

    async with serving(place) as url, Client(url, elicitation_callback=person) as client:
        assert "3" in await execute(client, "return await everything.get_sum({ a: 1, b: 2 })")
        assert len(asked) == 1


@test
async def the_client_of_fastmcp_works_over_http(place: Place) -> None:
    place.use("everything")
    tokens = {"ANN_TOKEN": "ann-0123456789abcdef"}
    async with serving(place, "--token-env", "ann=ANN_TOKEN", **tokens) as url:
        async with FastClient(url, auth=BearerAuth(tokens["ANN_TOKEN"])) as client:
            assert [tool.name for tool in await client.list_tools()] == ["search", "execute"]
            found = await client.call_tool("search", {"query": "add two numbers"})
            assert "everything.get_sum(" in found.content[0].text
            code = "return [await everything.get_sum({ a: 1, b: 2 })]"
            answers = await asyncio.gather(*(client.call_tool("execute", {"code": code}) for _ in range(10)))
            assert {answer.content[0].text for answer in answers} == {'["The sum of 1 and 2 is 3."]'}
