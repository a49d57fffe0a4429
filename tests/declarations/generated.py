"""Schemas with values that are valid for them and values that are not, by chance from a seed.

Each case is a tool that takes one argument. Values come with the schema, by construction, and `fits` is checked against
them, so that neither can drift from the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

NAMES = ["id", "name", "kind", "a-b", "from", "class", "x2", "total", "default", "__low", "$ref_", "größe", "2nd"]
WORDS = ["open", "closed", "in progress", "*/", '"""', "back\\slash", "a'b", "`${x}`", "\u2028", "é"]
NOTES: list[dict[str, Any]] = [
    {"description": "What it is. */ \"\"\" \u2028 `${x}`"},
    {"title": "Some Title"},
    {"deprecated": True, "description": "Old"},
    {"examples": ["x"], "default": None},
]


@dataclass
class Case:
    schema: dict[str, Any]
    right: list[Any] = field(default_factory=list)
    wrong: list[Any] = field(default_factory=list)


def cases(seed: int, number: int) -> list[Case]:
    """So many cases; the same for the same seed."""
    made = []
    for at in range(number):
        chance = Random(seed * 1_000_003 + at)
        schema = _schema(chance, 3)
        schema["$defs"] = DEFINITIONS
        # A pattern of nulls and unions is soon exhausted, so repetition is no harm.
        right = [_right(schema, chance) for _ in range(3)]
        wrong = [value for value in (_wrong(schema, chance) for _ in range(3)) if value is not NONE]
        for value, is_right in [*((value, True) for value in right), *((value, False) for value in wrong)]:
            assert fits(schema, value) is is_right, (schema, value, is_right)
        made.append(Case(schema, right, wrong))
    return made


NONE = object()

DEFINITIONS: dict[str, Any] = {
    "tree": {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
        "required": ["value"],
        "additionalProperties": False,
    },
    "odd": {"type": "object", "properties": {"even": {"$ref": "#/$defs/even"}}, "additionalProperties": False},
    "even": {
        "type": "object",
        "properties": {"odd": {"anyOf": [{"$ref": "#/$defs/odd"}, {"type": "null"}]}},
        "required": ["odd"],
        "additionalProperties": False,
    },
}


def _schema(chance: Random, depth: int) -> dict[str, Any]:
    kinds = ["string", "integer", "number", "boolean", "null", "enum", "const", "format", "range"]
    if depth > 0:
        kinds += ["array", "array", "tuple", "map", "object", "object", "object", "anyOf", "types", "nullable", "allOf", "ref", "tagged", "both"]
    schema = _of_kind(chance.choice(kinds), chance, depth - 1)
    if chance.random() < 0.3:
        schema |= {key: value for key, value in chance.choice(NOTES).items() if key not in schema}
    return schema


def _of_kind(kind: str, chance: Random, depth: int) -> dict[str, Any]:
    inner = lambda: _schema(chance, depth)  # noqa: E731
    match kind:
        case "enum":
            return {"enum": chance.sample([*WORDS, 1, -2, True, None, {"a": 1, "b": "x"}], chance.randint(1, 5))}
        case "const":
            return {"const": chance.choice([*WORDS, 7, False, None, {"a": {"b": "c"}}])}
        case "format":
            return {"type": "string", "format": "date-time", "pattern": "^[*/]+$|", "maxLength": 40}
        case "range":
            return {"type": "integer", "minimum": 1, "maximum": 9, "default": 3}
        case "array":
            return {"type": "array", "items": inner(), "maxItems": 5}
        case "tuple":
            places = [inner() for _ in range(chance.randint(1, 3))]
            key, end = chance.choice([("prefixItems", "items"), ("items", "additionalItems")])
            return {"type": "array", key: places, end: False, "minItems": len(places)}
        case "map":
            return {"type": "object", "additionalProperties": inner()}
        case "object":
            return _object(chance, depth, chance.sample(NAMES, chance.randint(1, 4)))
        case "anyOf":
            return {chance.choice(["anyOf", "oneOf"]): [inner() for _ in range(chance.randint(2, 3))]}
        case "types":
            return {"type": chance.sample(["string", "integer", "boolean", "null"], 2)}
        case "nullable":
            return {"anyOf": [inner(), {"type": "null"}]}
        case "allOf":
            names = chance.sample(NAMES, 4)
            parts = [_object(chance, depth, part) for part in (names[:2], names[2:])]
            for part in parts:
                part.pop("additionalProperties", None)
            return {"allOf": parts}
        case "ref":
            return {"$ref": f"#/$defs/{chance.choice(list(DEFINITIONS))}"}
        case "tagged":
            return {"oneOf": [_tagged(chance, depth, tag) for tag in ("text", "image")]}
        case "both":
            own = _object(chance, depth, ["common"])
            own.pop("additionalProperties", None)
            parts = [_object(chance, depth, [name]) for name in ("left", "right")]
            for part, name in zip(parts, ("left", "right")):
                part.pop("additionalProperties", None)
                part["required"] = [name]
            return own | {"anyOf": parts}
        case plain:
            return {"type": plain}


def _object(chance: Random, depth: int, names: list[str]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {name: _schema(chance, depth) for name in names}}
    required = [name for name in names if chance.random() < 0.5]
    if required:
        schema["required"] = required
    if chance.random() < 0.5:
        schema["additionalProperties"] = False
    return schema


def _tagged(chance: Random, depth: int, tag: str) -> dict[str, Any]:
    schema = _object(chance, depth, ["body"])
    schema["properties"] = {"type": {"const": tag}} | schema["properties"]
    schema["required"] = [*schema.get("required", []), "type"]
    return schema


def _right(schema: dict[str, Any], chance: Random) -> Any:
    if "$ref" in schema:
        return _of_definition(schema["$ref"].rsplit("/", 1)[1], chance, 2)
    if "enum" in schema:
        return chance.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    if "allOf" in schema:
        return {key: value for part in schema["allOf"] for key, value in _right(part, chance).items()}
    if "properties" in schema:
        required = schema.get("required", [])
        chosen = {n: s for n, s in schema["properties"].items() if n in required or chance.random() < 0.5}
        own = {name: _right(inner, chance) for name, inner in chosen.items()}
        return own | (_right(chance.choice(schema["anyOf"]), chance) if "anyOf" in schema else {})
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _alone(schema, key, chance)
    places = schema.get("prefixItems", schema.get("items"))
    if isinstance(places, list):
        return tuple(_right(place, chance) for place in places)
    if isinstance(places, dict):
        return [_right(places, chance) for _ in range(chance.randint(0, 3))]
    if "additionalProperties" in schema:
        return {name: _right(schema["additionalProperties"], chance) for name in chance.sample(["k", "l m", "n"], 2)}
    kind = schema["type"] if isinstance(schema["type"], str) else chance.choice(schema["type"])
    plain = {"string": "2026-01-01T00:00:00Z", "integer": 3, "number": 2.5, "boolean": True, "null": None, "array": [], "object": {}}
    return plain[kind]


def _alone(schema: dict[str, Any], key: str, chance: Random) -> Any:
    """A value that is valid for exactly one alternative of `oneOf`, if there is such a one."""
    values = [_right(chance.choice(schema[key]), chance) for _ in range(20)]
    fitting = [value for value in values if fits(schema, value)]
    if not fitting:
        # Alternatives that overlap everywhere are one alternative.
        schema["anyOf"] = schema.pop(key)
        return values[0]
    return fitting[0]


def _of_definition(name: str, chance: Random, depth: int) -> Any:
    match name:
        case "tree":
            children = [_of_definition("tree", chance, depth - 1) for _ in range(chance.randint(0, 2))] if depth else []
            return {"value": depth} | ({"children": children} if children or chance.random() < 0.5 else {})
        case "odd":
            return {"even": _of_definition("even", chance, depth - 1)} if depth else {}
        case _:
            return {"odd": _of_definition("odd", chance, depth - 1) if depth else None}


def _wrong(schema: dict[str, Any], chance: Random) -> Any:
    """A value that every checker has to refuse, or `NONE`. Mistakes that types cannot show are not made."""
    kinds = kinds_of(schema)
    strangers = [value for kind, value in STRANGERS.items() if kind not in kinds]
    deep = _wrong_inside(schema, chance)
    if deep is not NONE and chance.random() < 0.8:
        return deep
    return chance.choice(strangers) if strangers else deep


#: A value of each kind. A truth value counts as a number in Python, so it is never a stranger.
STRANGERS = {"string": "stranger", "number": 77, "null": None, "list": ["stranger"], "object": {"stranger": 1}}


def _wrong_inside(schema: dict[str, Any], chance: Random) -> Any:
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return "stranger" if any(isinstance(value, str) for value in values) else NONE
    if "$ref" in schema:
        wrong = {"tree": {"value": "x"}, "odd": {"even": 1}, "even": {}}
        return wrong[schema["$ref"].rsplit("/", 1)[1]]
    if any(key in schema for key in ("anyOf", "oneOf", "allOf")):
        return NONE
    if "properties" in schema:
        value = _right(schema, chance)
        ways = []
        for name in schema.get("required", []):
            ways.append({key: inner for key, inner in value.items() if key != name})
        if schema.get("additionalProperties") is False:
            ways.append(value | {"stranger": 1})
        for name, inner in schema["properties"].items():
            wrong = _wrong(inner, chance)
            if wrong is not NONE:
                ways.append(value | {name: wrong})
        return chance.choice(ways) if ways else NONE
    places = schema.get("prefixItems", schema.get("items"))
    if isinstance(places, list):
        value = list(_right(schema, chance))
        at = chance.randrange(len(value))
        wrong = _wrong(places[at], chance)
        return (*value, 1) if wrong is NONE else (*value[:at], wrong, *value[at + 1 :])
    if isinstance(places, dict):
        wrong = _wrong(places, chance)
        return NONE if wrong is NONE else [wrong]
    if isinstance(schema.get("additionalProperties"), dict):
        wrong = _wrong(schema["additionalProperties"], chance)
        return NONE if wrong is NONE else {"k": wrong}
    return NONE


def kinds_of(schema: dict[str, Any]) -> set[str]:
    """The kinds of values of which some may be valid."""
    if "$ref" in schema:
        return {"object"}
    if "enum" in schema or "const" in schema:
        return {_kind(value) for value in schema.get("enum", [schema.get("const")])}
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema and "properties" not in schema:
            return {kind for part in schema[key] for kind in kinds_of(part)}
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    known = {"integer": "number", "boolean": "number", "array": "list"}
    return {known.get(name, name) for name in names}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "number", int: "number", float: "number", str: "string", list: "list", tuple: "list", dict: "object"}
    return names[type(value)]


def fits(schema: dict[str, Any], value: Any) -> bool:
    """Whether a value is valid, by the keywords that are used here and that types can show."""
    if "$ref" in schema:
        return fits(DEFINITIONS[schema["$ref"].rsplit("/", 1)[1]], value)
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        return False
    if "const" in schema and not _same(value, schema["const"]):
        return False
    if "allOf" in schema and not all(fits(part, value) for part in schema["allOf"]):
        return False
    if "anyOf" in schema and not any(fits(part, value) for part in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(fits(part, value) for part in schema["oneOf"]) != 1:
        return False
    names = schema.get("type", [])
    names = names if isinstance(names, list) else [names]
    if names and not any(_is(value, name) for name in names):
        return False
    if isinstance(value, (list, tuple)):
        places = schema.get("prefixItems", schema.get("items"))
        if isinstance(places, list):
            return len(value) == len(places) and all(map(fits, places, value))
        return places is None or all(fits(places, item) for item in value)
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        named = all(fits(inner, value[name]) for name, inner in properties.items() if name in value)
        rest = [inner for name, inner in value.items() if name not in properties]
        fitting = not rest if others is False else others is True or all(fits(others, inner) for inner in rest)
        return named and fitting and all(name in value for name in schema.get("required", []))
    return True


def _is(value: Any, name: str) -> bool:
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    kinds = {
        "string": isinstance(value, str),
        "integer": numeric and value == int(value),
        "number": numeric,
        "boolean": isinstance(value, bool),
        "null": value is None,
        "array": isinstance(value, (list, tuple)),
        "object": isinstance(value, dict),
    }
    return kinds[name]


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and value == other
