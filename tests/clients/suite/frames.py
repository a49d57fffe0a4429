"""Frames: what a client may get wrong on the wire, and what Outboard may never write there."""

import json

from harness.place import Place
from harness.runner import test
from harness.wire import open_wire

#: Lines that are no request.
MALFORMED = (
    b"\n",
    b"   \r\n",
    b"hello\n",
    b"{\n",
    b"[]\n",
    b"null\n",
    b'"text"\n',
    b"\xff\xfe\x00\n",
    b'{"jsonrpc":"2.0"}\n',
    b'{"jsonrpc":"1.0","id":900,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":901}\n',
    b'{"jsonrpc":"2.0","id":902,"method":7}\n',
    b'{"jsonrpc":"2.0","id":903,"result":{}}\n',
    b'{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}\n',
    b'{"jsonrpc":"2.0","method":"notifications/unknown","params":{"a":1}}\n',
    b'{"jsonrpc":"2.0","id":904,"method":"tools/call","params":"none"}\n',
    b'{"jsonrpc":"2.0","id":905,"method":"tools/call","params":{"name":5}}\n',
    b"[" * 100_000 + b"\n",
    b'{"jsonrpc":"2.0","id":906,"method":"ping","params":' + b'{"a":' * 1_000 + b"1" + b"}" * 1_000 + b"}\n",
)


@test
async def malformed_lines_cost_nothing_but_themselves(place: Place) -> None:
    async with open_wire(place) as wire:
        await wire.initialize()
        for number, line in enumerate(MALFORMED):
            await wire.send_bytes(line)
            assert await wire.execute(f"return {number}") == str(number), line[:80]
        # What asked for an answer and could be told apart got one.
        refused = {message["id"] for message in wire.passed if "error" in message and message.get("id") is not None}
        assert refused >= {902, 904, 905}, refused
        assert await wire.close() == 0


@test
async def malformed_lines_before_the_session_opens_cost_nothing_but_themselves(place: Place) -> None:
    async with open_wire(place) as wire:
        for line in MALFORMED:
            await wire.send_bytes(line)
        await wire.initialize()
        assert await wire.execute("return 1") == "1"
        assert await wire.close() == 0


@test
async def unknown_requests_are_refused_by_their_code(place: Place) -> None:
    async with open_wire(place) as wire:
        await wire.initialize()
        for method, params, code in (
            ("no/such/method", {}, -32601),
            ("tools/call", {"name": "no_such_tool", "arguments": {}}, -32602),
            ("tools/call", {}, -32602),
        ):
            answer = await wire.ask(method, **params)
            assert answer["error"]["code"] == code, answer
        assert await wire.result("ping") == {}


@test
async def a_script_of_a_megabyte_in_one_line_or_in_pieces_is_read(place: Place) -> None:
    async with open_wire(place) as wire:
        await wire.initialize()
        code = f"const text = '{'x' * 1_000_000}';\nreturn text.length"
        assert await wire.execute(code) == "1000000"
        call = {"jsonrpc": "2.0", "id": "pieces", "method": "tools/call"}
        line = json.dumps({**call, "params": {"name": "execute", "arguments": {"code": "return 'whole'"}}}).encode()
        for start in range(0, len(line), 10):
            await wire.send_bytes(line[start : start + 10])
        await wire.send_bytes(b"\r\n")
        message = await wire.read()
        assert message["id"] == "pieces" and message["result"]["content"][0]["text"] == "whole", message


@test
async def nothing_but_messages_is_written_whatever_scripts_and_upstreams_write(place: Place) -> None:
    noisy = "console.error('noise on standard error'); process.stdout.write('noise on standard output\\n');"
    place.write_config(
        {
            "noisy": {"command": "node", "args": ["-e", f"{noisy} process.stdin.resume()"]},
            "everything": place.entry("everything"),
        }
    )
    async with open_wire(place, OUTBOARD_LOG="debug") as wire:
        await wire.initialize()
        # Every line is checked as it is read.
        code = "console.log('{\"jsonrpc\":\"2.0\"}\\n'); await everything.toggle_simulated_logging(); return 'done'"
        assert (await wire.execute(code)).startswith("done")
        await wire.result("tools/list")
        assert await wire.close() == 0
        assert wire.stderr()
