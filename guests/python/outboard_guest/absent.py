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
SCREEN = "there is no terminal and no window here: print text, or return it"
COMPRESSION = "of the compressions only zlib, gzip and zipfile (deflated, stored) are here"
MARKUP = "use html.parser for HTML and xml.etree.ElementTree for XML"
DATES = "use datetime and zoneinfo, which are here with all time zones"
CHECKS = "use dataclasses, and check by hand what must be checked"
FORMATS = "use json, tomllib or csv; a tool may give the same data as JSON"
DATABASES = "keep data in dicts or in sqlite3.connect(':memory:')"

_MODULES = {
    NETWORK: "requests httpx aiohttp urllib3 httplib2 websocket websockets urllib.request urllib.error http.client "
    "http.server ftplib smtplib imaplib poplib telnetlib xmlrpc socketserver ssl _socket _ssl paramiko boto3 "
    "grpc mcp fastmcp openai anthropic selenium playwright",
    PROCESSES: "_posixsubprocess pty fcntl resource pexpect sh",
    THREADS: "multiprocessing _multiprocessing joblib gevent trio anyio",
    DATA: "numpy pandas polars scipy sklearn matplotlib pyarrow",
    FOREIGN: "ctypes _ctypes cffi",
    SCREEN: "tkinter _tkinter turtle curses _curses readline termios tty rich tqdm colorama click typer",
    COMPRESSION: "bz2 _bz2 lzma _lzma compression.bz2 compression.lzma compression.zstd _zstd zstandard brotli lz4",
    MARKUP: "bs4 lxml html5lib",
    DATES: "dateutil pytz arrow pendulum",
    CHECKS: "pydantic attr attrs marshmallow jsonschema",
    FORMATS: "yaml toml ruamel openpyxl xlrd",
    DATABASES: "dbm _dbm _gdbm shelve psycopg psycopg2 pymysql sqlalchemy redis pymongo",
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


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    """Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function."""
    import hashlib
    import hmac

    size = hashlib.new(hash_name).digest_size
    wanted = size if dklen is None else dklen
    if wanted < 1 or iterations < 1:
        raise ValueError("iteration value and key length must be greater than 0.")
    keyed = hmac.new(bytes(password), digestmod=hash_name)

    def code(message):
        one = keyed.copy()
        one.update(message)
        return one.digest()

    key = b""
    for block in range(1, -(-wanted // size) + 1):
        last = code(bytes(salt) + block.to_bytes(4))
        mixed = int.from_bytes(last)
        for _ in range(iterations - 1):
            last = code(last)
            mixed ^= int.from_bytes(last)
        key += mixed.to_bytes(size)
    return key[:wanted]


def _connect_in_memory(connect):
    def connect_in_memory(database, *args, **kwargs):
        if database not in (":memory:", "") and "mode=memory" not in str(database):
            raise PermissionError("there are no files here: use sqlite3.connect(':memory:')")
        return connect(database, *args, **kwargs)

    connect_in_memory.__name__ = connect_in_memory.__qualname__ = "connect"
    return connect_in_memory


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
    import hashlib
    import http.client
    import sqlite3
    import tempfile
    import urllib.request

    tempfile._get_default_tempdir = _refusal(FILES, "tempdir", PermissionError)
    urllib.request.OpenerDirector.open = _refusal(NETWORK, "open", PermissionError)
    # Both are there only with TLS, without which a script would read of names that are missing.
    http.client.HTTPSConnection = _refusal(NETWORK, "HTTPSConnection", PermissionError)
    urllib.request.HTTPSHandler = type("HTTPSHandler", (urllib.request.BaseHandler,), {})
    sqlite3.connect = sqlite3.dbapi2.connect = _connect_in_memory(sqlite3.connect)
    if not hasattr(hashlib, "pbkdf2_hmac"):
        hashlib.pbkdf2_hmac = pbkdf2_hmac
    if not hasattr(hashlib, "scrypt"):
        hashlib.scrypt = _refusal("hashlib.scrypt is not here: hashlib.pbkdf2_hmac is", "scrypt", NotImplementedError)
    _refuse(asyncio, "open_connection start_server open_unix_connection", NETWORK, PermissionError)
    _refuse(asyncio, "create_subprocess_exec create_subprocess_shell", PROCESSES, PermissionError)
