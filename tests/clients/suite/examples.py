"""The example agent in TypeScript, with the vendor's own SDK, against the fake model API of the test kit."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from harness.agents import EXAMPLES, judge, model, run, use_demo
from harness.place import OUTBOARD, Place
from harness.runner import test

MODULES = Path(os.environ["OUTBOARD_NODE_MODULES"])


@test
async def the_typescript_agent_is_typed_and_does_a_task_with_the_openai_sdk(place: Place) -> None:
    use_demo(place)
    folder = place.root / "typescript"
    folder.mkdir()
    shutil.copy(EXAMPLES / "typescript" / "agent.ts", folder)
    (folder / "package.json").write_text('{"type":"module"}')
    (folder / "node_modules").symlink_to(MODULES)
    # Also for a node that does not take types off by itself.
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "--types", "node"]
    checked = run([MODULES / ".bin" / "tsc", *options, "agent.ts"], place, place.variables(), folder)
    assert checked.returncode == 0, checked.stdout
    with model(place) as address:
        command = ["node", folder / "agent.js", "--model", "fake", "How many pages?"]
        variables = place.variables(OUTBOARD=str(OUTBOARD), OPENAI_API_KEY="k", OPENAI_BASE_URL=f"{address}/v1")
        judge(run(command, place, variables), address)
