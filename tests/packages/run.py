#!/usr/bin/env python3
"""Has checkers and interpreters read the packages that `outboard generate` writes: tsc, pyright, ty, python3 and node.

They read a package of a sample, whose right uses they must take and whose wrong ones they must refuse; of a catalogue made to
break out, which must import without any effect; and of every catalogue of a folder. `--quick` leaves most of the folder out.
Starts no server: a catalogue is a saved reply to `tools/list`. Prints a line for each check and closes with
`N passed, M failed, K skipped`.
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
DECLARATIONS = HERE.parent / "declarations"
sys.path[:0] = [str(DECLARATIONS), str(HERE.parent / "clients")]

import hostile  # noqa: E402
import sample  # noqa: E402
from harness import environments  # noqa: E402  the clients' way of installing what is pinned

#: Catalogues of the folder that the quick tier reads too: one that is small, one that is large, one whose schemas are odd.
FEW = ("everything", "azure", "notion")

RIGHT = {
    "ts": """import * as sample from "ts_sample/sample";
import { ToolError, sample as again } from "ts_sample";
export const use = async () => {
  const { sum } = await sample.get_sum({ a: 1, b: 2, note: "x" });
  try { await again.get_sum({ a: 1, b: 2 }) } catch (error) { if (error instanceof ToolError) return error.code }
  return sum.toFixed(2);
};
""",
    "py": """from py_sample import ToolError
from py_sample.aio import sample
from py_sample.sample import GetSumResult, get_sum

def use() -> float:
    try:
        result: GetSumResult = get_sum(a=1, b=2, note="x")
    except ToolError as error:
        return len(error.code)
    return result["sum"] + 1

async def use_async() -> float:
    return (await sample.get_sum(a=1, b=2))["sum"] + 1
""",
}
WRONG = {
    **sample.WRONG,
    "py": [
        *sample.WRONG["py"],
        "sample.get_sum(a=1, b=2)['summ']",
        "async def use(): return (await asynchronous.get_sum(a=1, b=2))['summ']",
    ],
}
HEADS = {
    "ts": 'import * as sample from "ts_sample/sample";\n',
    "py": "from py_sample import sample\nfrom py_sample.aio import sample as asynchronous\n",
}

#: Imports all of a package, and has each function be one and have a docstring where the server says something.
IMPORT = """
import doctest, importlib, inspect, pkgutil, sys
count = 0
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, name + "."):
        module = importlib.import_module(found.name)
        functions = [value for value in vars(module).values() if inspect.isfunction(value) and value.__module__ == module.__name__ and value.__name__ not in ("__getattr__", "__dir__")]
        assert doctest.testmod(module).attempted == 0, found.name
        if not found.name.endswith("._outboard"):
            count += len(functions)
            assert all(value.__doc__ is not None for value in functions), found.name
    assert issubclass(package.ToolError, Exception)
print(count)
"""
IMPORT_NODE = """
let count = 0;
for (const name of process.argv.slice(2)) {
  const index = await import(name);
  for (const module of Object.values(index)) count += Object.values(module).filter(value => typeof value === "function").length;
}
console.log(count);
"""


def main() -> int:
    arguments = parse()
    catalogues = sorted(path for path in arguments.catalogues.glob("*.json") if path.name != "index.json")
    if arguments.quick:
        catalogues = [path for path in catalogues if path.stem in FEW]
    failed = skipped = passed = 0
    if not catalogues:
        print(f"SKIPPED: no catalogues of real servers in {arguments.catalogues}", file=sys.stderr)
        skipped = 1
    python, node = environments.checkers(DECLARATIONS, arguments.cache)
    with tempfile.TemporaryDirectory(prefix="outboard-packages-") as folder:
        work = Path(folder)
        for name, tools in {"sample": [sample.TOOL], "hostile": hostile.tools()}.items():
            (work / f"{name}.json").write_text(json.dumps({"tools": tools}))
        names, functions = [], 0
        for catalogue in [work / "sample.json", work / "hostile.json", *catalogues]:
            names.append(catalogue.stem.replace("-", "_"))
            functions += generate(arguments.outboard, catalogue, names[-1], work)
        use(work)
        checks = {f"{name}: {len(names)} packages": wrong for name, wrong in checked(work, python, node).items()}
        checks |= imported(work, names, python, functions)
        checks["hostile: no effect"] = ["an attack got out"] if list(work.rglob("pwned")) else []
        for name, wrong in checks.items():
            failed += bool(wrong)
            passed += not wrong
            print(f"{'FAILED' if wrong else 'passed'} {name}", *wrong[:50], sep="\n  ")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def generate(outboard: Path, catalogue: Path, name: str, work: Path) -> int:
    """Both packages of a catalogue; written once more, nothing of them changes. Gives how many functions each has."""
    places = {"HOME": str(work), "OUTBOARD_CONFIG_DIR": str(work / "config"), "OUTBOARD_STATE_DIR": str(work / "state")}
    command = [str(outboard), "generate", "--json", "--catalog", str(catalogue), "--server", name]
    command += ["--python", f"py_{name}", "--typescript", f"node_modules/ts_{name}"]
    for written in (True, False):
        ended = subprocess.run(command, cwd=work, env=os.environ | places, check=True, capture_output=True, text=True)
        packages = json.loads(ended.stdout)["packages"]
        assert all((package["files"]["written"] > 0) == written for package in packages), ended.stdout
    counts = {sum(len(module["functions"]) for module in package["modules"]) for package in packages}
    assert len(counts) == 1, counts
    return counts.pop()


def use(work: Path) -> None:
    """Programs that use the sample, each mistake in a file of its own."""
    options = {"strict": True, "noEmit": True, "target": "es2022", "module": "nodenext", "lib": ["es2023"], "types": []}
    # The packages themselves are read whole, as whoever imports them has them read.
    files = ["*.ts", "node_modules/ts_*/*.d.ts"]
    settings = {"compilerOptions": options, "include": files, "exclude": []}
    (work / "tsconfig.json").write_text(json.dumps(settings))
    (work / "package.json").write_text('{"type": "module"}')
    for ending, head in HEADS.items():
        (work / f"right.{ending}").write_text(RIGHT[ending])
        for number, mistake in enumerate(WRONG[ending]):
            (work / f"wrong_{number}.{ending}").write_text(head + mistake + "\n")


def checked(work: Path, python: Path, node: Path) -> dict[str, list[str]]:
    commands = {
        "tsc": [str(node / ".bin" / "tsc"), "--project", "tsconfig.json"],
        "pyright": [str(node / ".bin" / "pyright"), "--pythonpath", str(python), "."],
        "ty": [str(python.with_name("ty")), "check", "--python", str(python), "--python-version", "3.9", "--output-format", "concise", "."],
    }
    said = {
        name: subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for name, command in commands.items()
    }
    return {name: judge(program.communicate()[0], "ts" if name == "tsc" else "py") for name, program in said.items()}


def judge(said: str, ending: str) -> list[str]:
    """What is wrong with what a checker said: complaints about what is right, and mistakes that it did not see."""
    told = [line.strip() for line in said.splitlines() if "wrong_" not in line]
    # A warning may be of an upstream's text that spoke to the checker.
    lines = [line for line in told if "error" in line or "warning" in line]
    complaints = [line for line in lines if not line.endswith("informations") and not line.startswith("Found")]
    mistakes = {f"wrong_{number}.{ending}": mistake for number, mistake in enumerate(WRONG[ending])}
    return complaints + [f"not seen: {text}" for file, text in mistakes.items() if file not in said]


def imported(work: Path, names: list[str], python: Path, functions: int) -> dict[str, list[str]]:
    """Every package in real interpreters, every warning of which is an error."""
    (work / "import.py").write_text(IMPORT)
    (work / "import.mjs").write_text(IMPORT_NODE)
    commands = {
        "python3": [sys.executable, "-W", "error", "import.py", *(f"py_{name}" for name in names)],
        "python of the checkers": [str(python), "-W", "error", "import.py", *(f"py_{name}" for name in names)],
        "node": ["node", "import.mjs", *(f"ts_{name}" for name in names)],
    }
    checks: dict[str, list[str]] = {}
    for name, command in commands.items():
        ended = subprocess.run(command, cwd=work, capture_output=True, text=True)
        wrong = (ended.stderr.splitlines() or ["it failed"]) if ended.returncode or ended.stderr else []
        # Python has each twice: waiting, and as a coroutine.
        expected = functions * (1 if name == "node" else 2)
        if ended.stdout.strip() != str(expected):
            wrong.append(f"{ended.stdout.strip()} functions were found, {expected} were written")
        checks[f"{name}: {ended.stdout.strip()} functions imported"] = wrong
    return checks


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outboard", type=Path, required=True, metavar="PATH", help="the built program")
    catalogues = Path(os.environ.get("OUTBOARD_CATALOGUES", HERE.parents[2] / "shared" / "catalogs"))
    parser.add_argument("--catalogues", type=Path, default=catalogues, metavar="DIR", help="saved replies to tools/list")
    parser.add_argument("--quick", action="store_true", help="read a few catalogues of the folder")
    parser.add_argument("--cache", type=Path, default=environments.default_cache(), metavar="DIR")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
