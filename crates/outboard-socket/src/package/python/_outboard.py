"""Calls tools through Outboard, over its socket. Written by `outboard generate`; it needs Python and nothing else.

OUTBOARD_SOCKET names another socket than the one in _outboard.json.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import stat
import struct
import subprocess
import sys
import threading
import weakref
from typing import Any, Iterable, NoReturn

_VERSION = 1
#: Longest frame that Outboard takes, in bytes.
_LONGEST = 32 << 20
#: Calls under way on one connection; further ones wait for their turn here.
_MOST_CALLS = 4096
#: Tries to reach an Outboard that is ending just then.
_TRIES = 3
#: Connections that threads share; a thread beyond that waits for one.
_MOST = 32


class ToolError(Exception):
    """A call that failed: `tool`, `code`, `message`, and the `content` that the tool sent.

    The code is `tool_error`, `unknown_tool`, `invalid_arguments`, `denied`, `limit`, `unrecorded`, `upstream_refused`,
    `upstream_error`, `upstream_unavailable`, `upstream_lost`, `timeout` or `interrupted`.
    """

    def __init__(
        self, message: str = "", *, tool: str = "", code: str = "tool_error", content: Iterable[Any] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.tool = tool
        self.code = code
        self.content = list(content)


class _Absent(Exception):
    """Nothing serves the socket, or whoever served it left before it said anything: nothing was called."""


class _Place:
    """Where the socket is, and what sees to it that it is served."""

    def __init__(self, name: str) -> None:
        self.start: list[str] = []
        self.environment: dict[str, str] = {}
        self.socket = os.environ.get("OUTBOARD_SOCKET") or ""
        #: Whoever set the variable vouches for what serves it.
        self.vouched = bool(self.socket)
        if self.vouched:
            return
        if os.environ.get("OUTBOARD_INSIDE"):
            _unavailable(name, "this program was started by an Outboard, whose calls would come back to it")
        try:
            with open(os.path.join(os.path.dirname(__file__), "_outboard.json"), encoding="utf-8") as file:
                place = json.load(file)
            self.socket, self.start, self.environment = place["socket"] or "", place["start"], place["environment"]
        except (OSError, ValueError, KeyError) as error:
            _unavailable(name, "_outboard.json cannot be read; run `outboard generate` again", error)
        if not self.socket:
            _unavailable(name, "set OUTBOARD_SOCKET to the socket of an Outboard")
        folder = os.path.dirname(self.socket)
        try:
            facts = os.lstat(folder)
        except OSError:
            return  # It is made when Outboard starts.
        if not stat.S_ISDIR(facts.st_mode):
            _unavailable(name, f"{folder} is no folder")
        if facts.st_uid != os.geteuid():
            _unavailable(name, f"{folder} belongs to another user")
        if facts.st_mode & 0o077:
            _unavailable(name, f"others can open {folder}; make it yours alone (chmod 700)")

    def check(self, connection: socket.socket, name: str) -> None:
        """Looks who serves the socket, where the system says it."""
        asked = getattr(socket, "SO_PEERCRED", None)
        if self.vouched or asked is None:
            return
        _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, asked, struct.calcsize("3i")))
        if user != os.geteuid():
            _unavailable(name, f"{self.socket} is served by another user")

    def served(self) -> bool:
        with socket.socket(socket.AF_UNIX) as tried:
            return tried.connect_ex(self.socket) == 0

    def serve(self, name: str) -> None:
        """Sees to it that the socket is served. Of many that need it one starts Outboard."""
        if not self.start:
            _unavailable(name, f"nothing serves {self.socket}")
        if self.served():
            return
        try:
            done = subprocess.run(
                self.start,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                check=False,
            )
        except OSError as error:
            _unavailable(name, f"{self.start[0]} cannot be started", error)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip()[-4000:]
            _unavailable(name, said or f"{self.start[0]} failed")


def _unavailable(name: str, why: str, cause: BaseException | None = None) -> NoReturn:
    error = ToolError(f"not sent: Outboard cannot be reached: {why}", tool=name, code="upstream_unavailable")
    raise error from cause


def _frame(message: dict[str, Any]) -> bytes:
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    return struct.pack(">I", len(body)) + body


_HELLO = _frame({"hello": {"version": _VERSION}})


def _asked(number: int, namespace: str, tool: str, arguments: dict[str, Any]) -> bytes:
    frame = _frame({"call": {"id": number, "namespace": namespace, "tool": tool, "arguments": arguments}})
    if len(frame) - 4 > _LONGEST:
        text = f"not sent: the call has {len(frame) - 4} bytes as JSON; up to {_LONGEST} are taken"
        raise ToolError(text, tool=f"{namespace}.{tool}", code="invalid_arguments")
    return frame


def _whole(digits: str) -> int | float:
    """A number without a point. One of thousands of digits, which `int` refuses, is infinite."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


_ANSWERED = re.compile(rb'\{"(?:value|failed)":\{"id":([0-9]{1,20})[,}]')


def _understood(body: bytes) -> dict[str, Any]:
    """What Outboard says. An answer that cannot be read is the failure of its call."""
    try:
        return json.loads(body, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        answered = _ANSWERED.match(body)
        if answered is None:
            raise
        text = f"the answer cannot be read: {error}. The call was made: check what it did before you make it again"
        return {"failed": {"id": int(answered[1]), "code": "upstream_error", "message": text, "tool": "", "content": []}}


def _given(name: str, positional: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call: keywords, or one mapping, or both."""
    if len(positional) > 1:
        raise TypeError(f"{name} takes keyword arguments, or one dict, and got {len(positional)} values")
    for given in positional:
        keywords = {**dict(given), **keywords}
    return keywords


def _refused(name: str, message: dict[str, Any], welcomed: bool) -> ToolError:
    """Outboard hung up. Only before it said welcome is it sure that nothing was called."""
    text = f"Outboard refused the program: {message['message']}"
    if welcomed:
        text += "; check what the call did before you make it again"
    return ToolError(text, tool=name, code="interrupted" if welcomed else "upstream_unavailable")


def _failed(name: str, message: dict[str, Any]) -> ToolError:
    tool = message["tool"] or name
    return ToolError(message["message"], tool=tool, code=message["code"], content=message["content"])


def _lost(name: str) -> ToolError:
    text = "Outboard ended during the call: check what it did before you make it again"
    return ToolError(text, tool=name, code="interrupted")


def _tell_waiting(name: str, question: str) -> None:
    print(f"outboard: {name} waits for a person: outboard approve {question}", file=sys.stderr, flush=True)


class _Connection:
    """A connection that makes one call at a time."""

    def __init__(self, place: _Place, name: str) -> None:
        self.last = 0
        self.welcomed = False
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(place.socket)
            place.check(self.socket, name)
            self.socket.sendall(_HELLO)
        except OSError as error:
            self.socket.close()
            raise _Absent(str(error)) from error
        except ToolError:
            self.socket.close()
            raise
        self.input = self.socket.makefile("rb", 1 << 16)

    def close(self) -> None:
        self.input.close()
        self.socket.close()

    def lives(self) -> bool:
        try:
            return self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def call(self, name: str, namespace: str, tool: str, arguments: dict[str, Any]) -> Any:
        self.last += 1
        frame = _asked(self.last, namespace, tool, arguments)
        try:
            self.socket.sendall(frame)
        except OSError as error:
            # It may have been refused, and say so.
            failed: OSError | None = error
        else:
            failed = None
        while True:
            message = self.read(name, failed)
            if "value" in message:
                return message["value"]["value"]
            if "failed" in message:
                raise _failed(name, message["failed"])
            if "waiting" in message:
                _tell_waiting(name, message["waiting"]["question"])
            elif "refused" in message:
                self.close()
                raise _refused(name, message["refused"], self.welcomed)
            else:
                self.welcomed = True

    def read(self, name: str, cause: OSError | None) -> dict[str, Any]:
        try:
            head = self.input.read(4)
            body = self.input.read(struct.unpack(">I", head)[0]) if len(head) == 4 else b""
        except OSError as error:
            head, body, cause = b"", b"", error
        if body and len(body) == struct.unpack(">I", head)[0]:
            return _understood(body)
        if self.welcomed:
            raise _lost(name) from cause
        raise _Absent("the connection ended") from cause


class _Pool:
    """Connections that are free. Each call takes one, so that a call needs no other thread."""

    def __init__(self) -> None:
        self.free: list[_Connection] = []
        self.places = threading.BoundedSemaphore(_MOST)
        self.starting = threading.Lock()

    def call(self, namespace: str, tool: str, arguments: dict[str, Any]) -> Any:
        name = f"{namespace}.{tool}"
        for tries in range(_TRIES + 1):
            place = None
            try:
                with self.places:
                    connection = self.taken()
                    if connection is None:
                        place = _Place(name)
                        connection = _Connection(place, name)
                    return self.through(connection, name, namespace, tool, arguments)
            except _Absent as error:
                place = place or _Place(name)
                if tries == _TRIES:
                    _unavailable(name, f"nothing serves {place.socket}", error)
            with self.starting:
                place.serve(name)
        raise AssertionError("the last try returns or raises")

    def taken(self) -> _Connection | None:
        """A free connection at whose other end there is somebody."""
        while True:
            try:
                connection = self.free.pop()
            except IndexError:
                return None
            if connection.lives():
                return connection
            connection.close()

    def through(
        self, connection: _Connection, name: str, namespace: str, tool: str, arguments: dict[str, Any]
    ) -> Any:
        try:
            value = connection.call(name, namespace, tool, arguments)
        except ToolError as error:
            if error.code == "interrupted" or connection.input.closed:
                connection.close()
            else:
                self.free.append(connection)
            raise
        except BaseException:
            # Whoever gave up must not read the answer later: the call is given up with its connection.
            connection.close()
            raise
        self.free.append(connection)
        return value


_pool = _Pool()


def _forget() -> None:
    """A child that was forked must not use its parent's connections."""
    global _pool
    for connection in _pool.free:
        connection.close()
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def call(namespace: str, tool: str, positional: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Calls a tool and waits for its value."""
    return _pool.call(namespace, tool, _given(f"{namespace}.{tool}", positional, keywords))


class _Shared(asyncio.Protocol):
    """A connection that makes all calls of one event loop."""

    def __init__(self) -> None:
        self.last = 0
        self.welcomed = False
        self.buffer = bytearray()
        self.waiting: dict[int, tuple[str, asyncio.Future[Any]]] = {}
        self.transport: asyncio.Transport | None = None
        self.ended = False
        self.holder: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(_HELLO)
        self.holder = asyncio.get_running_loop().create_task(self.hold(transport))

    async def hold(self, transport: asyncio.Transport) -> None:
        """Closes the connection when its loop ends: that cancels this task."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            transport.close()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        start = 0
        while len(self.buffer) - start >= 4:
            end = start + 4 + struct.unpack_from(">I", self.buffer, start)[0]
            if len(self.buffer) < end:
                break
            body = bytes(self.buffer[start + 4 : end])
            start = end
            self.take(_understood(body))
        del self.buffer[:start]

    def take(self, message: dict[str, Any]) -> None:
        if "value" in message:
            self.settle(message["value"]["id"], message["value"]["value"], None)
        elif "failed" in message:
            number = message["failed"]["id"]
            name, _ = self.waiting.get(number, ("", None))
            self.settle(number, None, _failed(name, message["failed"]))
        elif "waiting" in message:
            name, _ = self.waiting.get(message["waiting"]["id"], ("", None))
            if name:
                _tell_waiting(name, message["waiting"]["question"])
        elif "refused" in message:
            for number, (name, _) in list(self.waiting.items()):
                self.settle(number, None, _refused(name, message["refused"], self.welcomed))
            self.close()
        else:
            self.welcomed = True

    def settle(self, number: int, value: Any, error: BaseException | None) -> None:
        _, future = self.waiting.pop(number, ("", None))
        if future is None or future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.close()
        for number, (name, _) in list(self.waiting.items()):
            error = _lost(name) if self.welcomed else _Absent("the connection ended")
            error.__cause__ = exc
            self.settle(number, None, error)

    def close(self) -> None:
        self.ended = True
        if self.holder is not None:
            self.holder.cancel()
        if self.transport is not None:
            self.transport.close()

    async def call(self, name: str, namespace: str, tool: str, arguments: dict[str, Any]) -> Any:
        assert self.transport is not None
        self.last += 1
        number = self.last
        frame = _asked(number, namespace, tool, arguments)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.waiting[number] = (name, future)
        self.transport.write(frame)
        try:
            return await future
        except asyncio.CancelledError:
            if self.waiting.pop(number, None) is not None and not self.ended:
                self.transport.write(_frame({"cancel": {"id": number}}))
            raise


class _Loop:
    """What the calls of one event loop share."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.turns = asyncio.Semaphore(_MOST_CALLS)
        self.shared: _Shared | None = None

    async def connected(self, name: str) -> _Shared:
        if self.shared is not None and not self.shared.ended:
            return self.shared
        async with self.lock:
            if self.shared is None or self.shared.ended:
                place = _Place(name)
                made = socket.socket(socket.AF_UNIX)
                try:
                    made.setblocking(False)
                    await asyncio.get_running_loop().sock_connect(made, place.socket)
                    place.check(made, name)
                    _, self.shared = await asyncio.get_running_loop().create_unix_connection(_Shared, sock=made)
                except OSError as error:
                    made.close()
                    raise _Absent(str(error)) from error
                except BaseException:
                    made.close()
                    raise
            return self.shared

    async def serve(self, place: _Place, name: str) -> None:
        async with self.lock:
            if self.shared is None or self.shared.ended:
                await asyncio.get_running_loop().run_in_executor(None, place.serve, name)


_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = weakref.WeakKeyDictionary()


async def call_async(namespace: str, tool: str, positional: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Calls a tool and waits for its value, as a coroutine."""
    name = f"{namespace}.{tool}"
    arguments = _given(name, positional, keywords)
    running = asyncio.get_running_loop()
    loop = _loops.get(running)
    if loop is None:
        loop = _loops[running] = _Loop()
    for tries in range(_TRIES + 1):
        try:
            async with loop.turns:
                shared = await loop.connected(name)
                return await shared.call(name, namespace, tool, arguments)
        except _Absent as error:
            place = _Place(name)
            if tries == _TRIES or not place.start:
                _unavailable(name, f"nothing serves {place.socket}", error)
        await loop.serve(place, name)
    raise AssertionError("the last try returns or raises")
