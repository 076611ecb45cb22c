"""What can be done to an answer as a whole: cut off, padded, wrapped, or no JSON from the start."""

import json
import random
from typing import Any

from hedge_pipeline_tests.hostile.counting import CANARY
from hedge_pipeline_tests.hostile.mutations import Raw, Spoilers, word
from hedge_pipeline_tests.hostile.texts import json_text

LIMIT = 20_000
"""Bytes that the readers of these tests take."""


def whole(document: Any) -> Spoilers:
    text = json_text(document)

    def padded(draw: random.Random) -> Raw:
        filler = draw.choice([" " * (LIMIT + draw.randrange(9999)), f"{json.dumps(word(draw) * LIMIT)}"])
        return Raw(f"[{text},{filler}]" if filler.strip() else text + filler)

    return {
        "truncated": lambda draw: Raw(text[: draw.randrange(len(text))]),
        "oversized": padded,
        "something after it": lambda draw: Raw(text + draw.choice(["}", "]", ",", text, word(draw), "\0"])),
        "nesting without end": lambda draw: Raw(draw.choice("[{") * draw.randint(3_000, LIMIT - 10)),
        "text": lambda draw: Raw(json.dumps(word(draw) + CANARY)),
        "a page": lambda draw: Raw(
            f"<html><body>{draw.randint(400, 599)} {word(draw)} {CANARY}</body></html>"
        ),
        "a number": lambda draw: Raw(str(draw.randrange(10, 10**9))),
        "null": lambda draw: Raw("null"),
        "no text": lambda draw: Raw(
            "".join(map(chr, draw.choices(range(0xDC80, 0xDD00), k=draw.randint(3, 40))))
        ),
        "single quotes": lambda draw: Raw(repr(document)[: draw.randrange(2, len(repr(document)))]),
    }


AT_FAULT = (
    "is missing, or neither",
    "not JSON",
    "answered",
    "bytes",
    "no object",
    "no list",
    "UTF-8",
    "missing, or not a list",
)
"""How a reader says that the answer as a whole is at fault."""


def sent(document: Any) -> bytes:
    """The body as it travels; half a surrogate pair written bare stands for a byte that is no UTF-8."""
    return json_text(document).encode("utf-8", "surrogateescape")
