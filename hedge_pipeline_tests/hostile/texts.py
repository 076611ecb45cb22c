"""Documents as the texts they arrive in, faults included: JSON and TOML that a well-meaning writer could not write."""

import json
from typing import Any

from hedge_pipeline_tests.hostile.mutations import Pairs, Raw


def json_text(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict | Pairs):
        pairs = value.items() if isinstance(value, dict) else value
        return "{" + ",".join(f"{json.dumps(key)}:{json_text(inner)}" for key, inner in pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value)


def toml_value(value: Any) -> str:
    """On one line."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | Pairs):
        pairs = value.items() if isinstance(value, dict) else value
        return "{" + ", ".join(f"{_toml_key(key)} = {toml_value(inner)}" for key, inner in pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)


def toml_lines(table: dict[str, Any] | Pairs, prefix: str = "") -> str:
    """A table as dotted keys, a line each."""
    lines = []
    for key, value in table.items() if isinstance(table, dict) else table:
        name = f"{prefix}{_toml_key(key)}"
        if isinstance(value, dict | Pairs) and value:
            lines.append(toml_lines(value, f"{name}."))
        else:
            lines.append(f"{name} = {toml_value(value)}\n")
    return "".join(lines)


def _toml_key(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isascii() and bare.isalnum() else json.dumps(key, ensure_ascii=False)
