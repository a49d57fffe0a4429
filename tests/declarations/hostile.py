"""A catalogue made to break out of its declarations, and what proves that it did not.

The declarations are read by the languages' own parsers, and nothing but declarations may stand in them. They are also run,
in a folder in which every attack would leave a file behind.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

#: What an attack does, in each language, if it gets out.
EFFECTS = ['open("pwned", "w").close()', 'require("fs").writeFileSync("pwned", "")']

ATTACKS = [
    before + effect + after
    for effect in EFFECTS
    for before, after in [
        ("*/ ", "; /*"),
        ("\n*/\n", "\n"),
        ('"""\n', '\n"""'),
        ('\\"""\n', "\n"),
        ("'''\n", "\n'''"),
        ('"}; ', '; ({"'),
        ('\\"; ', "; //"),
        ("${", "}"),
        ("`${", "}`"),
        ("\u2028", "\u2029"),
        ("\r", "\r"),
        ("\u0085\f\v", "\n"),
        ("\u202e*/", "\u2066\u200b\ufeff"),
        ("*\u200b/ ", ""),
        ("\\\n", "\\"),
        ("# type: ignore\n", " # pyright: ignore"),
        ("type: ignore", "# ty : ignore"),
        (">>> ", ""),
        ("@ts-ignore\n", " // @ts-nocheck"),
        ("</script>", "<!--"),
        ("\0\x1b[31m", "\U000e0041"),
        ('{"\']}) ', " ([{"),
    ]
] + ["\\", '"', '"""', "'", "*/", "__proto__", "constructor", "x" * 5_000, "\ud7ff\ue000", "𝐚", "ﬁ", "a\u0301"]


def tools() -> list[dict[str, Any]]:
    """A tool for each attack, which stands everywhere where a server may write; then large and deep ones, as deep as Outboard
    reads JSON at all."""
    made = [_tool(attack) for attack in ATTACKS]
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(55):
        deep = {"type": "object", "properties": {"a": deep}}
    tree = {"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"b": {"$ref": "#/$defs/b"}}}, "b": {"items": {"$ref": "#/$defs/a"}}}}
    wide = {"type": "object", "properties": {f"p{n}": {"type": "string", "description": "x" * 300} for n in range(1_100)}}
    cyclic = {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"allOf": [{"$ref": "#"}]}]}}}
    level = lambda n: {"allOf": [{"oneOf": [{"$ref": f"#/$defs/n{n + 1}"}, {"properties": {f"{side}{n}": {}}}]} for side in "ab"]}
    tower = {"$ref": "#/$defs/n0", "$defs": {**{f"n{n}": level(n) for n in range(40)}, "n40": {"properties": {"x": {}}}}}
    absurd = {"allOf": [{"type": "string"}, {"type": "object"}, False], "properties": 3, "required": [None], "enum": {}}
    for name, schema in {"deep": deep, "tree": tree, "wide": wide, "cyclic": cyclic, "tower": tower, "absurd": absurd}.items():
        made.append({"name": name, "inputSchema": {"type": "object", "properties": {"x": schema}}, "outputSchema": schema})
    folded = {"type": "object", "properties": {"x": {"type": "string"}}}
    itself = {name: {"type": "object", "properties": {"x": {"$ref": f"#/$defs/{name}"}}} for name in ("𝐚", "𝐬𝐭𝐫")}
    names = {"$ref": "#/$defs/𝐚", "$defs": itself}
    properties = {"one": {"$ref": "#/$defs/𝐚"}, "two": {"$ref": "#/$defs/𝐬𝐭𝐫"}, "\U00016ebb": {**folded, "title": "A"}}
    made.append({"name": "A", "inputSchema": {**names, "properties": properties}, "outputSchema": names})
    made += [{"name": name} for name in ("__dir__", "__getattr__", "__debug__", "__path__", "__name__", "__class__")]
    made.append({"name": "no schema", "description": None})
    made.append({"name": "fetches", "inputSchema": {"$ref": "https://example.com/schema.json"}})
    return made


def _tool(attack: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "title": attack,
        "description": attack,
        "properties": {
            attack: {"type": "string", "description": attack, "pattern": attack, "format": attack, "default": attack},
            "value": {"enum": [attack, "b"], "description": attack, "examples": [attack]},
            "again": {"$ref": "#/$defs/x"},
            "either": {"anyOf": [{"const": attack, "description": attack}, {"type": "number", "deprecated": True}]},
        },
        "required": [attack, attack + "2"],
        "$defs": {"x": {"title": attack, "type": "object", "properties": {attack: {"$ref": "#/$defs/x"}}}},
    }
    return {"name": attack, "description": f"{attack}\n{attack}", "inputSchema": schema, "outputSchema": schema}


def judge(folder: Path, module: str, node: Path) -> list[str]:
    """What is more than a declaration in a module of the folder, and what running it left behind."""
    stub, types = folder / f"{module}.pyi", folder / f"{module}.d.ts"
    # Pythons before 3.12 do not know the statement; what stands behind it is read all the same.
    plain = folder / f"{module}_plain.txt"
    plain.write_text(re.sub(r"^type (\w+) = ", r"\1 = ", stub.read_text(), flags=re.MULTILINE))
    wrong = [f"{stub.name}: {problem}" for problem in _beyond_stubs(ast.parse(plain.read_text()))]
    for command in ([sys.executable, "-c", RUN, str(plain)], ["node", "-e", BEYOND_TYPES, str(types), str(node / "typescript")]):
        ended = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        wrong += [f"{module}: {line}" for line in (ended.stdout + ended.stderr).splitlines()[:20]]
    if (folder / "pwned").exists():
        wrong.append(f"{module}: an attack got out")
    return wrong


def _beyond_stubs(module: ast.Module) -> list[str]:
    """Statements that are no declarations."""
    wrong = []
    for node in ast.walk(module):
        match node:
            case ast.FunctionDef(body=[ast.Expr(value=ast.Constant())]) | ast.AsyncFunctionDef(body=[ast.Expr(value=ast.Constant())]):
                pass
            case ast.Expr(value=ast.Constant()) | ast.ClassDef() | ast.AnnAssign(value=None) | ast.ImportFrom(module="typing"):
                pass
            # Of a type; calls within are told of by themselves.
            case ast.Assign(targets=[ast.Name()]):
                pass
            case ast.Call(func=ast.Name(id="TypedDict"), args=[ast.Constant(), ast.Dict()]):
                pass
            case ast.stmt() | ast.Call() | ast.Lambda() | ast.Await() | ast.JoinedStr() | ast.NamedExpr():
                wrong.append(f"line {node.lineno}: {ast.unparse(node)[:200]}")
            case _:
                pass
    return wrong


#: Runs a stub, in which every name that is not defined yet stands for something.
RUN = """
import sys, typing
class Names(dict):
    def __missing__(self, name):
        if name in __builtins__.__dict__: raise KeyError(name)
        return typing.Any
text = "from __future__ import annotations\\n" + open(sys.argv[1]).read()
exec(compile(text, sys.argv[1], "exec"), {}, Names())
"""

#: Prints what is no declaration, by the parser of TypeScript itself.
BEYOND_TYPES = """
const ts = require(process.argv[2]), fs = require("fs");
const source = ts.createSourceFile("x.d.ts", fs.readFileSync(process.argv[1], "utf8"), ts.ScriptTarget.Latest, true);
const statements = ["VariableStatement", "ModuleDeclaration", "TypeAliasDeclaration", "ExportDeclaration", "FunctionDeclaration"];
const never = ["CallExpression", "NewExpression", "ExpressionStatement", "TemplateExpression", "TaggedTemplateExpression",
  "NoSubstitutionTemplateLiteral", "ImportType", "ImportDeclaration", "Decorator", "ArrowFunction", "TypeQuery"];
const say = (node, why) => console.log(why, ts.SyntaxKind[node.kind], node.getText().slice(0, 200));
source.statements.forEach(node => statements.includes(ts.SyntaxKind[node.kind]) || say(node, "statement"));
(function walk(node) { if (never.includes(ts.SyntaxKind[node.kind])) say(node, "within"); ts.forEachChild(node, walk); })(source);
for (const key of ["referencedFiles", "typeReferenceDirectives", "libReferenceDirectives", "parseDiagnostics", "commentDirectives"])
  if ((source[key] || []).length) console.log(key, source[key].length);
if (source.checkJsDirective) console.log("checkJsDirective");
"""
