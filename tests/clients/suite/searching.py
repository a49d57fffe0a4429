"""Search: the right tools for a task, over the client's `search` and in the script."""

from harness.cases import Cases
from harness.client import connect
from harness.place import Place
from harness.runner import test

#: What a model asks for, and the tool that must be among the first three.
TASKS = (
    ("add two numbers", "everything.get_sum"),
    ("write text to a file", "filesystem.write_file"),
    ("list what is in a folder", "filesystem.list_directory"),
    ("create entities in the knowledge graph", "memory.create_entities"),
    ("commit history", "git.git_log"),
    ("weather of a city as structured data", "everything.get_structured_content"),
)


@test
async def a_search_finds_the_tool_for_a_task(place: Place) -> None:
    place.use("everything", "filesystem", "memory", "git")
    async with connect(place) as client:
        await client.listed("everything", "filesystem", "memory", "git")
        with Cases() as cases:
            for task, tool in TASKS:
                with cases.case(task):
                    answer = await client.search(task, limit=3)
                    assert not answer.failed and f"{tool}(" in answer.text, answer.text
        # Names are found as the server spells them, too.
        assert "everything.get_sum(" in (await client.search("get-sum")).text


@test
async def search_shows_as_much_of_a_tool_as_is_asked_for(place: Place) -> None:
    place.use("filesystem")
    async with connect(place) as client:
        await client.listed("filesystem")
        texts = {
            detail: (await client.search("write_file", limit=1, detail=detail)).text
            for detail in ("name", "signature", "full")
        }
        assert "filesystem.write_file" in texts["name"] and "path: string" not in texts["name"], texts["name"]
        assert "path: string" in texts["signature"] and "content: string" in texts["signature"], texts["signature"]
        # The second sentence of the server's description.
        assert "Handles text content with proper encoding" in texts["full"], texts["full"]
        assert "Handles text content" not in texts["signature"], texts["signature"]


@test
async def a_search_that_finds_nothing_says_so_and_what_there_is(place: Place) -> None:
    place.use("git")
    async with connect(place) as client:
        await client.listed("git")
        nothing = await client.search("zeppelin moorings")
        assert not nothing.failed and "no tool" in nothing.text, nothing.text
        overview = await client.search("")
        assert "git (12 tools)" in overview.text, overview.text


@test
async def wrong_arguments_of_a_search_are_told_and_cost_nothing_else(place: Place) -> None:
    async with connect(place) as client:
        with Cases() as cases:
            for arguments in ({"query": 5}, {"query": "x", "limit": "many"}, {"query": "x", "detail": "all"}):
                with cases.case(arguments):
                    answer = await client.session.call_tool("search", arguments)
                    assert answer.isError, answer
        assert not (await client.search("anything")).failed


@test
async def a_script_searches_and_describes_tools_itself(place: Place) -> None:
    place.use("everything", "git")
    async with connect(place) as client:
        await client.listed("everything", "git")
        found, described = await client.value(
            "return [await tools.search('add two numbers'), await tools.describe('everything.get_sum')]"
        )
        assert "get_sum" in str(found), found
        assert "a: number" in str(described) and "b: number" in str(described), described
