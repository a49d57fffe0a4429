#!/usr/bin/env python3
"""Drives `outboard serve` with real MCP clients: the Python `mcp` package, elder and newest, and the npm SDK.

Makes what the suites need (only the standard library is needed to start), runs them side by side, prints a line for
each test and closes with `N passed, M failed`. It knows no test: they stand in `suite/`, `newest/` and `node/`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from harness import environments
from harness.report import Report
from harness.suites import Suite, run_all

HERE = Path(__file__).resolve().parent


def main() -> int:
    arguments = parse()
    outboard = arguments.outboard.resolve()
    if not os.access(outboard, os.X_OK):
        print(f"error: {outboard} is no program that can be run", file=sys.stderr)
        return 2
    environment = environments.prepare(HERE, arguments.cache)
    variables = {
        "OUTBOARD": str(outboard),
        "OUTBOARD_NODE_MODULES": str(environment.node_modules),
        "OUTBOARD_CLIENTS_PYTHON": str(environment.python),
        "OUTBOARD_APIS_PYTHON": str(environment.apis_python),
        "OUTBOARD_DAYTONA_PYTHON": str(environment.daytona_python),
        "OUTBOARD_CLIENTS_ONLY": arguments.only,
    }
    node = ["node", "--test-reporter", str(HERE / "node" / "reporter.mjs"), str(HERE / "node" / "main.mjs")]
    suites = [
        Suite("python", [str(environment.python), "-m", "suite"], HERE),
        Suite("newest", [str(environment.newest_python), "-m", "newest"], HERE),
        Suite("node", node, HERE),
    ]
    report = Report()
    run_all(suites, variables, report)
    return report.close()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outboard", type=Path, required=True, metavar="PATH", help="the binary to drive")
    parser.add_argument(
        "--cache",
        type=Path,
        default=environments.default_cache(),
        metavar="DIR",
        help="where the clients and upstreams are installed",
    )
    parser.add_argument("--only", default="", metavar="NAME", help="run the tests whose name contains this")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
