"""What a client sees before anything is called: two tools, their size and their text, the instructions."""

from harness.client import connect
from harness.place import Place
from harness.runner import test
from harness.wire import open_wire

ALL = ("everything", "filesystem", "memory", "git")


@test
async def two_tools_are_listed_whatever_is_upstream(place: Place) -> None:
    place.use(*ALL)
    async with connect(place) as client:
        tools = await client.tools()
        assert list(tools) == ["search", "execute"], tools
        for name, required in (("search", ["query"]), ("execute", [])):
            tool = tools[name]
            assert tool.inputSchema.get("required", []) == required, tool.inputSchema
            assert tool.description and tool.annotations, tool
            # Some clients would otherwise hide the tools behind a search of their own, or cut their results.
            assert {"anthropic/alwaysLoad", "anthropic/maxResultSizeChars"} <= set(tool.meta or {}), tool.meta
        assert tools["search"].annotations and tools["search"].annotations.readOnlyHint
        await client.listed(*ALL)
        assert list(await client.tools()) == ["search", "execute"]


@test
async def instructions_say_the_essential_first_and_name_every_namespace(place: Place) -> None:
    place.use(*ALL)
    async with connect(place) as client:
        instructions = client.server.instructions or ""
        essential = instructions[:220]
        assert "execute" in essential and "search" in essential, essential
        assert all(name in instructions[:2_048] for name in ALL), instructions


@test
async def a_small_catalogue_stands_complete_in_the_description_of_execute(place: Place) -> None:
    for budget, complete in ((4_000, True), (0, False)):
        place.use("memory", declarations=budget)
        async with connect(place) as client:
            await client.listed("memory")
            description = (await client.tools())["execute"].description or ""
            for needed in ("COMPLETE", "read_graph", "create_entities"):
                assert (needed in description) == complete, f"{budget}: {description}"


@test
async def what_a_client_lists_is_the_same_to_the_byte_from_start_to_start(place: Place) -> None:
    place.use("memory", "git", declarations=6_000)
    async with connect(place) as client:
        await client.listed("memory", "git")
    seen = set()
    for _ in range(3):
        async with open_wire(place) as wire:
            opened = await wire.initialize()
            await wire.result("tools/list")
            seen.add((opened["instructions"], wire.lines[-1]))
            await wire.close()
    assert len(seen) == 1, seen
