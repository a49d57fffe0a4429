"""Ending: however Outboard ends, no process of an upstream is left behind."""

import signal

from harness.client import connect
from harness.place import Place
from harness.runner import test
from harness.upstreams import Gate
from harness.waiting import until
from harness.wire import open_wire, text_of

ALL = ("everything", "filesystem", "memory", "git")


@test
async def closing_the_client_leaves_no_process(place: Place) -> None:
    place.use(*ALL)
    async with connect(place) as client:
        await client.listed(*ALL)
        assert len(place.upstreams()) == len(ALL)
    await until("all processes are gone", lambda: not place.outboards() and not place.upstreams(), seconds=5)


#: What runs when the end comes.
IN_FLIGHT = (
    "await everything.trigger_long_running_operation({ duration: 600, steps: 1 })",
    "for (;;) {}",
)


@test
async def a_signal_with_a_call_in_flight_leaves_no_process(place: Place) -> None:
    place.use("everything", "filesystem")
    for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for rest in IN_FLIGHT:
            async with open_wire(place) as wire:
                await wire.initialize()
                sign = place.data / "runs"
                code = f'await filesystem.write_file({{ path: "{sign}", content: "" }}); {rest}'
                await wire.begin("tools/call", name="execute", arguments={"code": code})
                await until("the script runs", sign.exists)
                assert place.upstreams("server-filesystem")
                wire.signal(which)
                # It ends by itself, and not by the signal's own action.
                assert await wire.ended() >= 0, which
                await until(f"{which.name} leaves no process", lambda: not place.upstreams(), seconds=5)
                sign.unlink()


@test
async def the_end_of_input_with_a_call_in_flight_leaves_no_process(place: Place) -> None:
    place.use("everything", "filesystem")
    for rest in IN_FLIGHT:
        async with open_wire(place) as wire:
            await wire.initialize()
            sign = place.data / "runs"
            code = f'await filesystem.write_file({{ path: "{sign}", content: "" }}); {rest}'
            await wire.begin("tools/call", name="execute", arguments={"code": code})
            await until("the script runs", sign.exists)
            assert await wire.close() == 0
            await until("no process is left", lambda: not place.upstreams(), seconds=5)
            sign.unlink()


@test
async def what_was_asked_before_the_end_of_input_is_answered(place: Place) -> None:
    place.use("everything")
    async with open_wire(place) as wire:
        await wire.initialize()
        code = "return await everything.echo({ message: 'the last word' })"
        request = await wire.begin("tools/call", name="execute", arguments={"code": code})
        wire.end_input()
        assert text_of((await wire.answer(request))["result"]) == "Echo: the last word"
        assert await wire.ended() == 0


@test
async def upstreams_that_never_came_up_or_ignore_everything_are_ended_too(place: Place) -> None:
    gate = Gate(place.root / "gate")
    stubborn = "trap '' INT TERM HUP; while :; do sleep 1000; done"
    servers = {
        "waiting": gate.before(place.entry("everything")),
        "stubborn": {"command": "/bin/sh", "args": ["-c", stubborn]},
    }
    place.write_config(servers)
    async with open_wire(place) as wire:
        await wire.initialize()
        # The shell, and the program that it started and that would outlive it.
        await until("all of them run", lambda: place.upstreams("read -r") and len(place.upstreams("sleep")) == 2)
        assert await wire.close() == 0
        await until("no process is left", lambda: not place.upstreams(), seconds=5)
