"""Python scripts as models write them, on the real upstreams, over stdio and HTTP."""

import re
import socket

from harness.cases import Cases
from harness.client import connect
from harness.place import Place
from harness.runner import test
from harness.waiting import until

#: Name, script, and the whole text of its answer.
FORMS = (
    ("the last expression", "import math\nn = math.comb(5, 2)\nn + 1", "11"),
    ("what is called the result", "import json\nresult = json.loads('{\"a\": [1, null]}')", '{"a":[1,null]}'),
    ("main, which is called", "import asyncio\n\nasync def main():\n    return 7\n\nasyncio.run(main())", "7"),
    ("a Markdown fence", "```python\n[n * 2 for n in range(3)]\n```", "[0,2,4]"),
    ("the whole language", "match [1, 2]:\n    case [a, b] if a < b: result = f'{a}<{b}'\n    case _: result = None", "1<2"),
    ("what is not there", "try:\n    import requests\nexcept ImportError as error:\n    result = 'network' in str(error)", "true"),
)


@test
async def every_form_in_which_models_write_python_runs_and_is_recognised(place: Place) -> None:
    async with connect(place) as client:
        with Cases() as cases:
            for name, code, expected in FORMS:
                with cases.case(name):
                    for arguments in ({"language": "python"}, {}):
                        # A bare expression is no more Python than TypeScript: then the client says which.
                        if not arguments and not re.search(r"import|```", code) and "match" not in code:
                            continue
                        answer = await client.execute(code, **arguments)
                        assert not answer.failed and answer.text == expected, answer.text


@test
async def a_python_script_uses_four_upstreams(place: Place) -> None:
    place.use("everything", "filesystem", "memory", "git")
    async with connect(place) as client:
        code = f"""
import asyncio, csv, io

sums = await asyncio.gather(*(everything.get_sum(a=n, b=n) for n in (1, 2, 3)))
table = io.StringIO()
csv.writer(table).writerows(enumerate(sums))
await filesystem.write_file(path="{place.data}/sums.csv", content=table.getvalue())
text = (await filesystem.read_text_file(path="{place.data}/sums.csv"))["content"]
rows = list(csv.reader(io.StringIO(text)))
await memory.create_entities(entities=[{{"name": name, "entityType": "sum", "observations": [said]}} for name, said in rows])
graph = await memory.read_graph()
status = await git.git_status(repo_path="{place.repository}")
{{"last": graph["entities"][-1]["observations"], "rows": len(rows), "clean": "nothing to commit" in status}}
"""
        expected = {"last": ["The sum of 3 and 3 is 6."], "rows": 3, "clean": True}
        assert await client.value(code) == expected
        assert (place.data / "sums.csv").read_text().splitlines()[2] == "2,The sum of 3 and 3 is 6."


@test
async def a_python_script_catches_a_failing_tool_and_an_uncaught_one_tells_what_was_done(place: Place) -> None:
    place.use("filesystem")
    async with connect(place) as client:
        read = f'await filesystem.read_text_file(path="{place.data}/none")'
        code = f"try:\n    {read}\nexcept ToolError as error:\n    result = [error.tool, error.code, error.message[:6]]"
        assert await client.value(code, language="python") == ["filesystem.read_text_file", "tool_error", "ENOENT"]
        write = f'await filesystem.write_file(path="{place.data}/one", content="1")'
        text = await client.failure(f"{write}\n{read}", language="python")
        assert text.startswith("failed at 2:") and "ENOENT" in text and "filesystem.write_file × 1 (line 1)" in text, text


@test
async def a_search_for_python_shows_functions_that_a_python_script_can_call(place: Place) -> None:
    place.use("everything")
    async with connect(place) as client:
        await client.listed("everything")
        text = (await client.search("sum of two numbers", language="python", limit=1)).text
        assert re.search(r"async def get_sum\(.*a: float.*b: float.*\) -> ", text), text
        assert await client.value("[await everything.get_sum(a=1, b=2)]", language="python") == ["The sum of 1 and 2 is 3."]


@test
async def a_python_script_uses_an_upstream_over_http(place: Place) -> None:
    port = _free_port()
    served = {**place.entry("everything")}
    served["args"] = [*served["args"][:-1], "streamableHttp"]
    with place.started(served, PORT=str(port)):
        await until("the upstream listens", lambda: _listens(port))
        place.write_config({"remote": {"url": f"http://127.0.0.1:{port}/mcp"}})
        async with connect(place) as client:
            code = "import asyncio\nlen(set(await asyncio.gather(*(remote.echo(message=str(n)) for n in range(50)))))"
            assert await client.value(code) == 50


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
