"""Clients that write no scripts, of the `mcp` package: they see the tools of a server as if nobody stood between."""

from contextlib import AsyncExitStack
from typing import Any

from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client

from harness import upstreams
from harness.place import Place
from harness.runner import test
from harness.serving import serving
from suite.http import session

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("echo", {"message": "hi"}),
    ("get-sum", {"a": 1, "b": 2}),
    ("get-tiny-image", {}),
    ("get-structured-content", {"location": "Chicago"}),
    ("get-annotated-message", {"messageType": "error", "includeImage": True}),
    ("get-resource-links", {"count": 2}),
]


def plain(model: Any) -> Any:
    return model.model_dump(mode="json", exclude_none=True)


def described(tool: types.Tool) -> Any:
    fields = plain(tool)
    # What stands there besides MCP's fields is not given on, nor an annotation's title.
    return {name: fields.get(name) for name in ("name", "title", "description", "inputSchema", "outputSchema")}


@test
async def one_server_is_as_if_nobody_stood_between(place: Place) -> None:
    place.use("everything")
    entry = upstreams.everything()
    alone = StdioServerParameters(command=entry["command"], args=entry["args"], env=place.variables())
    async with AsyncExitStack() as stack:
        read, write = await stack.enter_async_context(stdio_client(alone))
        direct = await stack.enter_async_context(ClientSession(read, write))
        await direct.initialize()
        url = await stack.enter_async_context(serving(place))
        through = await stack.enter_async_context(session(f"{url}?codemode=off"))
        wanted = [described(tool) for tool in (await direct.list_tools()).tools]
        assert [described(tool) for tool in (await through.list_tools()).tools] == wanted
        for name, arguments in CALLS:
            # The client itself holds structured content against the tool's schema.
            here, there = [await client.call_tool(name, arguments) for client in (through, direct)]
            assert plain(here) == plain(there), f"{name}: {here} instead of {there}"
        wrong = await through.call_tool("get-sum", {"a": "x"})
        assert wrong.isError and "invalid_arguments" in str(wrong.content), wrong


@test
async def several_servers_are_kept_apart_and_scripts_go_on_beside(place: Place) -> None:
    place.use("everything", "git")
    async with (
        serving(place) as url,
        session(f"{url}?codemode=false") as through,
        session(url) as scripting,
    ):
        names = [tool.name for tool in (await through.list_tools()).tools]
        assert "everything__echo" in names and "git__git_status" in names, names
        said = await through.call_tool("git__git_status", {"repo_path": str(place.repository)})
        assert "On branch main" in str(said.content), said
        assert [tool.name for tool in (await scripting.list_tools()).tools] == ["search", "execute"]
