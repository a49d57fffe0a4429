"""The last steps before the start image is taken."""

import gc
import importlib.machinery
import linecache
import os
import sys
import types

from . import absent, program, tools
from .script import OURS

# Deep enough for what people write; the stacks hold many times as much.
DEEPEST = 5_000

# Modules that no script has a use for.
HIDDEN = ("wit_world", "componentize_py_runtime", "componentize_py_types", "componentize_py_async_support", "tzdata")

_hidden = []


def install():
    tools.install()
    program.install()
    _warm()


def settle():
    _forget_files()
    _forget_our_files()
    _forget_build()
    _bound_recursion()
    _hidden.extend(name for name in sys.modules if name.partition(".")[0] in (*HIDDEN, __package__))
    gc.collect()
    gc.freeze()


def _warm():
    """Does once what every run does, so that what it loads and caches is in the image."""
    import asyncio
    import datetime
    import json
    import re
    import zoneinfo

    json.loads(json.dumps({"a": [1, 2.5, None, "é"]}))
    re.compile(r"\w+").findall("a b")
    datetime.datetime.strptime("2026-01-02", "%Y-%m-%d").strftime("%A")
    zoneinfo.ZoneInfo("UTC")
    program._compiled("import asyncio\nasync def main():\n    return 1\nasyncio.run(main())\n")
    asyncio.Future


def _forget_files():
    """No path of where this was built stays where a script would meet it."""
    sys.path[:] = []
    sys.path_hooks[:] = []
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if finder is not importlib.machinery.PathFinder
    ] + [absent.Explain()]
    sys.argv[:] = []
    sys.orig_argv[:] = []
    sys.flags
    for name in ("executable", "_base_executable", "prefix", "exec_prefix", "base_prefix", "base_exec_prefix"):
        setattr(sys, name, "")
    sys.platlibdir = ""
    sys._framework = ""
    sys._stdlib_dir = None
    os.environ.clear()
    linecache.clearcache()
    linecache.updatecache = lambda filename, module_globals=None: []
    linecache.lazycache = lambda filename, module_globals: False
    for name, module in list(sys.modules.items()):
        for attribute in ("__file__", "__cached__", "__path__"):
            if attribute in vars(module) and attribute != "__path__":
                delattr(module, attribute)
        if "__path__" in vars(module):
            module.__path__ = []
        spec = getattr(module, "__spec__", None)
        if spec is not None and hasattr(spec, "origin"):
            spec.origin = None
            spec.cached = None
            if spec.submodule_search_locations is not None:
                spec.submodule_search_locations = []


def _forget_our_files():
    """Frames of the guest itself, which a script can look at, say whose they are and not where they were."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == __package__:
            for value in vars(module).values():
                for function in (value, *(vars(value).values() if isinstance(value, type) else ())):
                    function = getattr(function, "__func__", function)
                    if isinstance(function, types.FunctionType) and function.__module__ == name:
                        function.__code__ = _without_file(function.__code__)


def _forget_build():
    """What the interpreter was configured with names folders of the machine that it was built on."""
    import sysconfig

    recorded = [vars(module)["build_time_vars"] for name, module in sys.modules.items() if name.startswith("_sysconfigdata")]
    for values in (sysconfig.get_config_vars(), *recorded):
        for name, value in values.items():
            if isinstance(value, str) and "/" in value:
                values[name] = ""


def _without_file(code):
    constants = (_without_file(item) if isinstance(item, types.CodeType) else item for item in code.co_consts)
    return code.replace(co_filename=OURS, co_consts=tuple(constants))


def hide():
    """Takes away the modules that no script has a use for; before that, the image is still being made."""
    for name in _hidden:
        sys.modules.pop(name, None)


def _bound_recursion():
    set_limit = sys.setrecursionlimit

    def setrecursionlimit(limit, /):
        """Set the maximum depth of the Python interpreter stack."""
        set_limit(min(limit, DEEPEST))

    sys.setrecursionlimit = setrecursionlimit
