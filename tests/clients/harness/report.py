"""What a person sees of the tests: a line each, the whole story of a failure, and the closing line.

Suites report each test as one line of JSON, the fields of `TestEnd`; how they ran is theirs.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Literal

Outcome = Literal["passed", "failed", "skipped"]
MARKS: dict[Outcome, str] = {"passed": "ok     ", "failed": "FAILED ", "skipped": "skipped"}


@dataclass(frozen=True)
class TestEnd:
    name: str
    outcome: Outcome
    seconds: float
    #: Of a failure, all that helps to understand it; of a skipped test, why.
    story: str = ""

    def to_line(self) -> str:
        return json.dumps(asdict(self))


class Report:
    """Counts and prints."""

    def __init__(self) -> None:
        self._counts: Counter[Outcome] = Counter()
        self._failed_suites: set[str] = set()

    def add(self, suite: str, end: TestEnd) -> None:
        self._counts[end.outcome] += 1
        why = f": {end.story}" if end.outcome == "skipped" else ""
        print(f"{MARKS[end.outcome]} {suite:<6} {end.name} ({end.seconds:.1f} s){why}", flush=True)
        if end.outcome == "failed":
            self._failed_suites.add(suite)
            print("\n".join(f"    {line}" for line in end.story.splitlines()), flush=True)

    def add_line(self, suite: str, line: str) -> None:
        """Takes what a suite printed; a line that is no report is shown as it is."""
        try:
            end = TestEnd(**json.loads(line))
        except (ValueError, TypeError):
            print(f"        {suite:<6} {line}", flush=True)
        else:
            self.add(suite, end)

    def has_failures(self, suite: str) -> bool:
        return suite in self._failed_suites

    def close(self) -> int:
        """Prints the closing line; the exit code is bad if a test failed or none ran."""
        passed, failed, skipped = (self._counts[outcome] for outcome in MARKS)
        print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
        return 0 if passed and not failed else 1
