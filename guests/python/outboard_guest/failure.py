"""An exception that left the script, as the host is told of it: name, message, and the script's own frames."""

import struct

from .script import FILE, place, source
from .tools import ToolError

_u32 = struct.Struct("<I").pack

MOST_FRAMES = 32
LONGEST = 20_000


def describe(error):
    """The parts of the record that tells of an exception."""
    error = _innermost(error)
    tool = error if isinstance(error, ToolError) else None
    out = [_text(type(error).__name__), _text(_message(error)[:LONGEST])]
    if tool is None:
        out.append(b"\0")
    else:
        out += (b"\1", _text(str(tool.tool)), _text(str(tool.code)))
    frames = "\n".join(f"    at {name} (script:{line}:{column})" for line, column, name in _frames(error))
    out.append(_text(frames))
    return out


def _text(text):
    data = text.encode("utf-8", "outboard")
    return _u32(len(data)) + data


def _innermost(error):
    """What a group holds, if that is one exception."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _message(error):
    if isinstance(error, SyntaxError):
        return error.msg or "invalid syntax"
    try:
        message = str(error)
    except BaseException as failed:  # noqa: BLE001  it is the script's own method
        message = f"(its message could not be made: {type(failed).__name__})"
    if isinstance(error, KeyError) and len(error.args) == 1:
        message = f"there is no key {message}"
    if isinstance(error, BaseExceptionGroup):
        inner = "; ".join(f"{type(item).__name__}: {_message(item)}" for item in map(_innermost, error.exceptions))
        message = f"{message}: {inner}"
    if isinstance(error, (TypeError, AttributeError)) and "'coroutine'" in message:
        message += "; a call of a tool or of an `async def` must be awaited"
    for note in getattr(error, "__notes__", None) or ():
        message += f"\n{note}"
    return message


def _frames(error):
    """Innermost first: line, column, name of the function."""
    frames = []
    if isinstance(error, SyntaxError) and error.filename == FILE and error.lineno:
        return [(error.lineno, max(error.offset or 1, 1), "<eval>")]
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == FILE:
            name = "<eval>" if code.co_name == "<module>" else code.co_qualname.rpartition(".<locals>.")[2]
            frames.append((*place(code, traceback.tb_lasti), name))
        traceback = traceback.tb_next
    frames.reverse()
    if len(frames) > MOST_FRAMES:
        frames = frames[: MOST_FRAMES // 2] + frames[-MOST_FRAMES // 2 :]
    return frames
