"""An exception that left the script, as the host is told of it: name, message, and the script's own frames."""

import struct

from .script import FILE, place, source
from .tools import ToolError

_u32 = struct.Struct("<I").pack

MOST_FRAMES = 32
LONGEST = 20_000


# What an exception is, whatever its class says of itself.
_name = type.__dict__["__name__"].__get__
_inner = BaseExceptionGroup.exceptions.__get__


def describe(error):
    """The parts of the record that tells of an exception. Whatever the script's own class does
    meanwhile, something is told."""
    try:
        return _described(_innermost(error))
    except MemoryError:
        raise
    except BaseException:  # noqa: BLE001  it is of the script's own making
        message = "what went wrong could not be told: the exception fails when it is looked at"
        return [_text(_name(type(error))), _text(message), b"\0", _text("")]


def _described(error):
    out = [_text(_name(type(error))), _text(_message(error)[:LONGEST])]
    if isinstance(error, ToolError):
        out += (b"\1", _text(_plain(error.tool)), _text(_plain(error.code)))
    else:
        out.append(b"\0")
    frames = "\n".join(f"    at {name} (script:{line}:{column})" for line, column, name in _frames(error))
    out.append(_text(frames))
    return out


def _text(text):
    data = text.encode("utf-8", "outboard")
    return _u32(len(data)) + data


def _plain(value):
    """Its text, as a plain one: a class of texts may have methods of its own."""
    return str.__str__(str(value))


def _innermost(error):
    """What a group holds, if that is one exception."""
    while isinstance(error, BaseExceptionGroup) and len(inner := _inner(error)) == 1:
        error = inner[0]
    return error


def _message(error):
    try:
        return _written(error)
    except MemoryError:
        raise
    except BaseException as failed:  # noqa: BLE001  it is the script's own method
        return f"(its message could not be made: {_name(type(failed))})"


def _written(error):
    if isinstance(error, SyntaxError):
        return _plain(error.msg or "invalid syntax")
    message = _plain(error)
    if isinstance(error, KeyError) and len(error.args) == 1:
        message = f"there is no key {message}"
    if isinstance(error, BaseExceptionGroup):
        inner = "; ".join(f"{_name(type(item))}: {_message(item)}" for item in map(_innermost, _inner(error)))
        message = f"{message}: {inner}"
    if isinstance(error, (TypeError, AttributeError)) and "'coroutine'" in message:
        message += "; a call of a tool or of an `async def` must be awaited"
    notes = getattr(error, "__notes__", None)
    if isinstance(notes, (list, tuple)):
        message += "".join(f"\n{_plain(note)}" for note in notes)
    return message


def _frames(error):
    """Innermost first: line, column, name of the function."""
    frames = []
    if isinstance(error, SyntaxError) and error.filename == FILE and type(error.lineno) is int:
        column = error.offset if type(error.offset) is int else 1
        return [(error.lineno, max(column, 1), "<eval>")]
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == FILE:
            name = "<eval>" if code.co_name == "<module>" else code.co_qualname.rpartition(".<locals>.")[2]
            frames.append((*place(code, traceback.tb_lasti), name))
        traceback = traceback.tb_next
    if not frames and isinstance(error.__cause__, StopIteration):
        # One that leaves a coroutine is replaced by a RuntimeError, which was never in the script.
        return _frames(error.__cause__)
    if not frames and type(made := getattr(error, "_made_at_", None)) is tuple and made[0]:
        frames.append((*made, "<eval>"))
    frames.reverse()
    if len(frames) > MOST_FRAMES:
        frames = frames[: MOST_FRAMES // 2] + frames[-MOST_FRAMES // 2 :]
    return frames
