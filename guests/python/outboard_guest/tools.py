"""Namespaces, whose attributes are the tools; what they ask of the host; and how it fails."""

import asyncio
import builtins
import collections.abc
import dataclasses
import struct
import sys

from . import console, values
from .script import caller

CALL, SEARCH, DESCRIBE, RESULT, GIVE_UP, PAGE = range(6)
RESOURCES, RESOURCE, TEMPLATES, PROMPTS, PROMPT = range(6, 11)
REQUEST = 1

_head = struct.Struct("<BIBII").pack
_u32 = struct.Struct("<I").pack
_getframe = sys._getframe
_Future = asyncio.Future


class ToolError(Exception):
    """A call that failed: `tool`, `code`, `message`, and the `content` that the tool sent."""

    def __init__(self, message="", *, tool="", code="tool_error", content=()):
        super().__init__(message)
        self.message = message
        self.tool = tool
        self.code = code
        self.content = list(content)


ToolError.__module__ = "builtins"


class Desk:
    """What was asked and not answered yet."""

    def __init__(self):
        self.left = 0
        self.last = 0
        self.pending = {}
        self.out = []
        self.unsent = {}

    def take(self):
        out, self.out = self.out, []
        return out

    async def ask(self, token, kind, tool, name, body, place):
        """Asks the host and waits for its answer. `tool` is its namespace and its name, as `encoded`."""
        self.unsent.pop(token, None)
        if self.left <= 0:
            raise ToolError("the run has made too many calls", tool=name, code="limit")
        self.left -= 1
        request = self.last = self.last + 1
        self.out += (_head(REQUEST, request, kind, *place), tool, _u32(len(body)), body)
        future = _Future()
        self.pending[request] = (future, name, place)
        try:
            return await future
        except asyncio.CancelledError:
            if self.pending.pop(request, None) is not None:
                self.last += 1
                body = b"[%d]" % request
                self.out += (_head(REQUEST, self.last, GIVE_UP, 0, 0), NO_TOOL, _u32(len(body)), body)
            raise

    def asked(self, kind, tool, name, body):
        """The coroutine of a call. It is not asked before it is awaited or made a task."""
        place = caller(_getframe(2))
        token = object()
        self.unsent[token] = (name, place[0])
        return self.ask(token, kind, tool, name, body, place)

    def failed(self, name, place, failure):
        message, code, content = failure
        error = ToolError(message, tool=name, code=code, content=content)
        # A call that is a task of its own has no frame of the script.
        error._made_at_ = place
        return error

    def forgotten(self):
        """Tells of calls that were written and never sent."""
        unsent, self.unsent = self.unsent, {}
        for name, line in unsent.values():
            place = f" (line {line})" if line else ""
            console.say(console.WARN, f"{name}{place} was not awaited; it was not sent")


def encoded(namespace, tool):
    """Both names as the host reads them."""
    parts = (name.encode("utf-8", "outboard") for name in (namespace, tool))
    return b"".join(_u32(len(part)) + part for part in parts)


NO_TOOL = bytes(8)

desk = Desk()


class Tool:
    """An async function of a namespace."""

    __slots__ = ("__name__", "__qualname__", "encoded")

    def __init__(self, namespace, name):
        self.encoded = encoded(namespace, name)
        self.__name__ = name
        self.__qualname__ = f"{namespace}.{name}"

    def __call__(self, /, *args, **kwargs):
        if args:
            kwargs = self.joined(args, kwargs)
        body = values.arguments(kwargs) if kwargs else b"{}"
        return desk.asked(CALL, self.encoded, self.__qualname__, body)

    def joined(self, args, kwargs):
        first = args[0]
        if len(args) == 1 and (first is None or isinstance(first, collections.abc.Mapping)):
            return {**(first or {}), **kwargs}
        if len(args) == 1 and dataclasses.is_dataclass(first) and not isinstance(first, type):
            return {field.name: getattr(first, field.name) for field in dataclasses.fields(first)} | kwargs
        raise TypeError(
            f"{self.__qualname__} takes keyword arguments or one dict, "
            f"for example {self.__qualname__}(name=value)"
        )

    def __repr__(self):
        return f"<tool {self.__qualname__}>"


class Namespace:
    """The tools of one upstream: `ns.tool`, `ns["original-name"]`, `getattr(ns, name)`."""

    def __init__(self, name, tools):
        own = vars(self)
        own["__name__"] = name
        own["_tools_"] = tools

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        tool = vars(self)[name] = Tool(vars(self)["__name__"], name)
        return tool

    def __getitem__(self, name):
        if not isinstance(name, str):
            raise TypeError("the name of a tool is a text")
        return Tool(vars(self)["__name__"], name)

    def __setattr__(self, name, value):
        raise AttributeError(f"tools of {vars(self)['__name__']} cannot be replaced")

    def __dir__(self):
        return list(vars(self)["_tools_"])

    def __iter__(self):
        return iter(list(vars(self)["_tools_"]))

    def __contains__(self, name):
        return name in vars(self)["_tools_"]

    def __repr__(self):
        return f"<namespace {vars(self)['__name__']}>"


class Tools:
    """What the script can find out about tools."""

    def search(self, query="", /, *args, **options):
        return desk.asked(SEARCH, NO_TOOL, "tools.search", _list(query, args, options))

    def describe(self, name="", /, *args, **options):
        return desk.asked(DESCRIBE, NO_TOOL, "tools.describe", _list(name, args, options))

    async def pages(self, tool, /, *args, **kwargs):
        """Each page that a tool gives, one call for each, until the host says that none comes after it."""
        if not isinstance(tool, Tool):
            raise TypeError(
                "tools.pages takes a tool and its arguments, for example tools.pages(github.list_issues, repo=name)"
            )
        given = tool.joined(args, kwargs) if args else kwargs
        while True:
            body = values.arguments(given) if given else b"{}"
            page = await desk.asked(PAGE, tool.encoded, tool.__qualname__, body)
            yield page["value"]
            if page["next"] is None:
                return
            given = {**given, **page["next"]}


class Results:
    """Values that an earlier run of the session left."""

    def get(self, handle="", /, *args, **options):
        return desk.asked(RESULT, NO_TOOL, "results.get", _list(handle, args, options))


class Resources:
    """What upstreams have to read."""

    def list(self, namespace=None, /):
        return desk.asked(RESOURCES, NO_TOOL, "resources.list", _list(namespace, (), None))

    def read(self, uri="", /, *args, **options):
        return desk.asked(RESOURCE, NO_TOOL, "resources.read", _list(uri, args, options))

    def templates(self, namespace=None, /):
        return desk.asked(TEMPLATES, NO_TOOL, "resources.templates", _list(namespace, (), None))


class Prompts:
    """Prompts that upstreams have written."""

    def list(self, namespace=None, /):
        return desk.asked(PROMPTS, NO_TOOL, "prompts.list", _list(namespace, (), None))

    def get(self, name="", arguments=None, /, *args, **options):
        return desk.asked(PROMPT, NO_TOOL, "prompts.get", _list(name, (arguments, *args), options))


def _list(first, args, options):
    return values.arguments([first, *args, *([options] if options else [])])


def publish(namespaces):
    """Puts the namespaces where a script looks for names; its own names come first."""
    named = vars(builtins)
    for name, tools in namespaces:
        namespace = Namespace(name, tools)
        named[name] = namespace
        sys.modules.setdefault(name, namespace)


def install():
    builtins.ToolError = ToolError
    builtins.tools = Tools()
    builtins.results = Results()
    builtins.resources = Resources()
    builtins.prompts = Prompts()
