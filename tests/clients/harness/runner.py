"""Tests are functions marked with `@test` that take a `Place`; run one after another, each in a place of its own.

Their names state behaviour. A test that fails tells its whole story. Which modules have tests is the suite's matter.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from harness.place import Place
from harness.report import TestEnd

TestFunction = Callable[[Place], Awaitable[None]]

#: A test that takes longer has failed.
SECONDS = 60
TESTS = Path(__file__).resolve().parent.parent

_tests: list[TestFunction] = []


def test(function: TestFunction) -> TestFunction:
    _tests.append(function)
    return function


def run(only: str) -> int:
    """Runs the tests whose name contains `only`, prints a report line for each, and gives the exit code."""
    failed = False
    for function in _tests:
        name = function.__name__.replace("_", " ")
        if only in name or only in function.__name__:
            end = _run_one(name, function)
            failed = failed or end.outcome == "failed"
            print(end.to_line(), flush=True)
    return int(failed)


def _run_one(name: str, function: TestFunction) -> TestEnd:
    place = Place.make()
    started = time.monotonic()
    try:
        asyncio.run(_within_time(function(place)))
    except Exception as error:
        return TestEnd(name, "failed", time.monotonic() - started, _told(error) + place.story())
    finally:
        place.clear()
    return TestEnd(name, "passed", time.monotonic() - started)


async def _within_time(test: Awaitable[None]) -> None:
    async with asyncio.timeout(SECONDS):
        await test


def _told(error: BaseException) -> str:
    """The error and where in the tests it happened."""
    # Task groups wrap what failed in them.
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    told = traceback.TracebackException.from_exception(error)
    told.stack = traceback.StackSummary.from_list(frame for frame in told.stack if str(TESTS) in frame.filename)
    return "".join(told.format(chain=False))
