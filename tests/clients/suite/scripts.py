"""Every form in which models write scripts, and what scripts find around them."""

from harness.cases import Cases
from harness.client import connect
from harness.place import Place
from harness.runner import test

#: Name, script, and the whole text of its answer.
FORMS = (
    ("statements with a return at the top level", "const a = 1;\nconst b = 2;\nreturn a + b", "3"),
    ("an expression", "[1, 2, 3].map(n => n * 2)", "[2,4,6]"),
    ("an expression that waits", "await Promise.resolve(7)", "7"),
    ("await at the top level", "const n = await Promise.resolve(4);\nreturn n * n", "16"),
    ("an async arrow function", "async () => { return 'arrow' }", "arrow"),
    ("an arrow function with a semicolon", "async () => {\n  const n = 5;\n  return n;\n};", "5"),
    ("an exported default function", "export default async function main() { return 'default' }", "default"),
    ("an exported default value", "export default { a: 1 }", '{"a":1}'),
    ("a Markdown fence", "```typescript\nreturn 'fenced'\n```", "fenced"),
    ("a fence with words around it", "Here is the script:\n\n```ts\nreturn 'told'\n```\nThat is all.", "told"),
    ("a fence around an arrow function", "```js\nasync () => 'both'\n```", "both"),
    (
        "types of every kind",
        "interface Row { id: number; name?: string }\n"
        "type Rows = ReadonlyArray<Row>;\n"
        "enum Kind { A = 'a', B = 'b' }\n"
        "const rows: Rows = [{ id: 1 }, { id: 2, name: 'two' }];\n"
        "function named<T extends Row>(row: T): row is T & { name: string } { return row.name !== undefined }\n"
        "class Box { constructor(private readonly value: number) {} get doubled(): number { return this.value! * 2 } }\n"
        "const found = rows.filter(named) as Row[];\n"
        "return { found: found.map(({ id }) => id), kind: Kind.B, box: new Box(21).doubled } satisfies object",
        '{"found":[2],"kind":"b","box":42}',
    ),
    ("timers", "await new Promise<void>(done => setTimeout(done, 30)); return 'later'", "later"),
    (
        "the usual global functions",
        "const url = new URL('https://example.org/a?b=c');\n"
        "return [url.searchParams.get('b'), atob(btoa('x')), new TextDecoder().decode(new TextEncoder().encode('ü')),"
        " structuredClone(new Map([[1, 2]])).get(1), crypto.randomUUID().length]",
        '["c","x","ü",2,36]',
    ),
    (
        "what a script has not got",
        "return ['fetch', 'require', 'process', 'XMLHttpRequest'].filter(name => typeof globalThis[name] !== 'undefined')",
        "[]",
    ),
    (
        "recursion without end, caught",
        "const down = n => down(n + 1) + 1; try { down(0) } catch (e) { return e instanceof RangeError }",
        "true",
    ),
)


@test
async def every_form_in_which_models_write_scripts_runs(place: Place) -> None:
    async with connect(place) as client:
        with Cases() as cases:
            for name, code, expected in FORMS:
                with cases.case(name):
                    answer = await client.execute(code)
                    assert not answer.failed and answer.text == expected, answer.text


@test
async def console_output_follows_the_value(place: Place) -> None:
    async with connect(place) as client:
        answer = await client.execute("console.log('rows', { n: 2 }); console.error('oh'); return { a: 1 }")
        assert answer.value == {"a": 1}, answer.text
        assert answer.text.index('{"a":1}') < answer.text.index("rows") < answer.text.index("oh"), answer.text
        quiet = await client.execute("return { a: 1 }")
        assert quiet.text == '{"a":1}', quiet.text


@test
async def runs_share_nothing(place: Place) -> None:
    async with connect(place) as client:
        await client.execute("globalThis.left = 1; Array.prototype.left = 2; return 0")
        assert await client.value("return [typeof globalThis.left, [].left ?? null]") == ["undefined", None]
