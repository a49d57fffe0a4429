"""A fake model for the example agents, and what they are to have done when it has said its steps."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.place import OUTBOARD, Place
from harness.runner import TESTS

EXAMPLES = TESTS.parent.parent / "examples"
#: Built with every test of the project; alone: `cargo build -p outboard-testkit --examples`.
FAKE_MODEL = OUTBOARD.parent / "examples" / "outboard-fake-model"
STEPS = [
    {"text": "One script.", "calls": [{"name": "execute", "input": {"code": "return await data_tools.get_total_pages()"}}]},
    {"text": "", "calls": [{"name": "execute", "input": {"code": "return await data_tools.no_such_tool()"}}, {"name": "nothing", "input": {}}]},
    {"text": "30 pages"},
]


@contextmanager
def model(place: Place) -> Iterator[str]:
    """The address of a fake model that says the steps."""
    assert FAKE_MODEL.exists(), f"{FAKE_MODEL} is not built: cargo build -p outboard-testkit --examples"
    steps = place.root / "steps.json"
    steps.write_text(json.dumps(STEPS))
    fake = subprocess.Popen([FAKE_MODEL, steps], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield fake.stdout.readline().strip()
    finally:
        fake.stdin.close()
        fake.wait(timeout=10)
        fake.stdout.close()


def use_demo(place: Place) -> None:
    place.write_config({"data_tools": {"command": str(OUTBOARD), "args": ["demo-upstream", "--no-latency"]}})
    # Known from here on, so that the first list is the whole one.
    place.run("list")


def judge(done: subprocess.CompletedProcess[str], address: str) -> None:
    assert done.returncode == 0, done.stderr
    assert done.stdout == "30 pages\n", done.stdout
    with urllib.request.urlopen(f"{address}/bills") as answer:
        bills: list[dict[str, Any]] = json.load(answer)["bills"]
    assert len(bills) == len(STEPS), bills
    # What the SDK tells of each turn is what the fake counted.
    for number, bill in enumerate(bills, start=1):
        assert f"turn {number}: {bill['input']} in, {bill['output']} out" in done.stderr, (bills, done.stderr)
    assert "execute: '30'" in done.stderr or 'execute: "30"' in done.stderr, done.stderr
    assert "no_such_tool" in done.stderr and "nothing" in done.stderr, done.stderr


def run(
    command: list[str | Path], place: Place, variables: dict[str, str], folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder or place.project, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=50
    )
