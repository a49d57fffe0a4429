"""The real MCP servers that stand upstream, as `mcpServers` entries that start what is installed.

Commands are absolute: nothing is looked up or downloaded when a test runs. Starts nothing itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

Entry = dict[str, Any]

NODE_MODULES = Path(os.environ["OUTBOARD_NODE_MODULES"])
PYTHON = Path(sys.executable)


def _node(package: str, *arguments: str, **env: str) -> Entry:
    script = NODE_MODULES / "@modelcontextprotocol" / package / "dist" / "index.js"
    return {"command": "node", "args": [str(script), *arguments], "env": env}


def everything() -> Entry:
    return _node("server-everything", "stdio")


def filesystem(folder: Path) -> Entry:
    return _node("server-filesystem", str(folder))


def memory(file: Path) -> Entry:
    return _node("server-memory", MEMORY_FILE_PATH=str(file))


def git(repository: Path) -> Entry:
    return {"command": str(PYTHON.with_name("mcp-server-git")), "args": ["--repository", str(repository)], "env": {}}


def overheard(entry: Entry, log: Path) -> Entry:
    """The same upstream; all that it is sent is written to `log`, too."""
    listen = 'tee "$0" | "$@"'
    return {**entry, "command": "/bin/sh", "args": ["-c", listen, str(log), entry["command"], *entry["args"]]}


def babbling(entry: Entry) -> Entry:
    """The same upstream, which begins with words on standard output where only messages may stand."""
    babble = 'echo "Starting up …"; echo; echo "{not json"; echo "[1, 2]"; exec "$0" "$@"'
    return {**entry, "command": "/bin/sh", "args": ["-c", babble, entry["command"], *entry["args"]]}


class Gate:
    """Holds up an upstream before it starts, until `open`. Made of a named pipe, so nothing is polled."""

    def __init__(self, path: Path) -> None:
        self._path = path
        os.mkfifo(path)

    def before(self, entry: Entry) -> Entry:
        """The same upstream, behind this gate."""
        wait = 'read -r word < "$0"; exec "$@"'
        return {**entry, "command": "/bin/sh", "args": ["-c", wait, str(self._path), entry["command"], *entry["args"]]}

    def open(self) -> bool:
        """Lets an upstream through that waits; tells whether one waited."""
        try:
            pipe = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        with os.fdopen(pipe, "w") as writer:
            writer.write("open\n")
        return True
