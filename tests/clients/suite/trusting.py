"""A project's files: nothing in them has an effect until a person has accepted them as they are."""

import hashlib
from pathlib import Path

from harness.client import connect
from harness.place import Place
from harness.runner import test

FILES = (".mcp.json", "outboard.json")


def with_project_file(place: Place, name: str) -> tuple[Path, Path]:
    """A project file whose upstream leaves a sign when it is started."""
    place.write_config({})
    file, sign = place.project / name, place.root / "started"
    entry = place.entry("everything")
    leave_sign = f'touch "{sign}"; exec "$0" "$@"'
    args = ["-c", leave_sign, entry["command"], *entry["args"]]
    place.write_servers(file, {"everything": {"command": "/bin/sh", "args": args}})
    return file, sign


@test
async def a_project_file_that_nobody_accepted_has_no_effect_and_says_so(place: Place) -> None:
    for name in FILES:
        file, sign = with_project_file(place, name)
        async with connect(place) as client:
            assert set(await client.tools()) == {"search", "execute"}
            assert "everything" not in (await client.search("")).text
            await client.failure("return await everything.echo({ message: 'x' })")
            said = client.stderr()
            assert str(file) in said and "has no effect" in said and "outboard trust" in said, said
        assert not sign.exists() and not place.upstreams()
        file.unlink()


@test
async def an_accepted_project_file_works_until_it_changes(place: Place) -> None:
    for name in FILES:
        file, sign = with_project_file(place, name)
        shown = place.run("trust", "--show")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert shown.returncode == 0 and digest in shown.stdout and "server-everything" in shown.stdout, shown
        without_a_person = place.run("trust")
        assert without_a_person.returncode != 0 and not sign.exists(), without_a_person
        accepted = place.run("trust", "--accept", digest)
        assert accepted.returncode == 0, accepted
        async with connect(place) as client:
            assert await client.value("return [await everything.echo({ message: 'mine' })]") == ["Echo: mine"]
            assert "has no effect" not in client.stderr(), client.stderr()
        sign.unlink()
        file.write_text(file.read_text() + "\n")
        async with connect(place) as client:
            assert await client.value("return [1]") == [1]
            assert "has changed" in client.stderr(), client.stderr()
        assert not sign.exists()
        file.unlink()


@test
async def a_project_file_that_cannot_be_used_stops_nothing(place: Place) -> None:
    place.use("everything")
    for name in FILES:
        file = place.project / name
        file.write_text('{ "mcpServers": {')
        async with connect(place) as client:
            assert await client.value("return [await everything.echo({ message: 'on' })]") == ["Echo: on"]
            assert str(file) in client.stderr(), client.stderr()
        file.unlink()


@test
async def a_project_file_cannot_replace_an_upstream_of_the_user(place: Place) -> None:
    file, sign = with_project_file(place, ".mcp.json")
    place.use("everything")
    assert place.run("trust", "--accept", hashlib.sha256(file.read_bytes()).hexdigest()).returncode == 0
    async with connect(place) as client:
        assert await client.value("return [await everything.echo({ message: 'x' })]") == ["Echo: x"]
        assert "everything" in client.stderr() and "not used" in client.stderr(), client.stderr()
    assert not sign.exists()
