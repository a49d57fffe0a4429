"""A place to test in: folders of its own for configuration, state, a project and data.

Knows the processes that live in it and no client. Whatever happens, it leaves no process and no folder behind.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import processes, upstreams
from harness.processes import MARK, Process
from harness.transcript import Transcript
from harness.upstreams import Entry

OUTBOARD = Path(os.environ["OUTBOARD"])


@dataclass
class Place:
    root: Path
    #: What each client saw.
    transcripts: list[Transcript] = field(default_factory=list)

    @classmethod
    def make(cls) -> Place:
        place = cls(Path(tempfile.mkdtemp(prefix="outboard-clients-")).resolve())
        for folder in (place.config, place.state, place.project, place.data):
            folder.mkdir()
        return place

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def project(self) -> Path:
        """The directory in which Outboards are started."""
        return self.root / "project"

    @property
    def data(self) -> Path:
        """What the filesystem upstream may read and write."""
        return self.root / "data"

    @property
    def repository(self) -> Path:
        return self.root / "repository"

    def write_config(self, servers: dict[str, Entry], **settings: Any) -> None:
        """The user's own file, of a user who trusts every server and wants to be asked nothing."""
        trusted = {name: {"trust": True, **entry} for name, entry in servers.items()}
        settings = {"policy": {"otherwise": "allow"}, **settings}
        self.write_servers(self.config / "outboard.json", trusted, **settings)

    def write_servers(self, file: Path, servers: dict[str, Entry], **settings: Any) -> None:
        file.write_text(json.dumps({"mcpServers": {n: self.marked(e) for n, e in servers.items()}, **settings}))

    def marked(self, entry: Entry) -> Entry:
        """The same upstream, found by `upstreams` when it runs."""
        return {**entry, "env": {**entry.get("env", {}), MARK: str(self.root)}}

    def use(self, *names: str, **settings: Any) -> None:
        """Configures real upstreams by name: everything, filesystem, memory, git."""
        self.write_config({name: self.entry(name) for name in names}, **settings)

    def entry(self, name: str) -> Entry:
        match name:
            case "everything":
                return upstreams.everything()
            case "filesystem":
                return upstreams.filesystem(self.data)
            case "memory":
                return upstreams.memory(self.root / "memory.jsonl")
            case "git":
                return upstreams.git(self._made_repository())
        raise ValueError(name)

    def _made_repository(self) -> Path:
        if not self.repository.exists():
            git = ["git", "-C", str(self.repository)]
            subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(self.repository)], check=True)
            for key, value in (("user.name", "A Tester"), ("user.email", "tester@example.org")):
                subprocess.run([*git, "config", key, value], check=True)
        return self.repository

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of an Outboard that lives in this place."""
        passed = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        own = {"OUTBOARD_CONFIG_DIR": str(self.config), "OUTBOARD_STATE_DIR": str(self.state), MARK: str(self.root)}
        return {**passed, **own, **more}

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs an Outboard command to its end, without input."""
        return subprocess.run(
            [str(OUTBOARD), *arguments],
            cwd=self.project,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )

    @contextmanager
    def started(self, entry: Entry, **variables: str) -> Iterator[None]:
        """Runs the program of an entry beside Outboard, as a server that others start."""
        environment = {**self.variables(**variables), **entry.get("env", {})}
        quiet = subprocess.DEVNULL
        program = subprocess.Popen(
            [entry["command"], *entry["args"]], env=environment, stdin=quiet, stdout=quiet, stderr=quiet
        )
        try:
            yield
        finally:
            program.terminate()
            program.wait(timeout=10)

    def new_transcript(self) -> Transcript:
        """What the next client sees, kept for the story of a failure."""
        self.transcripts.append(Transcript(self.root / f"stderr-{len(self.transcripts) + 1}"))
        return self.transcripts[-1]

    def outboards(self) -> list[Process]:
        return [process for process in processes.of_place(self.root) if process.command[0] == str(OUTBOARD)]

    def upstreams(self, word: str = "") -> list[Process]:
        """Upstream processes that live, those that have `word` in their command line."""
        found = processes.of_place(self.root)
        return [process for process in found if process.command[0] != str(OUTBOARD) and process.runs(word)]

    def story(self) -> str:
        return "\n".join(transcript.story() for transcript in self.transcripts)

    def clear(self) -> None:
        processes.kill_all(self.root)
        shutil.rmtree(self.root, ignore_errors=True)
