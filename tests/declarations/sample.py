"""A tool, and uses of it that no checker may take, wherever it is declared."""

TOOL = {
    "name": "get_sum",
    "description": "Adds",
    "inputSchema": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}, "note": {"type": "string"}},
        "required": ["a", "b"],
    },
    "outputSchema": {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]},
}

#: In the language of each: what is missing, of the wrong type, of the wrong name, or not there.
WRONG = {
    "ts": [
        "sample.get_sum({ a: 1 })",
        "sample.get_sum({ a: '1', b: 2 })",
        "sample.get_sun({ a: 1, b: 2 })",
        "sample.get_sum({ a: 1, b: 2, nota: '' })",
        "async () => (await sample.get_sum({ a: 1, b: 2 })).summ",
    ],
    "py": [
        "sample.get_sum(a=1)",
        "sample.get_sum(a='1', b=2)",
        "sample.get_sun(a=1, b=2)",
        "sample.get_sum(a=1, b=2, nota='')",
    ],
}
