"""Runs the suite of the newest protocol, as `run.py` does."""

import os
import sys

from harness import runner
from newest import examples, http, stateless  # noqa: F401  importing a module registers its tests

sys.exit(runner.run(os.environ.get("OUTBOARD_CLIENTS_ONLY", "")))
