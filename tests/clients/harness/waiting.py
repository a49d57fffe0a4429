"""Waiting for a condition, never for time: looked at often, given up at a deadline that says what was seen last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

#: Between two looks.
LOOK = 0.05


class GaveUp(AssertionError):
    pass


async def until(what: str, look: Callable[[], object], seconds: float = 15) -> None:
    """Waits until `look` gives something true; fails at the deadline with `what` was waited for and what was seen."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if isinstance(seen, Awaitable):
            seen = await seen
        if seen:
            return
        if time.monotonic() > deadline:
            raise GaveUp(f"{what}: not within {seconds} s; seen last: {seen!r}")
        await asyncio.sleep(LOOK)
