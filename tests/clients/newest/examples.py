"""The example agent in Python, with the vendor's own SDK, against the fake model API of the test kit."""

from __future__ import annotations

import sys

from harness.agents import EXAMPLES, judge, model, run, use_demo
from harness.place import OUTBOARD, Place
from harness.runner import test


@test
async def the_python_agent_does_a_task_with_the_anthropic_sdk(place: Place) -> None:
    use_demo(place)
    with model(place) as address:
        command = [sys.executable, EXAMPLES / "python" / "agent.py", "--model", "fake", "How many pages?"]
        variables = place.variables(OUTBOARD=str(OUTBOARD), ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=address)
        judge(run(command, place, variables), address)
