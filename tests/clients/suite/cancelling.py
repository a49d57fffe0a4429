"""A client gives up a running script: it stops, and the next one works."""

import asyncio
from collections.abc import Awaitable, Callable

from harness.place import Place
from harness.runner import test
from harness.waiting import until

#: Name, and what the script does once it has said that it runs.
ENDLESS = (
    ("an endless loop", "for (;;) {}"),
    ("a call that waits", "return await everything.trigger_long_running_operation({ duration: 600, steps: 1 })"),
    ("a timer", "await new Promise(done => setTimeout(done, 600000)); return 0"),
)


@test
async def a_cancelled_script_stops_and_the_next_one_works(place: Place) -> None:
    place.use("everything", "filesystem")
    async with place.client() as client:
        (outboard,) = place.outboards()
        for number, (name, rest) in enumerate(ENDLESS):
            sign = place.data / f"runs-{number}"
            code = f'await filesystem.write_file({{ path: "{sign}", content: "" }}); {rest}'
            running = asyncio.create_task(client.execute(code))
            await until(f"{name} runs", sign.exists)
            request = client.last_request
            await client.cancel(running, request)
            await until(f"{name} stops computing", _is_quiet(outboard.pid, place))
            assert await client.value("return [await everything.echo({ message: 'next' })]") == ["Echo: next"], name
        assert all(f'"id":{request}' not in line for line in client.transcript.lines if line.startswith("<"))


def _is_quiet(pid: int, place: Place) -> Callable[[], Awaitable[bool]]:
    """Whether the process computes for less than half of the time between two looks."""

    async def look() -> bool:
        (outboard,) = place.outboards()
        assert outboard.pid == pid, "Outboard was started anew"
        before = outboard.processor_seconds()
        await asyncio.sleep(0.2)
        return outboard.processor_seconds() - before < 0.1

    return look


@test
async def cancelling_what_has_ended_or_never_was_disturbs_nothing(place: Place) -> None:
    async with place.wire() as wire:
        await wire.initialize()
        request = await wire.begin("tools/call", name="execute", arguments={"code": "return 1"})
        await wire.answer(request)
        for unknown in (request, request, 999, "no such request"):
            await wire.notify("notifications/cancelled", requestId=unknown)
        assert await wire.execute("return 2") == "2"
