"""Runs a script of the measures by itself: its upstream is a child of this process, and each tool a function. Requests
are pipelined, as many as the script makes at once. The script runs once for each line that is read."""

import ast
import asyncio
import json
import sys


class Upstream(asyncio.SubprocessProtocol):
    """The tools of one server over its pipes. It knows no errors: a wrong answer is seen by whoever checks it."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.last = 0
        self.pending = {}
        self.out = []
        self.parts = []

    def connection_made(self, transport):
        self.input = transport.get_pipe_transport(0)

    def __getattr__(self, tool):
        async def call(**arguments):
            result = await self.ask("tools/call", {"name": tool, "arguments": arguments})
            return result.get("structuredContent") or result["content"][0]["text"]

        return call

    def ask(self, method, params):
        self.last += 1
        future = self.pending[self.last] = self.loop.create_future()
        request = {"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}
        if not self.out:
            # What is asked at once is written at once.
            self.loop.call_soon(self.send)
        self.out.append(json.dumps(request))
        return future

    def send(self):
        self.input.write(("\n".join(self.out) + "\n").encode())
        self.out.clear()

    def pipe_data_received(self, _, data):
        *lines, rest = data.split(b"\n")
        for line in lines:
            self.parts.append(line)
            answer = json.loads(b"".join(self.parts))
            self.parts.clear()
            self.pending.pop(answer["id"]).set_result(answer["result"])
        if rest:
            self.parts.append(rest)


def compiled(text):
    """The script, whose last line's value is its answer."""
    tree = ast.parse(text)
    value = tree.body[-1]
    tree.body[-1] = ast.copy_location(ast.Assign([ast.Name("answer", ast.Store())], value.value), value)
    return compile(ast.fix_missing_locations(tree), "script", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def main(text, command):
    _, bench = await asyncio.get_running_loop().subprocess_exec(Upstream, *command, stderr=None)
    await bench.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}})
    script = compiled(text)
    for _ in sys.stdin:
        names = {"bench": bench}
        await eval(script, names)
        print(json.dumps(names["answer"]), flush=True)


asyncio.run(main(sys.argv[1], sys.argv[2:]))
