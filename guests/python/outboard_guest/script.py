"""What the other modules share about the script: its name, its text, and its frames."""

import itertools

FILE = "script.py"

# What stands in frames for the files of the guest itself.
OURS = "<outboard>"


class Ended(BaseException):
    """Raised by a `return` outside of functions."""

    def __init__(self, value=None):
        self.value = value


class Source:
    """The script's lines, for columns in characters."""

    lines = ()

    def column(self, line, offset):
        """The 1-based column in characters of a 0-based offset in UTF-8."""
        if offset is None or not 0 < line <= len(self.lines):
            return 1
        text = self.lines[line - 1]
        if text.isascii():
            return offset + 1
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore")) + 1


source = Source()
_places = {}
_kept = []


def place(code, lasti):
    """Line and column of an instruction."""
    # Of code that is kept here, so that its identity stays its own: to compare code takes long.
    key = (id(code), lasti)
    found = _places.get(key)
    if found is None:
        _kept.append(code)
        position = next(itertools.islice(code.co_positions(), max(lasti, 0) // 2, None), (None,) * 4)
        line = position[0] or code.co_firstlineno
        found = _places[key] = (line, source.column(line, position[2]))
    return found


def caller(frame):
    """The nearest place in the script from `frame` outwards; zeroes if there is none."""
    while frame is not None:
        if frame.f_code.co_filename == FILE:
            return place(frame.f_code, frame.f_lasti)
        frame = frame.f_back
    return (0, 0)


def forget():
    """Forgets the script that was."""
    source.lines = ()
    _places.clear()
    _kept.clear()
