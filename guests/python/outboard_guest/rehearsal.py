"""Plays some scripts before there is one to run: what every run would load, cache and specialise is in the start image
then, and in the memory of a guest that waits for its run. Nothing else of them stays."""

import asyncio
import builtins
import linecache
import marshal
import sys

from . import console, tools
from .script import FILE, forget

ROUNDS = 12

SETTINGS = {"value": 1 << 20, "console": 1 << 20, "calls": 1 << 10, "namespaces": [["rehearsal", ["page", "echo"]]]}

SCRIPTS = (
    "text = await rehearsal.echo(text='a')\ntext",
    "1",
    """
import asyncio, json
from collections import Counter, defaultdict
total = 0
seconds = defaultdict(list)
for number in range(1, 4):
    page = await rehearsal.page(page=number)
    for record in page["records"]:
        total += record["seconds"]
        if not record["ok"]:
            seconds[record["user"]].append(record["seconds"])
print(f"{total} seconds, {total / 3:.1f} on average")
{"total": total, "failed": {user: sum(each) for user, each in sorted(seconds.items())}}
""",
    """
import asyncio
async def one(number):
    try:
        return (await rehearsal.page({"page": number}))["records"]
    except ToolError as error:
        return [str(error)]
async def main():
    pages = await asyncio.gather(*[one(number) for number in range(4)])
    async with asyncio.TaskGroup() as group:
        more = [group.create_task(one(number)) for number in range(2)]
    await asyncio.sleep(0)
    return [len(page) for page in pages] + [len(task.result()) for task in more]
asyncio.run(main())
""",
    "rows = await rehearsal.page(page=1)\nif rows:\n    return [row['user'] for row in rows['records']]\nreturn None",
    "raise ValueError('x')",
)

RECORDS = [{"user": f"user_{number % 3}", "seconds": number, "ok": number % 4 > 0} for number in range(10)]
# Kinds of bodies as `entry.py` numbers them.
BODIES = (
    (1, b'{"records":[],"total":1.5}'),
    (2, marshal.dumps({"records": RECORDS})),
    (3, b'["no such page","tool_error",["x"]]'),
)


def play_all(run):
    """For the start image."""
    _play(run, SCRIPTS * ROUNDS)


def play_shortest(run):
    """For a guest that waits for its run."""
    _play(run, SCRIPTS[:1])


def _play(run, scripts):
    main = sys.modules.get("__main__")
    say, console._say = console._say, lambda level, text: None
    for number, script in enumerate(scripts):
        _run(run, script, number)
    console._say = say
    vars(console.budget).clear()
    run.main = None
    run.value_limit = 0
    loop = asyncio.get_event_loop()
    loop.named = 0
    del builtins.rehearsal
    linecache.cache.pop(FILE, None)
    forget()
    del sys.modules["rehearsal"], sys.modules["__main__"]
    if main is not None:
        sys.modules["__main__"] = main


def _run(run, script, number):
    tools.desk.__init__()
    run.begin(script, SETTINGS)
    while not run.main.done():
        deliveries = []
        for request in tools.desk.pending:
            # Failures are for the script that takes them.
            kind, body = BODIES[(request + number // len(SCRIPTS)) % (3 if "ToolError" in script else 2)]
            deliveries.append(run.delivered(kind, request, body))
        run.deliver(0.0, b"".join(deliveries) or run.delivered(0, 0, b""))
    tools.desk.__init__()
