"""`bash`: a client works in its workspace as a model does, and programs that it writes there call real upstreams."""

import json
import re

from mcp import types

from harness.client import Client, connect
from harness.place import Place
from harness.runner import test


async def bash(client: Client, command: str, **arguments: object) -> tuple[bool, str]:
    """Whether the command failed, and what the model reads of it."""
    answer = await client.session.call_tool("bash", {"command": command, **arguments})
    assert answer.structuredContent is None
    block = answer.content[0]
    assert isinstance(block, types.TextContent), block
    return bool(answer.isError), block.text


@test
async def a_client_finds_writes_runs_and_calls_in_its_workspace(place: Place) -> None:
    place.use("everything", "filesystem", workspace=True)
    async with connect(place) as client:
        tools = await client.tools()
        assert list(tools) == ["search", "execute", "bash"] and tools["bash"].inputSchema["required"] == ["command"]
        await client.listed("everything", "filesystem")
        # It looks round, reads how tools are called, writes a script and runs it.
        failed, text = await bash(client, "ls; cat README.md; ls /opt/outboard/python/mcp_tools")
        assert not failed and text.startswith("exit 0\nREADME.md\n# Workspace"), text
        assert "everything.py" in text and "filesystem.pyi" in text, text
        script = f"""
import json, sys
from mcp_tools import ToolError, everything, filesystem
sums = [everything.get_sum(a=n, b=n) for n in range(31)]
filesystem.write_file(path="{place.data}/sums.txt", content="\\n".join(sums))
kept = filesystem.read_text_file(path="{place.data}/sums.txt")["content"].splitlines()
try:
    filesystem.read_text_file(path="/etc/passwd")
except ToolError as error:
    refused = error.code
print(json.dumps([len(kept), kept[-1], refused]))
"""
        failed, text = await bash(client, f"cat > task.py <<'END'\n{script}END\npython3 task.py")
        first, said = text.split("\n", 1)
        assert (failed, first) == (False, "exit 0"), text
        assert json.loads(said) == [31, "The sum of 30 and 30 is 60.", "tool_error"], text
        assert len((place.data / "sums.txt").read_text().splitlines()) == 31
        # The same, awaited.
        code = "import asyncio; from mcp_tools.aio import everything as e; print(asyncio.run(e.echo(message='awaited')))"
        assert await bash(client, f'python3 -c "{code}"') == (False, "exit 0\nEcho: awaited")


@test
async def files_last_and_a_command_that_takes_too_long_ends(place: Place) -> None:
    place.use(workspace=True)
    async with connect(place) as client:
        assert not (await bash(client, "echo kept > file; cd /tmp"))[0]
        failed, text = await bash(client, "pwd; cat file; exit 3")
        assert failed and text == "exit 3\n/home/agent\nkept", text
        failed, text = await bash(client, "sleep 600", timeout=0.5)
        assert failed and text.startswith("ended after 500 ms, the timeout"), text
        assert (await bash(client, "cat file"))[1] == "exit 0\nkept"
        failed, text = await bash(client, "ls /root /work 2>&1; cat /etc/shadow; curl -s http://127.0.0.1 || echo none")
        assert len(re.findall("No such file or directory", text)) == 3 and text.endswith("none"), text


@test
async def each_client_has_a_workspace_of_its_own(place: Place) -> None:
    place.use(workspace=True)
    async with connect(place) as one, connect(place) as other:
        await bash(one, "echo secret > mine; echo secret > /tmp/mine")
        failed, text = await bash(other, "ls . /tmp")
        assert not failed and "mine" not in text, text
