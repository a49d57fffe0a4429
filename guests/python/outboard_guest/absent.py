"""What is not there explains itself: it says what to use instead."""

import builtins
import concurrent.futures
import importlib.abc
import importlib.machinery
import io
import os
import posix
import sys
import threading

NETWORK = "there is no network here: call the tools instead, `await namespace.tool(name=value)`"
FILES = "there are no files here: keep data in variables (io.StringIO and io.BytesIO work) and return what matters"
PROCESSES = "no other program can be started here: call the tools instead, `await namespace.tool(name=value)`"
THREADS = "there are no threads here: use `await asyncio.gather(…)` to wait for many things at once"
DATA = "only the standard library is here: use statistics, collections, itertools and plain loops"
PACKAGES = "only the standard library and the tools are here; nothing can be installed"
NOBODY = "nobody can be asked here: take what the script needs from the tools, or return the question"
FOREIGN = "native code cannot be loaded here; only the standard library is here"

_MODULES = {
    NETWORK: "requests httpx aiohttp urllib3 httplib2 websocket websockets urllib.request urllib.error http.client "
    "http.server ftplib smtplib imaplib poplib telnetlib xmlrpc socketserver ssl _socket _ssl paramiko boto3 "
    "grpc mcp fastmcp openai anthropic selenium playwright",
    PROCESSES: "_posixsubprocess pty fcntl resource pexpect sh",
    THREADS: "multiprocessing _multiprocessing joblib gevent trio anyio",
    DATA: "numpy pandas polars scipy sklearn matplotlib pyarrow",
    FOREIGN: "ctypes _ctypes cffi",
}
_WHY = {name: why for why, names in _MODULES.items() for name in names.split()}


class Explain(importlib.abc.MetaPathFinder):
    """Comes last: nothing else has found the module."""

    def find_spec(self, fullname, path=None, target=None):
        why = _WHY.get(fullname) or _WHY.get(fullname.partition(".")[0]) or PACKAGES
        raise ModuleNotFoundError(f"no module named '{fullname}': {why}", name=fullname)


def _refusal(why, name, error):
    def refused(*args, **kwargs):
        raise error(why)

    refused.__name__ = refused.__qualname__ = name
    return refused


def _refuse(owner, names, why, error):
    for name in names.split():
        if hasattr(owner, name):
            setattr(owner, name, _refusal(why, name, error))


class InlineExecutor(concurrent.futures.Executor):
    """An executor for one thread: what is submitted runs at once."""

    def __init__(self, max_workers=None, *args, **kwargs):
        self.closed = False

    def submit(self, fn, /, *args, **kwargs):
        if self.closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = concurrent.futures.Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  it belongs to whoever takes the result
            future.set_exception(error)
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.closed = True


def install():
    refuse_open = _refusal(FILES, "open", PermissionError)
    builtins.open = io.open = refuse_open
    _refuse(io, "open_code FileIO", FILES, PermissionError)
    _refuse(
        os,
        "open listdir scandir mkdir makedirs remove unlink rmdir rename replace chdir walk truncate link symlink "
        "readlink utime",
        FILES,
        PermissionError,
    )
    _refuse(os, "system popen fork execv execve posix_spawn spawnv kill", PROCESSES, PermissionError)
    if not hasattr(os, "system"):
        os.system = _refusal(PROCESSES, "system", PermissionError)
    if not hasattr(os, "popen"):
        os.popen = _refusal(PROCESSES, "popen", PermissionError)
    os._exit = os.abort = posix._exit = posix.abort = sys.exit
    builtins.input = _refusal(NOBODY, "input", RuntimeError)
    builtins.breakpoint = _refusal(NOBODY, "breakpoint", RuntimeError)
    threading.Thread.start = _refusal(THREADS, "start", RuntimeError)
    concurrent.futures.ThreadPoolExecutor = concurrent.futures.thread.ThreadPoolExecutor = InlineExecutor
    for name, names in (
        ("subprocess", "Popen run call check_call check_output getoutput getstatusoutput"),
        ("socket", "socket create_connection create_server getaddrinfo gethostbyname socketpair"),
    ):
        if module := sys.modules.get(name):
            _refuse(module, names, PROCESSES if name == "subprocess" else NETWORK, PermissionError)
    import asyncio

    _refuse(asyncio, "open_connection start_server open_unix_connection", NETWORK, PermissionError)
    _refuse(asyncio, "create_subprocess_exec create_subprocess_shell", PROCESSES, PermissionError)
