"""Upstreams that are lost: killed in the middle of a script, broken from the start, or silent."""

import asyncio

from harness.client import connect
from harness.place import Place
from harness.runner import test
from harness.upstreams import babbling
from harness.waiting import until


@test
async def an_upstream_killed_mid_script_costs_its_calls_and_the_script_goes_on(place: Place) -> None:
    place.use("everything", "filesystem")
    async with connect(place) as client:
        code = f"""
            const waiting = everything.trigger_long_running_operation({{ duration: 600, steps: 1 }}).catch(e => e);
            await everything.echo({{ message: "it has the call" }});
            await filesystem.write_file({{ path: "{place.data}/sign", content: "" }});
            const lost = await waiting;
            await filesystem.write_file({{ path: "{place.data}/after", content: "went on" }});
            return {{ name: lost.name, tool: lost.tool, code: lost.code }};
        """
        running = asyncio.create_task(client.value(code))
        await until("the call waits", (place.data / "sign").exists)
        (upstream,) = place.upstreams("server-everything")
        upstream.kill()
        tool = "everything.trigger_long_running_operation"
        assert await running == {"name": "ToolError", "tool": tool, "code": "upstream_lost"}
        assert (place.data / "after").read_text() == "went on"
        # The next call starts it again.
        assert await client.value("return [await everything.echo({ message: 'again' })]") == ["Echo: again"]
        (successor,) = place.upstreams("server-everything")
        assert successor.pid != upstream.pid


@test
async def a_broken_upstream_hides_no_other_and_says_what_is_wrong_with_it(place: Place) -> None:
    complaint = "console.error('the key is missing'); process.exit(3)"
    place.write_config(
        {
            "absent": {"command": "/no/such/program"},
            "crashing": {"command": "node", "args": ["-e", complaint]},
            "everything": place.entry("everything"),
        }
    )
    async with connect(place) as client:
        assert await client.value("return [await everything.echo({ message: 'here' })]") == ["Echo: here"]
        absent = await client.failure("return await absent.anything({})")
        assert "/no/such/program" in absent, absent
        crashing = await client.failure("return await crashing.anything({})")
        assert "the key is missing" in crashing, crashing
        found = (await client.search("echo")).text
        assert "everything.echo(" in found and "absent is not available" in found, found


@test
async def an_upstream_that_babbles_on_standard_output_works_and_is_warned_of(place: Place) -> None:
    place.write_config({"everything": babbling(place.entry("everything"))})
    async with connect(place) as client:
        assert await client.value("return [await everything.echo({ message: 'heard' })]") == ["Echo: heard"]
        assert "standard output" in client.stderr() or "stdout" in client.stderr(), client.stderr()


@test
async def a_call_that_is_not_answered_ends_at_its_deadline(place: Place) -> None:
    place.use("everything", limits={"callSeconds": 1})
    async with connect(place) as client:
        await client.listed("everything")
        call = "await everything.trigger_long_running_operation({ duration: 600, steps: 1 })"
        assert await client.value(f"try {{ {call} }} catch (e) {{ return [e.name, e.code] }}") == [
            "ToolError",
            "timeout",
        ]
        text = await client.failure(call)
        # The server declares that it only reads.
        assert "within 1" in text and "nothing was changed before this" in text, text
