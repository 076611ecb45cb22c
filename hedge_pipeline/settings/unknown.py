"""Keys nobody reads, and what whoever wrote them probably meant."""

import re
from collections.abc import Iterable
from decimal import Decimal

from hedge_pipeline.settings.faults import closest
from hedge_pipeline.settings.values import is_sensible

RENAMED = {
    "cooldown_minutes_after_stop": "risk.cooldown_minutes",
    "daily_loss_limit_pct": "risk.daily_loss.halt",
    "drawdown_alert_pct": "risk.drawdown.warn",
    "instrument_id": "strategy.symbol",
    "max_drawdown_pct": "strategy.risk_management.max_drawdown",
    "max_nav_drawdown_pct": "risk.drawdown.halt",
    "max_order_size_usdt": "venue.maximum_order_notional_usd",
    "max_position_pct": "strategy.position.max_position_fraction",
    "min_order_size_usdt": "venue.minimum_order_notional_usd",
    "nav_freshness_seconds": "freshness.nav",
    "order_diff_qty_tolerance_pct": "strategy.execution.order_diff_quantity_tolerance",
}
"""Names of earlier systems that no spelling comes close to."""

_ADVICE = {
    "dry_run": "remove it: HEDGE_PROFILE=paper trades on the paper venue",
    "env": "remove it: HEDGE_ENV selects it",
    "fail_closed_on_nav_stale": "remove it: a stale NAV always closes the gate",
    "home": "remove it: HEDGE_HOME selects it",
    "profile": "remove it: HEDGE_PROFILE selects it",
    "testnet": "remove it: HEDGE_PROFILE=demo selects the venue's demo",
}

_PERCENT_NAME = re.compile(r"(?:^|_)(?:pct|percent|percentage)(?=_|$)", re.IGNORECASE)
_PERCENT_VALUE = re.compile(r"\s*([+-]?\d{1,9}(?:\.\d{1,9})?)\s*(?:%|pct|percent)\s*", re.IGNORECASE)


def remedy_for(key: str, known: Iterable[str]) -> str:
    """What to write instead of an unknown dotted key."""
    name = key.rpartition(".")[2]
    if name in _ADVICE:
        return _ADVICE[name]
    known = tuple(known)
    tables = {setting[:at] for setting in known for at, letter in enumerate(setting) if letter == "."}
    meant = _meant(key, (*known, *sorted(tables)))
    return f"did you mean {meant}?" if meant else "remove it: nothing reads it"


def percent_remedy(key: str, value: object, known: Iterable[str]) -> str | None:
    """The fraction to write, if a key is named or a value written as percent; else ``None``."""
    name = key.rpartition(".")[2]
    written = _PERCENT_VALUE.fullmatch(value) if isinstance(value, str) else None
    if not _PERCENT_NAME.search(name):
        return None if written is None else f"write the fraction {key} = {as_fraction(Decimal(written[1]))}"
    known = tuple(known)
    plain = key.removesuffix(name) + _PERCENT_NAME.sub("", name).strip("_")
    target = _meant(plain, known) if name not in RENAMED else _meant(key, known)
    percent = Decimal(written[1]) if written is not None else value
    if (
        isinstance(percent, bool)
        or not isinstance(percent, int | Decimal)
        or not is_sensible(Decimal(percent))
    ):
        return f"write a fraction as {target or plain}"
    number = Decimal(percent)
    if written is not None or number > 1:
        return f"write the fraction {target or plain} = {as_fraction(number)}"
    # 0.10 was read as 0.10 % by one system and as 10 % by another: only its author knows.
    share, percents = plain_text(number), plain_text(number * 100)
    return f"write {target or plain} = {share} for {percents} %, {as_fraction(number)} for {share} %"


def as_fraction(percent: Decimal) -> str:
    return plain_text(percent / 100)


def plain_text(number: Decimal) -> str:
    """Digits without exponent or trailing zeros."""
    return format(number.normalize(), "f")


def _meant(key: str, known: tuple[str, ...]) -> str | None:
    """The known key that was probably meant: an old name, one spelled alike here, or alike elsewhere."""
    section, _, name = key.rpartition(".")
    if name in RENAMED:
        # Two sections may hold a key of this name: the one it was written in comes first.
        here = f"{section}.{RENAMED[name].rpartition('.')[2]}"
        return here if here in known else RENAMED[name]
    ends = [(*candidate.rpartition(".")[::2], candidate) for candidate in known]
    for word, choices in (
        (name, {end: whole for start, end, whole in ends if start == section}),
        (key, {whole: whole for _, _, whole in ends}),
        (name, {end: whole for _, end, whole in ends}),
    ):
        if found := closest(word, choices):
            return choices[found]
    return None
