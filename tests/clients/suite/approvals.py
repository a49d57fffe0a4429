"""A person behind the client decides about calls that policy asks about: the client's own forms, and clients without."""

from __future__ import annotations

import re
from typing import Any

from mcp import types

from harness.client import Client, Person, connect
from harness.place import Place
from harness.runner import test

CODE = 'return await filesystem.write_file({ path: "PATH", content: "by a script" });'
ASKS = {"rules": [{"tools": "filesystem.write_file", "verdict": "ask", "reason": "a test asks"}]}


class Answers:
    """Answers every form in the same way, and remembers what was shown."""

    def __init__(self, action: str, decision: str | None = None) -> None:
        self.action, self.decision = action, decision
        self.shown: list[types.ElicitRequestParams] = []

    async def __call__(self, _: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        self.shown.append(params)
        content: Any = {"decision": self.decision} if self.decision else None
        return types.ElicitResult(action=self.action, content=content)  # type: ignore[arg-type]


async def _write(place: Place, client: Client, name: str) -> tuple[str, bool]:
    file = place.data / name
    answer = await client.execute(CODE.replace("PATH", str(file)))
    return answer.text, file.exists()


@test
async def a_form_is_shown_and_what_the_person_chooses_happens(place: Place) -> None:
    place.use("filesystem", policy=ASKS)
    for number, (decision, written, told) in enumerate(
        [
            ("allow once", True, "Successfully wrote"),
            ("allow in this run, up to 5 calls", True, "Successfully wrote"),
            ("deny", False, "not approved: a person said no (a test asks (rule 1))"),
        ]
    ):
        person = Answers("accept", decision)
        async with connect(place, person) as client:
            text, exists = await _write(place, client, f"{number}.txt")
        assert told in text and exists == written, (decision, text)
        [shown] = person.shown
        assert shown.message.startswith("Outboard asks: may this script call filesystem.write_file?"), shown.message
        assert f'"{place.data}/{number}.txt"' in shown.message, shown.message
        assert '"by a script"' in shown.message and "line 1 of 1" in shown.message, shown.message


@test
async def a_client_without_a_person_gets_word_of_a_run_that_waits(place: Place) -> None:
    place.use("filesystem", policy=ASKS)
    people: list[Person | None] = [Answers("cancel"), Answers("decline"), Answers("accept"), None]
    for number, person in enumerate(people):
        async with connect(place, person) as client:
            text, exists = await _write(place, client, f"{number}.txt")
            assert text.startswith("waiting for approval: filesystem.write_file {") and not exists, text
            assert re.search(r'Run r1 is kept; when it has been approved, execute \{"resume":"r1"\}', text), text
            assert re.search(r"outboard approve [a-z2-9]{6}\b", text), text


@test
async def calls_that_ask_together_are_one_form(place: Place) -> None:
    place.use("filesystem", policy=ASKS)
    person = Answers("accept", "allow once")
    async with connect(place, person) as client:
        paths = [str(place.data / f"{name}.txt") for name in "abc"]
        code = f"return (await Promise.all({paths}.map(path => filesystem.write_file({{ path, content: path }})))).length"
        assert await client.value(code) == 3
    [shown] = person.shown
    assert "may this script make 3 calls of filesystem.write_file?" in shown.message, shown.message
    assert all(f'"{path}"' in shown.message for path in paths), shown.message
