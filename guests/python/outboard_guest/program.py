"""From the script's text to code, and its run. Everything is done to the syntax tree, so that places
stay the script's: top-level `await` and `return`, the value of the last expression, and waiting where
other programs would start a loop of their own."""

import ast
import asyncio
import builtins
import inspect
import linecache
import sys
import time
import types

from .script import FILE, Ended, source

VALUE, RETURN, WAIT = "<value>", "<return>", "<wait>"
WAITING = {"sleep", "run", "run_until_complete"}

_sleep = asyncio.sleep


def time_sleep(seconds, /):
    """Suspend execution for a given number of seconds."""
    raise RuntimeError(
        "time.sleep cannot wait inside a plain function here: make it `async def` and use `await asyncio.sleep(…)`"
    )


def asyncio_run(main, *, debug=None, loop_factory=None):
    """Execute the coroutine and return the result."""
    if asyncio.iscoroutine(main):
        main.close()
    raise RuntimeError(
        "asyncio.run cannot start a second loop inside a plain function: make it `async def` and `await` the coroutine"
    )


time_sleep.__name__ = time_sleep.__qualname__ = "sleep"
asyncio_run.__name__ = asyncio_run.__qualname__ = "run"


async def wait(function, /, *args, **kwargs):
    """A call of something named like what waits: waits if it is that, and calls it if it is not."""
    if function is time_sleep:
        seconds = args[0] if args else kwargs.get("seconds", 0)
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        return await _sleep(seconds)
    if function is asyncio_run or _is_loop_method(function):
        awaitable = args[0] if args else kwargs.get("main", kwargs.get("future"))
        if not inspect.isawaitable(awaitable):
            raise ValueError(f"a coroutine was expected, got {awaitable!r}")
        return await awaitable
    return function(*args, **kwargs)


def _is_loop_method(function):
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    return isinstance(owner, asyncio.BaseEventLoop) and name == "run_until_complete" or (
        isinstance(owner, asyncio.Runner) and name == "run"
    )


def _name_of(node):
    """The name by which a call calls."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


class _Scopes(ast.NodeTransformer):
    """Rewrites what waits or returns, where it may."""

    def __init__(self, blocking):
        self.blocking = blocking
        self.awaits = True
        self.module = True
        self.returns = False

    def _within(self, node, awaits):
        before = self.awaits, self.module
        self.awaits, self.module = awaits, False
        self.generic_visit(node)
        self.awaits, self.module = before
        return node

    def visit_FunctionDef(self, node):
        if node.name in self.blocking and self.module:
            node = ast.copy_location(ast.AsyncFunctionDef(**vars(node)), node)
            return self._within(node, True)
        return self._within(node, False)

    def visit_AsyncFunctionDef(self, node):
        return self._within(node, True)

    def visit_Lambda(self, node):
        return self._within(node, False)

    def visit_ClassDef(self, node):
        return self._within(node, False)

    def visit_GeneratorExp(self, node):
        return self._within(node, False)

    def visit_Await(self, node):
        if isinstance(node.value, ast.Call):
            self.generic_visit(node.value)
            return node
        return self.generic_visit(node)

    def visit_Call(self, node):
        self.generic_visit(node)
        if not self.awaits:
            return node
        if isinstance(node.func, ast.Name) and node.func.id in self.blocking:
            return ast.copy_location(ast.Await(node), node)
        if _name_of(node.func) in WAITING:
            function = ast.copy_location(ast.Name(WAIT, ast.Load()), node.func)
            call = ast.copy_location(ast.Call(function, [node.func, *node.args], node.keywords), node)
            return ast.copy_location(ast.Await(call), node)
        return node

    def visit_Return(self, node):
        self.generic_visit(node)
        if not self.module:
            return node
        self.returns = True
        ended = ast.Call(ast.Name(RETURN, ast.Load()), [node.value] if node.value else [], [])
        return ast.fix_missing_locations(ast.copy_location(ast.Raise(ended), node))

    def visit_Try(self, node):
        before, self.returns = self.returns, False
        self.generic_visit(node)
        if self.module and self.returns and node.handlers:
            again = ast.ExceptHandler(ast.Name(RETURN, ast.Load()), None, [ast.Raise()])
            node.handlers.insert(0, ast.fix_missing_locations(ast.copy_location(again, node.handlers[0])))
        self.returns |= before
        return node


def _blocking(tree):
    """Plain functions of the module that wait, by their names: they can be made async, because
    the script does nothing with them but call them where `await` may stand."""
    functions = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            functions[node.name] = None if node.name in functions else node
    functions = {name: node for name, node in functions.items() if node is not None}
    if not functions:
        return set()
    found = set()
    changed = True
    while changed:
        changed = False
        for name, node in functions.items():
            if name not in found and _waits(node, found):
                found.add(name)
                changed = True
    while found and (bad := {name for name in found if not _only_awaited(tree, name, found)}):
        found -= bad
    return found


def _waits(function, blocking):
    """Whether its own code calls something that waits; not a generator."""
    waits = False
    for node in _own(function):
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return False
        if isinstance(node, ast.Call):
            func = node.func
            if isinstance(func, ast.Name) and func.id in blocking:
                waits = True
            elif isinstance(func, ast.Attribute) and func.attr in WAITING:
                owner = _name_of(func.value)
                waits |= func.attr == "run_until_complete" or (owner, func.attr) in {
                    ("asyncio", "run"),
                    ("time", "sleep"),
                }
    return waits


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.GeneratorExp)


def _own(function):
    """The nodes of a function's body that run in it."""
    todo = list(function.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, _SCOPES):
            todo.extend(ast.iter_child_nodes(node))


def _only_awaited(tree, name, blocking):
    """Whether the name is only called, in places where `await` may stand."""
    uses = sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))
    bodies = [tree] + [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef)
        or (isinstance(node, ast.FunctionDef) and node in tree.body and node.name in blocking)
    ]
    calls = sum(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for body in bodies
        for node in _own(body)
    )
    return uses == calls


def _keep_value(body):
    """Keeps the value of the last expression."""
    if not body:
        return
    last = body[-1]
    if isinstance(last, ast.Expr):
        target = ast.copy_location(ast.Name(VALUE, ast.Store()), last)
        body[-1] = ast.copy_location(ast.Assign([target], last.value), last)
    elif isinstance(last, ast.If):
        _keep_value(last.body)
        _keep_value(last.orelse)
    elif isinstance(last, (ast.With, ast.AsyncWith)):
        _keep_value(last.body)
    elif isinstance(last, (ast.Try, ast.TryStar)):
        _keep_value(last.orelse or last.body)
        for handler in last.handlers:
            _keep_value(handler.body)
    elif isinstance(last, ast.Match):
        for case in last.cases:
            _keep_value(case.body)


def _uncalled_main(tree):
    """Whether the script defines `main` without parameters that must be given, and never names it again."""
    defined = False
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == "main":
            arguments = node.args
            positional = len(arguments.posonlyargs) + len(arguments.args)
            needed = positional > len(arguments.defaults) or None in arguments.kw_defaults
            defined = not needed
    return defined and not any(isinstance(node, ast.Name) and node.id == "main" for node in ast.walk(tree))


def _compiled(text):
    tree = ast.parse(text, FILE)
    calls_main = "main" in text and _uncalled_main(tree)
    # The nodes are looked at one by one only where that can matter: it takes long.
    rewritten = any(name in text for name in WAITING)
    if rewritten:
        tree = _rewritten(tree)
    _keep_value(tree.body)
    try:
        code = _code(tree)
    except SyntaxError:
        if rewritten:
            raise
        # Perhaps there is a `return` outside of functions. The text is not parsed anew, which would warn anew.
        code = _code(_rewritten(tree))
    return code, calls_main


def _rewritten(tree):
    return _Scopes(_blocking(tree)).visit(tree)


def _code(tree):
    return compile(tree, FILE, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)


async def main(text):
    """Runs the script and returns its value."""
    lines = text.splitlines(keepends=True)
    source.lines = text.split("\n")
    linecache.cache[FILE] = (len(text), None, lines, FILE)
    code, calls_main = _compiled(text)
    del text
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    names = vars(module)
    names.update({RETURN: Ended, WAIT: wait, "__file__": FILE, "__builtins__": builtins})
    try:
        running = types.FunctionType(code, names)()
        if code.co_flags & inspect.CO_COROUTINE:
            await running
    except Ended as ended:
        return await _settled(ended.value)
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise
        return await _settled(names.get("result"))
    value = await _settled(names.get(VALUE))
    if calls_main and callable(names.get("main")):
        returned = await _settled(names["main"]())
        if returned is not None:
            return returned
    if value is None:
        value = await _settled(names.get("result"))
    return value


async def _settled(value):
    """A script that ends with a coroutine means what comes of it."""
    while inspect.isawaitable(value):
        value = await value
    return value


def install():
    time.sleep = time_sleep
    asyncio.run = asyncio.runners.run = asyncio_run
