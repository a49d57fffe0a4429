"""Runs the suites side by side, each a process that reports its tests line by line.

Talks to the suites' processes and the report; does not know what they test.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from harness.report import Report, TestEnd


@dataclass(frozen=True)
class Suite:
    name: str
    command: list[str]
    directory: Path


@dataclass(frozen=True)
class Exit:
    """The end of a suite's process."""

    code: int
    seconds: float


Events = SimpleQueue[tuple[str, str | Exit]]


def run_all(suites: list[Suite], variables: dict[str, str], report: Report) -> None:
    """Runs the suites at the same time and reports each test when it ends."""
    events: Events = SimpleQueue()
    for suite in suites:
        threading.Thread(target=_follow, args=(suite, variables, events), daemon=True).start()
    running = len(suites)
    while running:
        suite_name, event = events.get()
        if isinstance(event, str):
            report.add_line(suite_name, event)
            continue
        running -= 1
        # A suite that ends badly without having reported why broke before or between its tests.
        if event.code != 0 and not report.has_failures(suite_name):
            story = f"its process ended with {event.code}; what it wrote stands above"
            report.add(suite_name, TestEnd("the suite runs to its end", "failed", event.seconds, story))


def _follow(suite: Suite, variables: dict[str, str], events: Events) -> None:
    started = time.monotonic()
    process = subprocess.Popen(
        suite.command,
        cwd=suite.directory,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    for line in process.stdout:
        events.put((suite.name, line.rstrip("\n")))
    events.put((suite.name, Exit(process.wait(), time.monotonic() - started)))
