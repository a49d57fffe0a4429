#!/usr/bin/env python3
"""Has type checkers read the declarations that models are shown: tsc, pyright and ty.

They read those of every catalogue of a folder, in both forms; of a catalogue made to break out of them; and of generated
schemas, whose valid values they must take and whose invalid ones they must refuse. `--quick` leaves the folder out. Makes what
it needs in the cache, prints a line for each check and closes with `N passed, M failed, K skipped`. Starts no server; a
catalogue is a saved reply to `tools/list`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

import generated  # noqa: E402
import hostile  # noqa: E402
import sample  # noqa: E402
from harness import environments  # noqa: E402  the clients' way of installing what is pinned

#: What stubs stand on, and what a checker would otherwise take a function of a namespace for.
PYTHON_HEAD = "from typing import Any, Literal, Never, NotRequired, Required, TypedDict\n"
FUNCTION, STATIC = "\n    async def ", "\n    @staticmethod\n    async def "

#: Uses of the sample that every checker must take, and such as every checker must refuse.
RIGHT = {
    "ts": "async () => { const { sum } = await sample.get_sum({ a: 1, b: 2, note: 'x' }); return sum.toFixed(2) }",
    "py": "async def use() -> float: return (await sample.get_sum(a=1, b=2, note='x'))['sum'] + 1",
}
WRONG = {
    **sample.WRONG,
    "py": [*sample.WRONG["py"], "async def use(): return (await sample.get_sum(a=1, b=2))['summ']"],
}


def main() -> int:
    arguments = parse()
    catalogues = []
    failed = skipped = passed = 0
    if not arguments.quick:
        catalogues = sorted(path for path in arguments.catalogues.glob("*.json") if path.name != "index.json")
        if not catalogues:
            print(f"SKIPPED: no catalogues of real servers in {arguments.catalogues}", file=sys.stderr)
            skipped = 1
    python, node = environments.checkers(HERE, arguments.cache)
    with tempfile.TemporaryDirectory(prefix="outboard-declarations-") as folder:
        work = Path(folder)
        made = generated.cases(arguments.seed, 100 if arguments.quick else 1_000)
        ours = {"sample": [sample.TOOL], "hostile": hostile.tools(), "generated": tools(made)}
        for name, listed in ours.items():
            (work / f"{name}.json").write_text(json.dumps({"tools": listed}))
        for catalogue in [*(work / f"{name}.json" for name in ours), *catalogues]:
            write(arguments.declarations, catalogue, work)
        use(work)
        use_generated(work, made)
        commands = {
            "tsc": [str(node / ".bin" / "tsc"), "--project", "tsconfig.json"],
            "pyright": [str(node / ".bin" / "pyright"), "--pythonpath", str(python), "."],
            "ty": [str(python.with_name("ty")), "check", "--python", str(python), "--python-version", "3.14", "--output-format", "concise", "."],
        }
        said = {
            name: subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for name, command in commands.items()
        }
        checks = {}
        for name, program in said.items():
            wrong = judge(program.communicate()[0], "ts" if name == "tsc" else "py", made)
            checks[f"{name}: {len(catalogues) + len(ours)} catalogues, {len(made)} generated schemas"] = wrong
        checks["hostile: nothing but declarations, no effect"] = [
            problem for module in ("hostile", "hostile_signature") for problem in hostile.judge(work, module, node)
        ]
        for name, wrong in checks.items():
            failed += bool(wrong)
            passed += not wrong
            print(f"{'FAILED' if wrong else 'passed'} {name}", *wrong[:50], sep="\n  ")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def write(program: Path, catalogue: Path, work: Path) -> None:
    """The declarations of a catalogue in both languages and both forms, as files that checkers read."""
    name = catalogue.stem.replace("-", "_")

    def declared(*words: str) -> str:
        command = [str(program), str(catalogue), *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout

    for form, ending in (("full", ""), ("signature", "_signature")):
        # Each file is a module of its own, so that a namespace may have the name of something global.
        (work / f"{name}{ending}.d.ts").write_text(declared(form) + "\nexport {};\n")
        stub = ("\n" + declared(form, "python")).replace(FUNCTION, STATIC)
        (work / f"{name}{ending}.pyi").write_text(PYTHON_HEAD + stub)


def tools(made: list[generated.Case]) -> list[dict[str, Any]]:
    """A tool for each case, which takes one argument."""

    def tool(at: int, schema: dict[str, Any]) -> dict[str, Any]:
        definitions = {"$defs": generated.DEFINITIONS}
        one = {key: value for key, value in schema.items() if key != "$defs"}
        takes = {"type": "object", "properties": {"value": one}, "required": ["value"], **definitions}
        return {"name": f"case_{at}", "inputSchema": takes}

    return [tool(at, case.schema) for at, case in enumerate(made)]


def use_generated(work: Path, made: list[generated.Case]) -> None:
    """Every valid value on a line of its own, and every invalid one, each in one file for each language."""
    heads = {"ts": "import { generated } from './generated';", "py": "from generated import generated"}
    calls = {
        "ts": lambda at, value: f"generated.case_{at}({{ value: {json.dumps(value)} }});",
        "py": lambda at, value: f"_ = generated.case_{at}(value={value!r})",
    }
    module = work / "generated.d.ts"
    module.write_text(exported(module.read_text(), "generated"))
    for ending, call in calls.items():
        for kind in ("right", "wrong"):
            lines = [call(at, value) for at, value in values(made, kind)]
            (work / f"{kind}_values.{ending}").write_text("\n".join([heads[ending], *lines]) + "\n")


def values(made: list[generated.Case], kind: str) -> list[tuple[int, Any]]:
    return [(at, value) for at, case in enumerate(made) for value in getattr(case, kind)]


def exported(text: str, name: str) -> str:
    return text.replace(f"declare const {name}", f"export declare const {name}").replace(
        f"declare namespace {name}", f"export declare namespace {name}"
    )


def use(work: Path) -> None:
    """Scripts that use the sample, each mistake in a file of its own."""
    options = {"strict": True, "noEmit": True, "target": "es2022", "module": "esnext", "lib": ["es2023"], "types": []}
    (work / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    (work / "sample.d.ts").write_text(exported((work / "sample.d.ts").read_text(), "sample"))
    for ending, header in (("ts", "import { sample } from './sample';\n"), ("py", "from sample import sample\n")):
        (work / f"right.{ending}").write_text(header + RIGHT[ending] + "\n")
        for number, mistake in enumerate(WRONG[ending]):
            (work / f"wrong_{number}.{ending}").write_text(header + mistake + "\n")


def judge(said: str, ending: str, made: list[generated.Case]) -> list[str]:
    """What is wrong with what a checker said: complaints about what is right, and mistakes that it did not see."""
    mistakes = {f"wrong_{number}.{ending}": mistake for number, mistake in enumerate(WRONG[ending])}
    told = [line.strip() for line in said.splitlines() if "wrong_" not in line]
    # A warning may be of an upstream's text that spoke to the checker.
    lines = [line for line in told if "error" in line or "warning" in line and "reportMissingModuleSource" not in line]
    complaints = [line for line in lines if not line.endswith("informations") and not line.startswith("Found")]
    unseen = [f"not seen: {text}" for file, text in mistakes.items() if file not in said]
    seen = {int(line) for line in re.findall(rf"wrong_values\.{ending}[(:](\d+)", said)}
    for line, (at, value) in enumerate(values(made, "wrong"), start=2):
        if line not in seen:
            unseen.append(f"not seen: {json.dumps(value)} for {json.dumps(without_definitions(made[at].schema))}")
    for number, complaint in enumerate(complaints):
        found = re.search(rf"right_values\.{ending}[(:](\d+)", complaint)
        if found:
            at, value = values(made, "right")[int(found[1]) - 2]
            complaints[number] += f"\n    {json.dumps(value)} for {json.dumps(without_definitions(made[at].schema))}"
    return complaints + unseen


def without_definitions(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "$defs"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--declarations", type=Path, required=True, metavar="PATH", help="the built example `declarations`")
    catalogues = Path(os.environ.get("OUTBOARD_CATALOGUES", HERE.parents[2] / "shared" / "catalogs"))
    parser.add_argument("--catalogues", type=Path, default=catalogues, metavar="DIR", help="saved replies to tools/list")
    parser.add_argument("--quick", action="store_true", help="leave the folder out, and generate fewer schemas")
    parser.add_argument("--seed", type=int, default=1, help="of the generated schemas")
    parser.add_argument("--cache", type=Path, default=environments.default_cache(), metavar="DIR")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
