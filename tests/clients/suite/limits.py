"""A script that would not end ends at its limit, says which, and disturbs no other."""

import asyncio

from harness.cases import Cases
from harness.client import connect
from harness.place import Place
from harness.runner import test

LIMITS = {"cpuSeconds": 1, "memoryMegabytes": 64, "wallSeconds": 20, "calls": 20, "valueBytes": 1_000_000}

#: Name, script, and what the error must name.
ENDLESS = (
    ("an endless loop", "while (true) {}", "1 s"),
    ("a loop in a function", "const f = () => { let n = 0; for (;;) n += 1; };\nf()", "1 s"),
    ("a pattern that backtracks", "/^(a+)+$/.test('a'.repeat(40) + 'b')", "1 s"),
    ("a huge search", "const s = 'a'.repeat(2 ** 24); s.indexOf('a'.repeat(2 ** 23) + 'b')", "1 s"),
    ("memory without end", "const all = []; for (;;) all.push(new Array(100000).fill(0))", "64 MiB"),
    ("a large array", "new Array(5e7).fill(1)", "64 MiB"),
    ("a value that is too large", "'x'.repeat(2000000)", "value"),
    ("printing without end", "for (let n = 0; ; n++) console.log('line', n)", "1 s"),
    ("calls without end", "for (;;) await everything.echo({ message: 'x' })", "20"),
)


@test
async def a_script_that_would_not_end_ends_at_its_limit_and_names_it(place: Place) -> None:
    place.use("everything", limits=LIMITS)
    async with connect(place) as client:
        await client.listed("everything")
        with Cases() as cases:
            for name, code, named in ENDLESS:
                with cases.case(name):
                    text = await client.failure(code)
                    assert "limit" in text and named in text and len(text) < 60_000, text[-500:]
                    assert await client.value("return 1") == 1


@test
async def scripts_go_on_beside_one_that_would_not_end(place: Place) -> None:
    place.use(limits={**LIMITS, "cpuSeconds": 3})
    async with connect(place) as client:
        endless = asyncio.create_task(client.failure("for (;;) {}"))
        answers = [await client.value(f"return [{n}]") for n in range(20)]
        assert answers == [[n] for n in range(20)] and not endless.done()
        assert "limit" in await endless
