"""Runs the Python suite: `OUTBOARD=… OUTBOARD_NODE_MODULES=… python -m suite`, as `run.py` does."""

import os
import sys

from harness import runner
from suite import (  # noqa: F401  importing a module registers its tests
    apis,
    approvals,
    cancelling,
    concurrency,
    configuration,
    daytona,
    ending,
    eras,
    errors,
    examples,
    face,
    frames,
    http,
    limits,
    loss,
    passthrough,
    python,
    results,
    scripts,
    searching,
    servers,
    starting,
    trusting,
    workspace,
)

sys.exit(runner.run(os.environ.get("OUTBOARD_CLIENTS_ONLY", "")))
