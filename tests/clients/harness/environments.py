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
    python: Path
    node_modules: Path


def default_cache() -> Path:
    base = os.environ.get("OUTBOARD_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "outboard" / "clients"


def prepare(folder: Path, cache: Path) -> Environment:
    """The environment that `folder` pins."""
    python = _made(cache, "python", folder, ["requirements.txt"], _make_python)
    node = _made(cache, "node", folder, ["package.json", "package-lock.json"], _make_node)
    return Environment(python / "bin" / "python", node / "node_modules")


def _made(cache: Path, kind: str, folder: Path, pins: list[str], make: Callable[[Path, Path], None]) -> Path:
    digest = hashlib.sha256()
    for name in pins:
        digest.update(name.encode() + (folder / name).read_bytes())
    home = cache.resolve() / f"{kind}-{digest.hexdigest()[:12]}"
    # Written last, so that an environment that was not finished is made anew.
    if not (home / COMPLETE).exists():
        print(f"installing {', '.join(pins)} into {home}", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        make(home, folder)
        (home / COMPLETE).touch()
    return home


def _make_python(home: Path, folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, stdout=sys.stderr)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(folder / "requirements.txt")], check=True, stdout=sys.stderr)


def _make_node(home: Path, folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(folder / name, home)
    npm = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(npm, cwd=home, check=True, stdout=sys.stderr)
