"""Values as JSON. Arguments must be what they claim to be; the script's value is told as well as it can
be, because what ran before it is not undone by an error."""

import base64
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import fractions
import inspect
import json
import math

DEEPEST = 100


class TooLong(Exception):
    """The value exceeds its limit."""


def _special(value):
    """What stands for a value in both directions; `NotImplemented` if nothing does."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, fractions.Fraction):
        return value.numerator if value.denominator == 1 else float(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return _ordered(value)
    if isinstance(value, collections.abc.Mapping):
        return dict(value)
    if type(value).__name__ in _AS_TEXT and type(value).__module__.partition(".")[0] in _AS_TEXT_OF:
        return str(value)
    if isinstance(value, (collections.abc.Sequence, collections.abc.Iterator, collections.abc.MappingView)):
        if not isinstance(value, (bytes, bytearray, memoryview)):
            return list(value)
    return NotImplemented


_AS_TEXT = {"UUID", "PurePosixPath", "PosixPath", "PurePath", "ZoneInfo", "IPv4Address", "IPv6Address"}
_AS_TEXT_OF = {"uuid", "pathlib", "zoneinfo", "ipaddress"}


def _decimal(value):
    """A number where a number says it exactly, else its text."""
    if not value.is_finite():
        return None
    if value == value.to_integral_value() and value.adjusted() < 30:
        return int(value)
    number = float(value)
    return number if decimal.Decimal(repr(number)) == value else str(value)


def _ordered(value):
    try:
        return sorted(value)
    except TypeError:
        return list(value)


def _argument(value):
    """For arguments: what has no clear form is refused."""
    special = _special(value)
    if special is not NotImplemented:
        return special
    if inspect.isawaitable(value):
        raise TypeError(f"there is {_kind(value)} among the arguments: await it first")
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError("bytes are not JSON: use .decode() for text or base64.b64encode(…).decode() for data")
    raise TypeError(f"{_kind(value)} is not JSON: pass dicts, lists, texts and numbers")


def _value(value):
    """For the script's value: what has no clear form becomes text."""
    special = _special(value)
    if special is not NotImplemented:
        return special
    if inspect.isawaitable(value):
        raise TypeError(f"there is {_kind(value)} in the script's value: await it first")
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return base64.b64encode(data).decode()
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    # Of its class: a namespace has a tool of every name.
    if callable(getattr(type(value), "model_dump", None)):
        return value.model_dump()
    return repr(value)


def _kind(value):
    name = type(value).__name__
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"


def _encoder(default):
    return json.encoder.c_make_encoder(
        None, default, json.encoder.encode_basestring, None, ":", ",", False, False, False
    )


_encode_argument = _encoder(_argument)
_encode_value = _encoder(_value)


def _plain(value, special, depth, inside):
    """The slow way: keys that are no texts, numbers that JSON does not have, values that contain themselves."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if id(value) in inside:
        if special is _value:
            return "[circular]"
        raise ValueError("Circular reference detected")
    if depth > DEEPEST:
        raise RecursionError
    inside = inside | {id(value)}
    if isinstance(value, dict):
        return {_key(key): _plain(item, special, depth + 1, inside) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, special, depth + 1, inside) for item in value]
    return _plain(special(value), special, depth + 1, inside)


def _key(key):
    if isinstance(key, str) or key is None or isinstance(key, (bool, int)):
        return key
    if isinstance(key, float):
        return repr(key)
    if isinstance(key, enum.Enum):
        return _key(key.value)
    special = _special(key)
    return special if isinstance(special, str) else str(key)


def _text(value, encode, special, what):
    try:
        try:
            return "".join(encode(value, 0))
        except (TypeError, ValueError, RecursionError):
            return "".join(encode(_plain(value, special, 0, frozenset()), 0))
    except RecursionError:
        raise TypeError(f"{what} nested too deeply") from None
    except ValueError as error:
        if "Circular" in str(error):
            raise TypeError(f"{what} contained in themselves") from None
        raise


_scan = json.JSONDecoder().scan_once


def decoded(text):
    """What `json.loads` makes of a text that is known to be JSON."""
    try:
        return _scan(text, 0)[0]
    except StopIteration:
        # There are blanks before it.
        return json.loads(text)


def arguments(value):
    """The arguments of a call, in UTF-8."""
    return _text(value, _encode_argument, _argument, "the arguments are").encode("utf-8", "outboard")


def encode(value, limit):
    """The script's value, in UTF-8."""
    if isinstance(value, (str, list, dict)) and len(value) > limit:
        raise TooLong
    text = _text(value, _encode_value, _value, "parts of the script's value are").encode("utf-8", "outboard")
    if len(text) > limit:
        raise TooLong
    return text
