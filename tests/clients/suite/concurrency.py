"""Many at once: calls of a script, scripts of a client, clients of one person."""

import asyncio

from harness.client import connect
from harness.place import Place
from harness.runner import test
from harness.waiting import until


@test
async def a_hundred_calls_run_at_once(place: Place) -> None:
    place.use("everything")
    async with connect(place) as client:
        code = """
            const numbers = Array.from({ length: 100 }, (_, n) => n);
            const sums = await Promise.all(numbers.map(n => everything.get_sum({ a: n, b: n })));
            return sums.filter((sum, n) => sum === `The sum of ${n} and ${n} is ${2 * n}.`).length;
        """
        assert await client.value(code) == 100


@test
async def calls_that_wait_wait_together(place: Place) -> None:
    place.use("everything")
    async with connect(place) as client:
        # One after another they would take 40 seconds.
        code = """
            const wait = () => everything.trigger_long_running_operation({ duration: 1, steps: 1 });
            const started = Date.now();
            await Promise.all(Array.from({ length: 40 }, wait));
            return Date.now() - started < 20000;
        """
        assert await client.value(code) is True


@test
async def a_client_runs_scripts_at_the_same_time(place: Place) -> None:
    place.use("filesystem")
    async with connect(place) as client:
        sign = place.data / "runs"
        code = f'await filesystem.write_file({{ path: "{sign}", content: "" }}); await new Promise(r => setTimeout(r, 600000))'
        slow = asyncio.create_task(client.execute(code))
        await until("the slow script runs", sign.exists)
        request = client.last_request
        answers = await asyncio.gather(*(client.value(f"return [{n} * 2]") for n in range(20)))
        assert answers == [[n * 2] for n in range(20)]
        assert not slow.done()
        await client.cancel(slow, request)


@test
async def two_outboards_share_a_state_directory(place: Place) -> None:
    place.use("everything", "filesystem")
    async with connect(place) as first:
        async with connect(place) as second:
            assert len(place.outboards()) == 2
            code = "const all = await Promise.all(Array.from({ length: 50 }, (_, b) => everything.get_sum({ a: NUMBER, b })));"
            code += "return all.at(-1)"
            gave = await asyncio.gather(
                *(
                    client.value(f"return [await (async () => {{ {code.replace('NUMBER', str(n))} }})()]")
                    for n, client in enumerate((first, second) * 3)
                )
            )
            assert gave == [[f"The sum of {n} and 49 is {n + 49}."] for n in range(6)], gave
        # The first goes on when the second has gone.
        assert await first.value("return [await everything.echo({ message: 'on' })]") == ["Echo: on"]
