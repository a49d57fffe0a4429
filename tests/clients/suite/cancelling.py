"""A client gives up a running script: it stops, and the next one works."""

import asyncio
import json

from harness.client import connect
from harness.place import Place
from harness.runner import test
from harness.upstreams import overheard
from harness.waiting import until
from harness.wire import open_wire

#: Name, and what the script does once it has said that it runs.
ENDLESS = (
    ("an endless loop", "for (;;) {}"),
    ("a call that waits", "return await everything.trigger_long_running_operation({ duration: 600, steps: 1 })"),
    ("a timer", "await new Promise(done => setTimeout(done, 600000)); return 0"),
)


@test
async def a_cancelled_script_stops_and_the_next_one_works(place: Place) -> None:
    place.use("everything", "filesystem")
    async with connect(place) as client:
        (outboard,) = place.outboards()
        for number, (name, rest) in enumerate(ENDLESS):
            sign = place.data / f"runs-{number}"
            code = f'await filesystem.write_file({{ path: "{sign}", content: "" }}); {rest}'
            running = asyncio.create_task(client.execute(code))
            await until(f"{name} runs", sign.exists)
            request = client.last_request
            await client.cancel(running, request)
            await until(f"{name} stops computing", outboard.is_quiet)
            assert await client.value("return [await everything.echo({ message: 'next' })]") == ["Echo: next"], name
        assert all(f'"id":{request}' not in line for line in client.transcript.lines if line.startswith("<"))


@test
async def a_call_of_a_cancelled_script_is_cancelled_upstream(place: Place) -> None:
    log = place.root / "sent"
    place.write_config({"everything": overheard(place.entry("everything"), log)})
    async with connect(place) as client:
        await client.listed("everything")
        code = "return await everything.trigger_long_running_operation({ duration: 600, steps: 1 })"
        running = asyncio.create_task(client.execute(code))
        await until("the upstream has the call", lambda: "trigger-long-running-operation" in log.read_text())
        await client.cancel(running, client.last_request)
        await until("the upstream is told", lambda: "notifications/cancelled" in log.read_text())
        messages = [json.loads(line) for line in log.read_text().splitlines()]
        (call,) = (message["id"] for message in messages if message["method"] == "tools/call")
        told = [message["params"]["requestId"] for message in messages if "cancelled" in message["method"]]
        assert told == [call], messages


@test
async def cancelling_what_has_ended_or_never_was_disturbs_nothing(place: Place) -> None:
    async with open_wire(place) as wire:
        await wire.initialize()
        request = await wire.begin("tools/call", name="execute", arguments={"code": "return 1"})
        await wire.answer(request)
        for unknown in (request, request, 999, "no such request"):
            await wire.notify("notifications/cancelled", requestId=unknown)
        assert await wire.execute("return 2") == "2"
