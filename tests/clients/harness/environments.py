"""The pinned Python and Node packages, installed once for exactly the files that pin them.

Talks to venv, pip and npm. Each environment is a folder of the cache named by the hash of its pins, so that clones
with other pins do not disturb it. Uses only the standard library: it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

COMPLETE = ".complete"


@dataclass(frozen=True)
class Environment:
    #: With the `mcp` package of the elder protocols.
    python: Path
    #: With the `mcp` package of the newest protocol.
    newest_python: Path
    #: With servers that have OpenAPI documents of their own.
    apis_python: Path
    #: With Daytona's SDK.
    daytona_python: Path
    node_modules: Path


def default_cache() -> Path:
    base = os.environ.get("OUTBOARD_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "outboard" / "clients"


def prepare(folder: Path, cache: Path) -> Environment:
    """The environment that `folder` pins."""
    return Environment(
        python=_python(cache, folder / "requirements.txt"),
        newest_python=_python(cache, folder / "requirements-newest.txt"),
        apis_python=_python(cache, folder / "requirements-apis.txt"),
        daytona_python=_python(cache, folder / "requirements-daytona.txt"),
        node_modules=_node_modules(cache, folder / "package.json", folder / "package-lock.json"),
    )


def checkers(folder: Path, cache: Path) -> tuple[Path, Path]:
    """The Python and the node modules that `folder` pins."""
    node = _node_modules(cache, folder / "package.json", folder / "package-lock.json")
    return _python(cache, folder / "requirements.txt"), node


def _python(cache: Path, requirements: Path) -> Path:
    def make(home: Path) -> None:
        _run([sys.executable, "-m", "venv", str(home)])
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--requirement", str(requirements)])

    return _made(cache, "python", [requirements], make) / "bin" / "python"


def _node_modules(cache: Path, package: Path, lock: Path) -> Path:
    def make(home: Path) -> None:
        shutil.copy(package, home)
        shutil.copy(lock, home)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(home)])

    return _made(cache, "node", [package, lock], make) / "node_modules"


def _made(cache: Path, kind: str, pins: list[Path], make: Callable[[Path], None]) -> Path:
    digest = hashlib.sha256()
    for file in pins:
        digest.update(file.name.encode() + file.read_bytes())
    home = cache.resolve() / f"{kind}-{digest.hexdigest()[:12]}"
    # Its programs name the place that they were installed at and the Python that runs them.
    made_here = f"{home}\n{sys.executable} {sys.version}\n"
    complete = home / COMPLETE
    if not complete.exists() or complete.read_text() != made_here:
        print(f"installing {', '.join(file.name for file in pins)} into {home}", file=sys.stderr, flush=True)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        make(home)
        # Written last, so that an environment that was not finished is made anew.
        complete.write_text(made_here)
    return home


def _run(command: list[str]) -> None:
    # Standard output is the report's.
    subprocess.run(command, check=True, stdout=sys.stderr)
