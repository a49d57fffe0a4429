"""Processes of a test, found in /proc by the mark that its place puts into their environment.

So a process is found wherever it went: to another parent, or to a session of its own. Reads /proc; ends nothing
but what `kill_all` is asked to.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

#: The variable that marks a test's processes; its value is the test's folder.
MARK = "OUTBOARD_TEST_PLACE"


@dataclass(frozen=True)
class Process:
    pid: int
    command: tuple[str, ...]

    def runs(self, word: str) -> bool:
        return any(word in part for part in self.command)

    def kill(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    async def is_quiet(self) -> bool:
        """Whether it computes for less than half of a short time."""
        before = self._processor_seconds()
        await asyncio.sleep(0.2)
        return self._processor_seconds() - before < 0.1

    def _processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        user, system = int(fields[11]), int(fields[12])
        return (user + system) / os.sysconf("SC_CLK_TCK")


def of_place(place: Path) -> list[Process]:
    """All live processes that carry the mark of this place."""
    mark = f"{MARK}={place}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                found.append(Process(int(entry.name), tuple(command)))
        except OSError:
            # It ended while we looked, or it is another user's.
            continue
    return found


def kill_all(place: Path) -> None:
    for process in of_place(place):
        process.kill()
