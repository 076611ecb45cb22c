"""What can be done to the fields of a JSON answer: by kind of field, never by accident still valid."""

import random
from typing import Any

from hedge_pipeline_tests.hostile.counting import CANARY, CANARY_URL
from hedge_pipeline_tests.hostile.mutations import (
    Raw,
    Spoil,
    Spoilers,
    among,
    digits,
    floating,
    half_pair,
    nested_list,
    nested_table,
    word,
)

MS_2015, MS_2100, MS_2121 = 1_420_070_400_000, 4_102_444_800_000, 4_765_132_800_000


def endless(draw: random.Random) -> Raw:
    return Raw(draw.choice("123456789") * draw.randint(4300, 6000))


SHAPES: Spoilers = {
    "null": among(None),
    "a list": nested_list,
    "a table": nested_table,
    "an empty container": among([], {}),
    "nesting": lambda draw: Raw("[" * (depth := draw.randint(100, 400)) + "]" * depth),
    "a bare NaN": among(Raw("NaN"), Raw("Infinity"), Raw("-Infinity")),
    "a number of thousands of digits": endless,
    "a number beyond floats": lambda draw: Raw(f"{draw.randint(1, 9)}e{draw.randint(400, 9999)}"),
}
"""Wrong for every scalar."""

FLAGS: Spoilers = {"a flag": among(True, False)}

TEXTS: Spoilers = {
    "a word": word,
    "a secret": lambda draw: draw.choice([CANARY, CANARY_URL]) + word(draw),
    "empty text": among(""),
    "half a surrogate pair": lambda draw: half_pair(draw, word(draw)),
    "no UTF-8": lambda draw: Raw(f'"{word(draw)}{chr(draw.randrange(0xDC80, 0xDD00))}"'),
    "long text": lambda draw: word(draw) * draw.randint(100, 300),
}
"""Wrong wherever a number or a flag belongs."""

MONEY: Spoilers = {
    **SHAPES,
    **FLAGS,
    **TEXTS,
    "a float": floating,
    "an integer": lambda draw: draw.randrange(-(10**9), 10**9),
    "NaN": lambda draw: draw.choice(["NaN", "nan", "-NaN", "sNaN", f"NaN{draw.randrange(10**6)}"]),
    "infinity": lambda draw: draw.choice(["Infinity", "-inf", "+Infinity", f"1e{draw.randint(1000, 10**9)}"]),
    "huge": lambda draw: draw.choice(["", "-"]) + draw.choice([digits(draw, 19, 60), f"{digits(draw, 1, 5)}e{draw.randint(18, 99)}"]),
    "tiny": lambda draw: f"{digits(draw, 1, 6)}e-{draw.randint(25, 99)}",
    "too many places": lambda draw: f"0.{digits(draw, 25, 60)}",
    "grouped digits": lambda draw: f"{digits(draw, 1, 3)}{draw.choice(',_ ')}{digits(draw, 3, 3)}",
    "a decimal comma": lambda draw: f"{digits(draw, 1, 6)},{digits(draw, 1, 2)}",
    "blanks around it": lambda draw: draw.choice([" {}", "{} ", "\t{}", "{}\n"]).format(digits(draw, 1, 9)),
    "digits of another script": lambda draw: "".join(chr(0x660 + int(figure)) for figure in digits(draw, 1, 12)),
    "hexadecimal": lambda draw: hex(draw.randrange(10**9)),
    "a unit": lambda draw: f"{digits(draw, 1, 9)}{draw.choice(['%', ' USDT', 'k', 'USD'])}",
    "a plus sign": lambda draw: f"+{digits(draw, 1, 9)}",
    "two points": lambda draw: f"{digits(draw, 1, 4)}.{digits(draw, 1, 3)}.{digits(draw, 1, 3)}",
}  # fmt: skip
"""A decimal in a string, of either sign."""

NON_NEGATIVE: Spoilers = {
    **MONEY,
    "negative": lambda draw: f"-{digits(draw, 1, 9)}.{digits(draw, 1, 8)}",
}
PRICE: Spoilers = {
    **NON_NEGATIVE,
    "zero": among("0", "0.0", "0.00000000", "-0", "0e10"),
}
RATE: Spoilers = {
    **MONEY,
    "percent": lambda draw: f"{draw.choice(['', '-'])}{digits(draw, 1, 3)}.{digits(draw, 1, 8)}",
}


def stamps(unit: int, *, zero: bool = False, until_ms: int = MS_2100) -> Spoilers:
    """An integer of so many units a second. ``zero``: it may be zero, for never."""
    first, last = MS_2015 * unit // 1000, until_ms * unit // 1000

    def other_unit(draw: random.Random) -> int:
        seconds = draw.randrange(1_500_000_000, 1_900_000_000)
        others = [factor for factor in (1, 1000, 10**6, 10**9) if factor != unit]
        return seconds * draw.choice(others) + draw.randrange(1000)

    return {
        **SHAPES,
        **FLAGS,
        **TEXTS,
        "a float": lambda draw: float(draw.randrange(first, last)) + 0.5,
        "a stamp in a string": lambda draw: str(draw.randrange(first, last)),
        "ISO text": lambda draw: (
            f"20{draw.randint(10, 30)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}T00:00:00Z"
        ),
        "another unit": other_unit,
        "1970": lambda draw: draw.randrange(1, first // 100) if zero else draw.randrange(first // 100),
        "before 2015": lambda draw: draw.randrange(first // 100, first),
        "after 2100": lambda draw: draw.randrange(last, 2 * last),
        "negative": lambda draw: -draw.randrange(1, last),
        "huge": lambda draw: int(digits(draw, 20, 60)),
    }


FLAG: Spoilers = {
    **SHAPES,
    **TEXTS,
    "a number for a flag": lambda draw: draw.choice([0, 1, draw.randrange(-(10**9), 10**9)]),
    "a float for a flag": lambda draw: draw.choice([0.0, 1.0, floating(draw)]),
    "text for a flag": lambda draw: draw.choice(["true", "false", "True", "on", "yes", "1", "0", word(draw)]),
}

TEXT: Spoilers = {
    **SHAPES,
    **FLAGS,
    "a float": floating,
    "half a surrogate pair": TEXTS["half a surrogate pair"],
    "no UTF-8": TEXTS["no UTF-8"],
    "a control character": lambda draw: word(draw) + chr(draw.choice([*range(32), 127, 0x85])) + word(draw),
    "long text": lambda draw: word(draw) * draw.randint(200, 300),
}
NUMBERS: Spoilers = {"an integer": lambda draw: draw.randrange(-(10**9), 10**9)}
INVISIBLE = (0x200B, 0x2060, 0xFEFF, 0x202E)
BLANKS: Spoilers = {
    "blanks in a name": lambda draw: (
        f"{word(draw)}{draw.choice([' ', chr(0xA0), chr(0x2028), chr(9)])}{word(draw)}"
    ),
    "an invisible letter": lambda draw: f"{word(draw)}{chr(draw.choice(INVISIBLE))}{word(draw)}",
}
REMARK: Spoilers = {**TEXT, **NUMBERS}
NAME: Spoilers = {**TEXT, **NUMBERS, **BLANKS, "empty text": among("")}
OPTIONAL_NAME: Spoilers = {**TEXT, **NUMBERS, **BLANKS}
IDENTIFIER: Spoilers = {**TEXT, **BLANKS}


def one_of(*words: str) -> Spoilers:
    """No word but these."""

    def other(draw: random.Random) -> str:
        near = draw.choice(words)
        drawn = [near.lower(), near + word(draw, 1, 3), f" {near}", near[:-1], word(draw).upper()]
        return draw.choice([text for text in drawn if text not in words])

    return {**NAME, **TEXTS, "another word": other}


def container(inside: Any) -> Spoilers:
    """Something else where a list or a table belongs."""
    other: Spoil = nested_table if isinstance(inside, list) else nested_list
    return {
        "null": among(None),
        **FLAGS,
        **TEXTS,
        **NUMBERS,
        "a float": floating,
        "the other container": other,
        "its own text": lambda draw: repr(inside)[: draw.randint(1, 40)],
        "nesting": SHAPES["nesting"],
    }
