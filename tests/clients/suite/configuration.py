"""The configuration: what is wrong with it is told with its file and place, and what is refused."""

import json

from harness.cases import Cases
from harness.client import connect
from harness.place import OUTBOARD, Place
from harness.runner import test
from harness.upstreams import Entry
from harness.waiting import until

#: Name, content of outboard.json, and what the error must say besides the file's name.
WRONG = (
    ("no JSON", '{\n  "mcpServers": {\n    "a": { "command" "x" }\n  }\n}', ["line 3", "column 22"]),
    ("a list", "[]", ["mcpServers"]),
    ("servers that are no object", '{ "mcpServers": [] }', ["mcpServers"]),
    ("an unknown setting", '{ "mcpServers": {}, "limit": {} }', ["limit", "limits"]),
    ("an unknown limit", '{ "limits": { "wallSecond": 5 } }', ["wallSecond", "wallSeconds"]),
    ("a limit of no time", '{ "limits": { "wallSeconds": 0 } }', ["wallSeconds", "from 0.001"]),
)


@test
async def a_wrong_configuration_file_is_an_error_that_names_file_and_place(place: Place) -> None:
    file = place.config / "outboard.json"
    with Cases() as cases:
        for name, content, said in WRONG:
            with cases.case(name):
                file.write_text(content)
                ended = place.run("serve")
                assert ended.returncode == 2 and ended.stdout == "", ended
                assert ended.stderr.startswith("error: "), ended.stderr
                for words in (str(file), *said):
                    assert words in ended.stderr, f"no {words!r} in {ended.stderr}"


#: Name, entry, and what the warning must say besides the file's and the server's names.
WRONG_ENTRIES: tuple[tuple[str, Entry, list[str]], ...] = (
    ("an unset variable", {"command": "x", "env": {"TOKEN": "${UNSET_TOKEN}"}}, ["env.TOKEN", "UNSET_TOKEN"]),
    (
        "an unset variable in an argument",
        {"command": "x", "args": ["-t", "${env:UNSET_TOKEN}"]},
        ["args[1]", "UNSET_TOKEN"],
    ),
    ("an unknown key", {"command": "x", "arguments": []}, ["arguments", "args"]),
    ("neither command nor URL", {"args": []}, ["command", "url"]),
    ("both", {"command": "x", "url": "http://localhost/mcp"}, ["command", "url"]),
    ("a URL that is none", {"url": "localhost"}, ["url"]),
    ("a wrong type", {"command": ["node"]}, ["command", "a list", "a text"]),
)


@test
async def a_wrong_entry_costs_itself_and_is_told_with_its_file_server_and_key(place: Place) -> None:
    file = place.config / "outboard.json"
    servers = {f"wrong-{n}": entry for n, (_, entry, _) in enumerate(WRONG_ENTRIES)}
    servers["everything"] = place.marked(place.entry("everything"))
    file.write_text(json.dumps({"mcpServers": servers, "policy": {"otherwise": "allow"}}))
    async with connect(place) as client:
        assert await client.value("return [await everything.echo({ message: 'here' })]") == ["Echo: here"]
        warnings = client.stderr().splitlines()
        with Cases() as cases:
            for number, (name, _, said) in enumerate(WRONG_ENTRIES):
                with cases.case(name):
                    told = [line for line in warnings if f"wrong-{number}" in line]
                    assert told, f"nothing on it in {warnings}"
                    for words in (str(file), *said):
                        assert words in told[0], f"no {words!r} in {told[0]}"


@test
async def outboard_does_not_start_itself(place: Place) -> None:
    inside = place.run("serve", OUTBOARD_INSIDE="1")
    assert inside.returncode == 2 and "Outboard" in inside.stderr and inside.stdout == "", inside
    itself = {"command": str(OUTBOARD), "args": ["serve"]}
    place.write_config({"itself": itself, "off": {"command": "/no/such/program", "disabled": True}})
    async with connect(place) as client:
        assert await client.value("return [1]") == [1]
        assert len(place.outboards()) == 1
        assert "itself" in client.stderr() and "skipped" in client.stderr(), client.stderr()
        assert "off" not in (await client.search("")).text


@test
async def servers_with_odd_and_reserved_names_get_usable_namespaces(place: Place) -> None:
    entry = place.entry("everything")
    place.write_config({"my-server": entry, "tools": entry, "2nd": entry})
    async with connect(place) as client:

        async def all_listed() -> bool:
            return (await client.search("")).text.count("(13 tools)") == 3

        await until("all three have listed", all_listed)
        text = (await client.search("echo", limit=20)).text
        names = [line.split(".echo(")[0] for line in text.splitlines() if ".echo(" in line]
        assert len(names) == 3 and "my_server" in names and "tools" not in names, text
        for name in names:
            assert await client.value(f"return [await {name}.echo({{ message: 'x' }})]") == ["Echo: x"], name
