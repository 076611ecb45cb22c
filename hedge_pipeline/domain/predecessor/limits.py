"""The predecessor's risk limits: what its file said, what its code made of it, and what that would be here.

The two differed: figures written as fractions were read as percent, and other keys were read by nobody. So nothing is taken
over by its name alone, and a number that may be either is a person's to decide.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from hedge_pipeline.domain.predecessor.fields import flag, number, refuse, table
from hedge_pipeline.domain.predecessor.limit_rules import NEVER, PER_SYMBOL, RULES, Rule, Unit

_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFound:
    """One key of the file."""

    key: str
    value: str
    """As written."""
    enforced: str
    """What the predecessor's code made of it."""
    becomes: str | None
    """Our setting; ``None``: it has none."""
    setting: str | None
    """As our file writes it; ``None`` without a setting, or while it is ambiguous."""
    ambiguous: tuple[str, str] | None = None
    """As our file would write it if it was meant as percent, and as a fraction: a person says which."""
    note: str | None = None

    @property
    def was_enforced(self) -> bool:
        return not self.enforced.startswith("never")


def risk_limits(
    source: str, content: object, *, percent: Collection[str] = (), fraction: Collection[str] = ()
) -> tuple[LimitFound, ...]:
    """``risk_limits.json``, key by key. ``percent`` and ``fraction`` say which keys a person takes for what.

    Raises:
        SourceMalformed: a figure is none; or a key is said to be both, or is not there.
    """
    found = tuple(_found(source, table(source, "", content), set(percent), set(fraction)))
    both, keys = set(percent) & set(fraction), {limit.key for limit in found}
    if both:
        refuse(source, sorted(both)[0], "is said to be percent and a fraction; say one of them")
    for key in sorted({*percent, *fraction} - keys):
        refuse(source, key, f"is no key of this file; it has {', '.join(sorted(keys))}")
    return found


def _found(
    source: str, content: Mapping[str, object], percent: set[str], fraction: set[str]
) -> Iterator[LimitFound]:
    for key, value in _leaves(content):
        name = key.removeprefix("global.")
        if key.startswith("per_symbol."):
            enforced = PER_SYMBOL.get(
                key.rpartition(".")[2], "unknown to every version of it: nothing enforced it"
            )
            yield _without(key, value, enforced)
            continue
        rule = RULES.get(name) or RULES.get(name.partition(".")[0])
        if rule is None:
            yield _without(key, value, "unknown to every version of it: nothing enforced it")
        elif key != name and name == "max_leverage":
            yield _mapped(
                source,
                key,
                value,
                Rule(enforced="refused higher leverage", becomes=rule.becomes),
                percent,
                fraction,
            )
        else:
            yield _mapped(source, key, value, rule, percent, fraction)


def _leaves(content: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _without(key: str, value: object, enforced: str) -> LimitFound:
    return LimitFound(key=key, value=_written(value), enforced=enforced, becomes=None, setting=None)


def _mapped(
    source: str, key: str, value: object, rule: Rule, percent: set[str], fraction: set[str]
) -> LimitFound:
    if rule.unit is Unit.PERCENT:
        return _share(source, key, number(source, key, value), rule, percent, fraction)
    if rule.becomes is None:
        note = None
        if key.endswith("fail_closed_on_nav_stale") and not flag(source, key, value):
            note = "it was off: a stale NAV was traded on, which is not possible here"
        return LimitFound(
            key=key, value=_written(value), enforced=rule.enforced, becomes=None, setting=None, note=note
        )
    if isinstance(value, str):
        setting: str | None = f'"{value}"'
    else:
        figure = number(source, key, value)
        setting, note = _figure(figure, rule), None
        if figure <= 0:
            setting, note = None, "it was off, which is not possible here"
        return LimitFound(
            key=key,
            value=_written(value),
            enforced=rule.enforced,
            becomes=rule.becomes,
            setting=setting,
            note=note,
        )
    return LimitFound(
        key=key, value=_written(value), enforced=rule.enforced, becomes=rule.becomes, setting=setting
    )


def _figure(value: Decimal, rule: Rule) -> str:
    text = _plain(value)
    return f'"{text}s"' if rule.unit is Unit.SECONDS else text


def _share(
    source: str, key: str, value: Decimal, rule: Rule, percent: set[str], fraction: set[str]
) -> LimitFound:
    """From 0 to 1 it may be either: the code took it for percent, and whoever wrote it may have meant a fraction."""
    as_percent, as_fraction = _plain(value / _PERCENT), _plain(value)
    either = 0 < value <= 1
    setting, ambiguous, note = None, None, None
    if value <= 0:
        note = "it was off, which is not possible here"
    elif key in fraction and not either:
        refuse(source, key, f"{as_fraction} is more than everything: it can only be percent")
    elif key in fraction:
        setting = as_fraction
    elif key in percent or not either:
        setting = as_percent
    else:
        ambiguous = (as_percent, as_fraction)
        note = f"the code took it for {as_fraction} %, {as_percent} of NAV; it may have been meant as {_plain(value * 100)} %"
        if rule.enforced == NEVER:
            note = f"nothing read it: it may mean {as_fraction} % or {_plain(value * 100)} %"
    return LimitFound(
        key=key,
        value=as_fraction,
        enforced=rule.enforced,
        becomes=rule.becomes,
        setting=setting if rule.becomes else None,
        ambiguous=ambiguous if rule.becomes else None,
        note=note,
    )


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_written(entry) for entry in value)}]"
    return str(value)


LADDERS: Mapping[str, tuple[str, Mapping[str, Decimal]]] = MappingProxyType(
    {
        "risk.drawdown.halt": (
            "risk.drawdown",
            {"warn": Decimal("0.5"), "reduce": Decimal("0.75"), "flatten": Decimal("1.25")},
        ),
        "risk.daily_loss.halt": (
            "risk.daily_loss",
            {"warn": Decimal(1) / 3, "reduce": Decimal(2) / 3},
        ),
    }
)
"""The predecessor had one limit where a ladder has several: the others stand to it as ours do by default."""


def settings_lines(limits: Collection[LimitFound]) -> dict[str, str]:
    """Our settings by dotted key, as a file writes them. A limit that nothing enforced is a person's to begin with."""
    lines: dict[str, str] = {}
    for limit in limits:
        if limit.becomes is not None and limit.setting is not None and limit.was_enforced:
            lines.setdefault(limit.becomes, limit.setting)
    for halt, (ladder, others) in LADDERS.items():
        for rung, share in others.items() if halt in lines else ():
            figure = (Decimal(lines[halt]) * share).quantize(Decimal("0.000001"))
            lines.setdefault(f"{ladder}.{rung}", _plain(figure))
    return dict(sorted(lines.items()))


def fragment(lines: Mapping[str, str]) -> str:
    """The settings as TOML tables."""
    tables: dict[str, list[str]] = {}
    for key, value in lines.items():
        name, _, last = key.rpartition(".")
        tables.setdefault(name, []).append(f"{last} = {value}")
    return "\n\n".join("\n".join([f"[{name}]", *entries]) for name, entries in tables.items()) + "\n"


def settings_text(lines: Mapping[str, str]) -> str:
    """A settings file of nothing else."""
    return f"# Limits taken over from the predecessor's risk_limits.json. Fractions, never percent.\n\n{fragment(lines)}"
