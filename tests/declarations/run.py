#!/usr/bin/env python3
"""Has type checkers read the declarations that models are shown: tsc, pyright and ty, for every catalogue of a folder.

Makes what it needs in the cache, prints a line for each checker and closes with `N passed, M failed, K skipped`.
Starts no server; a catalogue is a saved reply to `tools/list`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

from harness import environments  # noqa: E402  the clients' way of installing what is pinned

#: What stubs stand on, and what a checker would otherwise take a function of a namespace for.
PYTHON_HEAD = "from typing import Any, Literal, Never, NotRequired, Required, TypedDict\n"
FUNCTION, STATIC = "\n    async def ", "\n    @staticmethod\n    async def "

#: Uses of a tool that every checker must take, and such as every checker must refuse.
TOOL = {
    "name": "get_sum",
    "description": "Adds",
    "inputSchema": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}, "note": {"type": "string"}},
        "required": ["a", "b"],
    },
    "outputSchema": {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]},
}
RIGHT = {
    "ts": "async () => { const { sum } = await sample.get_sum({ a: 1, b: 2, note: 'x' }); return sum.toFixed(2) }",
    "py": "async def use() -> float: return (await sample.get_sum(a=1, b=2, note='x'))['sum'] + 1",
}
WRONG = {
    "ts": [
        "sample.get_sum({ a: 1 })",
        "sample.get_sum({ a: '1', b: 2 })",
        "sample.get_sun({ a: 1, b: 2 })",
        "sample.get_sum({ a: 1, b: 2, nota: '' })",
        "async () => (await sample.get_sum({ a: 1, b: 2 })).summ",
    ],
    "py": [
        "sample.get_sum(a=1)",
        "sample.get_sum(a='1', b=2)",
        "sample.get_sun(a=1, b=2)",
        "sample.get_sum(a=1, b=2, nota='')",
        "async def use(): return (await sample.get_sum(a=1, b=2))['summ']",
    ],
}


def main() -> int:
    arguments = parse()
    catalogues = sorted(path for path in arguments.catalogues.glob("*.json") if path.name != "index.json")
    failed = skipped = 0
    if not catalogues:
        print(f"SKIPPED: no catalogues of real servers in {arguments.catalogues}", file=sys.stderr)
        skipped = 1
    python, node = environments.checkers(HERE, arguments.cache)
    with tempfile.TemporaryDirectory(prefix="outboard-declarations-") as folder:
        work = Path(folder)
        (work / "sample.json").write_text(json.dumps({"tools": [TOOL]}))
        for catalogue in [work / "sample.json", *catalogues]:
            write(arguments.declarations, catalogue, work)
        use(work)
        checks = {
            "tsc": [str(node / ".bin" / "tsc"), "--project", "tsconfig.json"],
            "pyright": [str(node / ".bin" / "pyright"), "--pythonpath", str(python), "."],
            "ty": [str(python.with_name("ty")), "check", "--python", str(python), "--output-format", "concise", "."],
        }
        for name, command in checks.items():
            ended = subprocess.run(command, cwd=work, capture_output=True, text=True)
            wrong = judge(ended.stdout + ended.stderr, "ts" if name == "tsc" else "py")
            failed += bool(wrong)
            print(f"{'FAILED' if wrong else 'passed'} {name}: {len(catalogues)} catalogues", *wrong[:50], sep="\n  ")
    print(f"{len(checks) - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def write(program: Path, catalogue: Path, work: Path) -> None:
    """The declarations of a catalogue in both languages, as files that checkers read."""
    name = catalogue.stem.replace("-", "_")

    def declared(*language: str) -> str:
        command = [str(program), str(catalogue), "full", *language]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout

    # Each file is a module of its own, so that a namespace may have the name of something global.
    (work / f"{name}.d.ts").write_text(declared() + "\nexport {};\n")
    (work / f"{name}.pyi").write_text(PYTHON_HEAD + ("\n" + declared("python")).replace(FUNCTION, STATIC))


def use(work: Path) -> None:
    """Scripts that use the sample, each mistake in a file of its own."""
    options = {"strict": True, "noEmit": True, "target": "es2022", "module": "esnext", "lib": ["es2023"], "types": []}
    (work / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    (work / "sample.d.ts").write_text((work / "sample.d.ts").read_text().replace("declare const", "export declare const"))
    for ending, header in (("ts", "import { sample } from './sample';\n"), ("py", "from sample import sample\n")):
        (work / f"right.{ending}").write_text(header + RIGHT[ending] + "\n")
        for number, mistake in enumerate(WRONG[ending]):
            (work / f"wrong_{number}.{ending}").write_text(header + mistake + "\n")


def judge(said: str, ending: str) -> list[str]:
    """What is wrong with what a checker said: complaints about what is right, and mistakes that it did not see."""
    mistakes = {f"wrong_{number}.{ending}": mistake for number, mistake in enumerate(WRONG[ending])}
    lines = [line.strip() for line in said.splitlines() if "error" in line and "wrong_" not in line]
    complaints = [line for line in lines if not line.endswith("informations") and not line.startswith("Found")]
    return complaints + [f"not seen: {text}" for file, text in mistakes.items() if file not in said]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--declarations", type=Path, required=True, metavar="PATH", help="the built example `declarations`")
    catalogues = Path(os.environ.get("OUTBOARD_CATALOGUES", HERE.parents[2] / "shared" / "catalogs"))
    parser.add_argument("--catalogues", type=Path, default=catalogues, metavar="DIR", help="saved replies to tools/list")
    parser.add_argument("--cache", type=Path, default=environments.default_cache(), metavar="DIR")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
