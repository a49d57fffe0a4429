"""What one client sent and received, and what Outboard wrote to standard error meanwhile: the story of a failure."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

#: Of each message, and of all that is told.
CHARACTERS = 1_500
MESSAGES = 40
STDERR_LINES = 60


@dataclass
class Transcript:
    log: Path
    lines: list[str] = field(default_factory=list)

    def add(self, mark: str, text: str) -> None:
        rest = len(text) - CHARACTERS
        self.lines.append(f"{mark} {text[:CHARACTERS]}" + (f"… and {rest} characters" if rest > 0 else ""))

    def stderr(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def story(self) -> str:
        left_out = len(self.lines) - MESSAGES
        told = [f"({left_out} messages before)"] if left_out > 0 else []
        told += self.lines[-MESSAGES:]
        told += ["standard error of this Outboard:", *self.stderr().splitlines()[-STDERR_LINES:]]
        return "\n".join(["a client's view:", *(f"  {line}" for line in told)])
