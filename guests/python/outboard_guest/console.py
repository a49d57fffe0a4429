"""The script's console: what it prints, logs and warns of, each with its level."""

import io
import logging
import sys
import traceback
import warnings

import wit_world

from .script import FILE, OURS

LOG, INFO, WARN, ERROR, DEBUG = range(5)

# What of the budget a line takes at least: short lines must come to an end too.
SHORTEST = 8

_say = wit_world.say


class Budget:
    """Bytes that the console still takes."""

    left = 0
    dropped = 0

    def take_dropped(self):
        dropped, self.dropped = self.dropped, 0
        return dropped


budget = Budget()


def say(level, text):
    """Writes one entry, as much of it as fits."""
    left = budget.left
    if left <= 0:
        budget.dropped += len(text) or 1
        return
    data = text.encode("utf-8", "outboard")
    if len(data) > left:
        kept = data[:left].decode("utf-8", "ignore").encode()
        budget.dropped += len(data) - len(kept)
        budget.left = 0
        data = kept
    else:
        budget.left = max(left - max(len(data), SHORTEST), 0)
    # An empty list has no address that the other side could be given.
    _say(level, data or b"\n")


class Stream(io.TextIOBase):
    """Standard output or standard error: whole lines go out."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, name, level):
        self.name = name
        self.level = level
        self.parts = []

    def writable(self):
        return True

    def write(self, text):
        if type(text) is not str:
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if budget.left <= 0:
            budget.dropped += len(text)
            return len(text)
        end = text.rfind("\n")
        if end < 0:
            self.parts.append(text)
        else:
            self.parts.append(text[:end])
            whole = "".join(self.parts)
            self.parts = [text[end + 1 :]] if end + 1 < len(text) else []
            say(self.level, whole)
        return len(text)

    def finish(self):
        if rest := "".join(self.parts):
            self.parts = []
            say(self.level, rest)

    def isatty(self):
        return False


class Empty(io.TextIOBase):
    """Standard input."""

    encoding = "utf-8"

    def readable(self):
        return True

    def read(self, size=-1):
        return ""

    def readline(self, size=-1):
        return ""


stdout = Stream("<stdout>", LOG)
stderr = Stream("<stderr>", ERROR)


def flush():
    if stdout.parts:
        stdout.finish()
    if stderr.parts:
        stderr.finish()


def _level(record):
    for at_least, level in ((logging.ERROR, ERROR), (logging.WARNING, WARN), (logging.INFO, INFO)):
        if record.levelno >= at_least:
            return level
    return DEBUG


_emit = logging.StreamHandler.emit


def _emit_with_level(self, record):
    if self.stream not in (stdout, stderr):
        return _emit(self, record)
    try:
        say(_level(record), self.format(record))
    except RecursionError:
        raise
    except Exception:  # noqa: BLE001  as logging does: a bad record is told of, not raised
        self.handleError(record)


def _show_warning(message, category, filename, lineno, file=None, line=None):
    place = f" (line {lineno})" if filename == FILE else ""
    say(WARN, f"{category.__name__}: {message}{place}")


def _warn_unawaited(coroutine):
    """What was not awaited and is gone. Calls of tools are told of at the end, with their line."""
    code = coroutine.cr_code
    if (code.co_qualname, code.co_filename) != ("Desk.ask", OURS):
        say(WARN, f"{coroutine.__qualname__}() was not awaited; it did not run")


def _unraisable(unraisable):
    error = unraisable.exc_value
    say(ERROR, f"ignored {type(error).__name__}: {error}")


def _replace(error):
    return "\ufffd".encode() * (error.end - error.start), error.end


def install():
    import codecs

    codecs.register_error("outboard", _replace)
    sys.stdout = sys.__stdout__ = stdout
    sys.stderr = sys.__stderr__ = stderr
    sys.stdin = sys.__stdin__ = Empty()
    sys.unraisablehook = _unraisable
    logging.StreamHandler.emit = _emit_with_level
    logging.lastResort = logging.StreamHandler(stderr)
    logging.lastResort.setLevel(logging.WARNING)
    warnings.showwarning = _show_warning
    warnings._warn_unawaited_coroutine = _warn_unawaited
    _prune_tracebacks()


def _prune_tracebacks():
    """Printed tracebacks show the script's own frames: the others name files that nobody has."""
    extract = traceback.StackSummary._extract_from_extended_frame_gen.__func__

    def _extract_from_extended_frame_gen(klass, frame_gen, **options):
        own = (item for item in frame_gen if item[0].f_code.co_filename == FILE)
        return extract(klass, own, **options)

    traceback.StackSummary._extract_from_extended_frame_gen = classmethod(_extract_from_extended_frame_gen)
