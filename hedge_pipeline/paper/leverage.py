"""How far a contract may be geared: its brackets, and the leverage set for it.

Source of names, codes and messages: Binance USD-M documentation, "Notional and Leverage Brackets", "Change Initial Leverage" and
"Error Codes".
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.instruments import Bracket, Instrument
from hedge_pipeline.paper.order_requests import listed, refused
from hedge_pipeline.paper.requests import integer, mandatory

Params = Mapping[str, str]


def leverage_brackets(core: Core, now_ms: int, params: Params) -> Any:
    """A list of all contracts, or one alone, with JSON numbers where the venue writes numbers."""
    if "symbol" in params:
        return _brackets(listed(core, params))
    return [_brackets(instrument) for instrument in core.instruments.values()]


def _brackets(instrument: Instrument) -> dict[str, Any]:
    floors = [Decimal(0), *(b.notional_cap for b in instrument.brackets[:-1])]
    rows = zip(instrument.brackets, floors, strict=True)
    return {
        "symbol": instrument.symbol,
        "brackets": [_bracket(number, b, floor) for number, (b, floor) in enumerate(rows, start=1)],
    }


def _bracket(number: int, bracket: Bracket, floor: Decimal) -> dict[str, Any]:
    return {
        "bracket": number,
        "initialLeverage": bracket.max_leverage,
        "notionalCap": int(bracket.notional_cap),
        "notionalFloor": int(floor),
        "maintMarginRatio": _number(bracket.maintenance_rate),
        "cum": _number(bracket.cumulative),
    }


def _number(value: Decimal) -> int | float:
    """Which JSON writes with the same digits."""
    return int(value) if value == int(value) else float(value)


def change_leverage(core: Core, now_ms: int, params: Params) -> Any:
    """Of both sides of a contract. The position must fit into what the leverage allows, its margin into what is available."""
    instrument = listed(core, params)
    leverage = integer(params, "leverage")
    if leverage is None:
        raise mandatory("leverage")
    if not 1 <= leverage <= instrument.brackets[0].max_leverage:
        raise refused(-4028, f"Leverage {leverage} is not valid")
    changed = replace(instrument, leverage=leverage)
    held = [p for p in core.account(now_ms).positions if p.position.symbol == instrument.symbol]
    resting = core.order_book.resting_notional
    if any(
        abs(p.notional) + resting(instrument.symbol, p.position.position_side) > changed.maximum_notional
        for p in held
    ):
        raise refused(-2027, "Exceeded the maximum allowable position at current leverage.")
    if leverage < instrument.leverage and not _affordable(core, changed, now_ms):
        raise refused(-2028, "Leverage is smaller than permitted: insufficient margin balance.")
    core.set_leverage(instrument.symbol, leverage)
    return {
        "symbol": instrument.symbol,
        "leverage": leverage,
        "maxNotionalValue": str(changed.maximum_notional),
    }


def _affordable(core: Core, changed: Instrument, now_ms: int) -> bool:
    """Whether what is available pays for the margin its position and orders would need on top."""

    def needed() -> Decimal:
        mine = (p for p in core.account(now_ms).positions if p.position.symbol == changed.symbol)
        return sum((p.initial_margin + p.open_order_margin for p in mine), Decimal(0))

    before = core.instruments[changed.symbol]
    worth = core.account(now_ms).assets.get(changed.margin_asset)
    available, needed_before = worth.available_balance if worth else Decimal(0), needed()
    core.instruments[changed.symbol] = changed
    try:
        return needed() - needed_before <= available
    finally:
        core.instruments[changed.symbol] = before
