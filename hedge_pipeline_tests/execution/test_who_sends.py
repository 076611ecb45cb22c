"""Orders are sent in one place, so what is promised of sending is promised of all of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import hedge_pipeline

PACKAGE = Path(hedge_pipeline.__file__).parent
SENDING = {"place", "look_up", "set_countdown", "set_leverage"}
"""What only an ``OrderVenue`` has."""
VENUES = ("adapters/ccxt_venue/", "paper/")
"""Beyond the port: they are the venue."""
FORWARDER = "outside.py"
"""Hands every request of the port on to the venue that it builds."""


def _calls(file: Path) -> Iterator[tuple[str, str]]:
    """Enclosing function and method of each call of a method that an order venue has."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                receiver = ast.unparse(call.func.value)
                cancels = call.func.attr == "cancel" and receiver.rpartition(".")[2] in {
                    "venue",
                    "orders",
                    "_orders",
                }
                if call.func.attr in SENDING or cancels:
                    yield function.name, call.func.attr


def test_nobody_but_execution_asks_the_order_venue_for_anything_that_changes_it():
    found = {
        (name, function, method)
        for file in sorted(PACKAGE.rglob("*.py"))
        if not (name := file.relative_to(PACKAGE).as_posix()).startswith(VENUES)
        for function, method in _calls(file)
        if not (name == FORWARDER and function == method)
    }

    assert found == {
        ("execution/arming.py", "arm", "set_countdown"),
        ("execution/arming.py", "disarm", "set_countdown"),
        ("execution/arming.py", "set_leverage", "set_leverage"),
        ("execution/canceling.py", "cancel", "cancel"),
        ("execution/canceling.py", "cancel", "look_up"),
        ("execution/sending.py", "send", "place"),
        ("execution/settling.py", "look_up", "look_up"),
    }
