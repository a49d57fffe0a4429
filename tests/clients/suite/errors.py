"""What goes wrong in a script, caught by it and told to the model: where, what, and what to do."""

import re

from harness.cases import Cases
from harness.client import connect
from harness.place import Place
from harness.runner import test


@test
async def a_tool_that_fails_throws_an_error_that_the_script_can_catch(place: Place) -> None:
    place.use("filesystem")
    async with connect(place) as client:
        code = f"""
            try {{
                await filesystem.read_text_file({{ path: "{place.data}/missing.txt" }});
            }} catch (e) {{
                return {{ is: e instanceof ToolError && e instanceof Error, name: e.name, tool: e.tool, code: e.code,
                    message: e.message, kinds: e.content.map(block => block.type) }};
            }}
        """
        caught = await client.value(code)
        message = caught.pop("message")
        assert message.startswith("ENOENT: no such file or directory"), message
        assert caught == {
            "is": True,
            "name": "ToolError",
            "tool": "filesystem.read_text_file",
            "code": "tool_error",
            "kinds": ["text"],
        }


@test
async def a_tool_that_fails_uncaught_is_told_with_line_and_column(place: Place) -> None:
    place.use("filesystem")
    async with connect(place) as client:
        code = (
            "const n: number = 1;\n"
            f'await filesystem.write_file({{ path: "{place.data}/a.txt", content: "a" }});\n'
            f'  await filesystem.read_text_file({{ path: "{place.data}/missing.txt" }});\n'
            "return n"
        )
        text = await client.failure(code)
        place_of_call = re.search(r"\b3:(\d+)", text)
        assert place_of_call and 3 <= int(place_of_call[1]) <= 20, text
        assert "filesystem.read_text_file" in text and "ENOENT" in text, text
        # What already had an effect is named, so that nobody does it twice.
        assert re.search(r"filesystem\.write_file × 1 \(line 2\)", text), text
        assert (place.data / "a.txt").read_text() == "a"


#: Name, script, what the error must say.
MISTAKES = (
    (
        "an unknown tool",
        "await filesystem.read_textfile({ path: 'x' })",
        [r"did you mean", r"read_text_file", r"\b1:\d+"],
    ),
    ("an unknown original name", "await everything['get-some']({})", [r"did you mean", r"get_sum"]),
    ("an unknown namespace", "await filesytem.read_text_file({ path: 'x' })", [r"filesytem", r"\b1:\d+"]),
    (
        "an argument of the wrong type",
        "\nawait everything.get_sum({ a: 'one', b: 2 })",
        [r"\ba\b", r"number", r"\b2:\d+"],
    ),
    ("an argument left out", "await everything.echo({})", [r"message", r"\b1:\d+"]),
    ("an argument too many", "await filesystem.list_directory('somewhere')", [r"path"]),
    ("a mistake in the language", "const a = ;\nreturn a", [r"\b1:11\b"]),
    ("an error of the script's own", "const a = 1;\n\nthrow new TypeError('mine')", [r"TypeError: mine", r"\b3:\d+"]),
    ("a ToolError of the script's own", "throw new ToolError('mine')", [r"\b1:\d+: \w", r"mine"]),
    ("a value that is not there", "const a: any = undefined;\nreturn a.b.c", [r"TypeError", r"\b2:\d+"]),
    ("the network", "await fetch('https://example.org')", [r"fetch", r"network"]),
    ("a promise that nobody settles", "await new Promise(() => {})", [r"promise"]),
)


@test
async def every_mistake_is_told_with_its_place_and_what_to_do(place: Place) -> None:
    place.use("everything", "filesystem")
    async with connect(place) as client:
        await client.listed("everything", "filesystem")
        with Cases() as cases:
            for name, code, said in MISTAKES:
                with cases.case(name):
                    text = await client.failure(code)
                    for pattern in said:
                        assert re.search(pattern, text), f"no {pattern!r} in: {text}"


#: Scripts whose error is thrown below other frames.
DEEP = (
    "async () => {\n  nofn()\n}",
    "export default async function main() {\n  const n: number = 1;\n  nofn(n);\n}",
    "return [1, 2].map(n => nofn(n))",
    "return await new Promise((_, no) => no(new Error('no')))",
    "const a = () => { nofn() };\nconst b = async () => a();\nawait b()",
)


@test
async def an_error_names_no_place_or_function_that_is_not_the_scripts(place: Place) -> None:
    async with connect(place) as client:
        with Cases() as cases:
            for code in DEEP:
                with cases.case(code):
                    text = await client.failure(code)
                    lines = code.splitlines()
                    # A frame is at the start of a word: the name of a function that calls or is called.
                    for line, column in re.findall(r"\b(\d+):(\d+)\b", text):
                        assert re.match(r"\w", lines[int(line) - 1][int(column) - 1 :]), text
                    assert "\\x" not in text, text


#: Name, call, `code` of the error that the script catches.
CAUGHT = (
    ("an unknown tool", "filesystem.read_textfile({ path: 'x' })", "unknown_tool"),
    ("wrong arguments", "everything.get_sum({ a: 'one', b: 2 })", "invalid_arguments"),
    ("an upstream's own error", "filesystem.read_text_file({ path: '/etc/passwd' })", "tool_error"),
    ("an unknown handle", "results.get('r1_nowhere')", "unknown_handle"),
)


@test
async def every_mistake_in_a_call_can_be_caught(place: Place) -> None:
    place.use("everything", "filesystem")
    async with connect(place) as client:
        await client.listed("everything", "filesystem")
        with Cases() as cases:
            for name, call, code in CAUGHT:
                with cases.case(name):
                    script = f"try {{ await {call}; return 0 }} catch (e) {{ return [e.name, e.code] }}"
                    caught = await client.value(script)
                    assert caught == ["ToolError", code], caught


@test
async def wrong_arguments_of_execute_are_told_and_cost_nothing_else(place: Place) -> None:
    async with connect(place) as client:
        with Cases() as cases:
            for arguments in ({}, {"code": 5}, {"code": "return 1", "max_tokens": "many"}, {"code": ""}):
                with cases.case(arguments):
                    answer = await client.session.call_tool("execute", arguments)
                    assert answer.isError, answer
        assert await client.value("return 1") == 1
