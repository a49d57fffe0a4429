"""An Outboard that serves over HTTP, for clients to find."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.place import OUTBOARD, Place
from harness.waiting import until

SAYS = "serving MCP at "


@asynccontextmanager
async def serving(place: Place, *options: str, **variables: str) -> AsyncIterator[str]:
    """Starts `outboard serve --http` at a free port and gives its URL. It must end well when it is asked to."""
    transcript = place.new_transcript()
    command = [str(OUTBOARD), "serve", "--http", "127.0.0.1:0", *options]
    with transcript.log.open("w") as log:
        outboard = subprocess.Popen(
            command, cwd=place.project, env=place.variables(**variables), stdin=subprocess.DEVNULL, stderr=log
        )
    try:

        def said() -> list[str]:
            assert outboard.poll() is None, transcript.stderr()
            return [line for line in transcript.stderr().splitlines() if line.startswith(SAYS)]

        await until("it says where it listens", said)
        yield said()[0].removeprefix(SAYS)
        outboard.terminate()
        assert outboard.wait(timeout=15) == 0, transcript.stderr()
    finally:
        outboard.kill()
        outboard.wait(timeout=10)
