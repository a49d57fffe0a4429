"""Daytona's own SDK against the fake of its service in the test kit, so that the fake is shaped like the service."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from harness.place import OUTBOARD, Place
from harness.runner import TESTS, test

PYTHON = Path(os.environ["OUTBOARD_DAYTONA_PYTHON"])
#: Built with every test of the project; alone: `cargo build -p outboard-testkit --examples`.
FAKE = OUTBOARD.parent / "examples" / "outboard-fake-daytona"
#: The only key that the fake takes.
KEY = "dtn-test-key-4711"


@test
async def the_vendors_own_sdk_takes_the_fake_for_the_service(place: Place) -> None:
    assert FAKE.exists(), f"{FAKE} is not built: cargo build -p outboard-testkit --examples"
    fake = subprocess.Popen([FAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = fake.stdout.readline().strip()
        session = [PYTHON, TESTS / "sdk.py", url, KEY]
        done = subprocess.run(session, env=place.variables(), capture_output=True, text=True, timeout=60)
    finally:
        fake.stdin.close()
        fake.wait(timeout=10)
        fake.stdout.close()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "state": "started",
        "ran": [3, "hello\n"],
        "read": "text\n",
        "downloaded": "text\n",
        "listed": True,
        "left": 0,
    }, done.stdout
