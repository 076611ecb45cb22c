"""What the predecessor's code did with each key of its risk limits, and what the key is called here."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Unit(StrEnum):
    """What a figure counts."""

    PERCENT = "percent"
    """Of NAV, by the code; by the file it may have been meant as a fraction."""
    SECONDS = "seconds"
    MINUTES = "minutes"
    PLAIN = "plain"
    """A number, a name or a flag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What became of a key in the predecessor, and what it is called here."""

    enforced: str
    """What its code did with it."""
    becomes: str | None = None
    """Our setting; ``None``: there is none."""
    unit: Unit = Unit.PLAIN


NEVER = "never enforced: nothing read it"


def _rules() -> dict[str, Rule]:
    percent = {
        "daily_loss_limit_pct": Rule(
            enforced="refused new orders from that many percent of drawdown on", becomes="risk.daily_loss.halt",
            unit=Unit.PERCENT,
        ),
        "max_nav_drawdown_pct": Rule(
            enforced="refused new orders from that many percent of drawdown on", becomes="risk.drawdown.halt",
            unit=Unit.PERCENT,
        ),
        "drawdown_alert_pct": Rule(enforced=NEVER, becomes="risk.drawdown.warn", unit=Unit.PERCENT),
        "max_trade_nav_pct": Rule(enforced="capped one order, in percent of NAV", unit=Unit.PERCENT),
        "max_gross_nav_pct": Rule(enforced="capped all positions, in percent of NAV", unit=Unit.PERCENT),
        "max_portfolio_gross_nav_pct": Rule(enforced="capped all positions, in percent of NAV", unit=Unit.PERCENT),
        "max_gross_exposure_pct": Rule(enforced=NEVER, unit=Unit.PERCENT),
        "max_symbol_exposure_pct": Rule(enforced=NEVER, unit=Unit.PERCENT),
        "weekly_loss_limit_pct": Rule(enforced=NEVER, unit=Unit.PERCENT),
        "symbol_notional_share_cap_pct": Rule(enforced=NEVER, unit=Unit.PERCENT),
        "symbol_drawdown_cap_pct": Rule(enforced=NEVER, unit=Unit.PERCENT),
        "circuit_breakers.max_portfolio_dd_nav_pct": Rule(enforced=NEVER, unit=Unit.PERCENT),
    }  # fmt: skip
    plain = {
        "nav_freshness_seconds": Rule(
            enforced="refused new orders beyond that age", becomes="freshness.nav", unit=Unit.SECONDS
        ),
        "cooldown_minutes_after_stop": Rule(
            enforced="held back new orders", becomes="risk.cooldown_minutes", unit=Unit.MINUTES
        ),
        "reset_timezone": Rule(enforced="began the day", becomes="fund.reset_timezone"),
        "min_notional_usdt": Rule(
            enforced="refused smaller orders", becomes="venue.minimum_order_notional_usd"
        ),
        "min_notional_usd": Rule(
            enforced="never enforced: the code read min_notional_usdt", becomes="venue.minimum_order_notional_usd"
        ),
        "max_leverage": Rule(
            enforced="never enforced at the top level: the code read it under global and per_symbol",
            becomes="venue.max_leverage",
        ),
        "nav_anomalies.max_multiplier_intraday": Rule(
            enforced="refused a new peak beyond that multiple", becomes="risk.jump_factor"
        ),
        "fail_closed_on_nav_stale": Rule(enforced="whether a stale NAV refused new orders; here it always does"),
        "whitelist": Rule(enforced="refused other symbols; here venue.symbols and strategy.symbol say what trades"),
        "error_circuit": Rule(enforced="held back new orders after errors"),
        "burst_limit": Rule(enforced="held back new orders after a burst"),
        "max_concurrent_positions": Rule(enforced="refused new positions"),
        "max_trades_per_symbol_per_hour": Rule(enforced="refused new orders"),
        "nav_anomalies.max_gap_abs_usd": Rule(enforced="refused a new peak beyond that step; here risk.jump_step does"),
        "nav_anomalies.enabled": Rule(enforced="switched the check of new peaks; here it is always on"),
    } | {
        name: Rule(enforced=NEVER)
        for name in ("quote_symbols", "restricted_symbols", "non_prod.require_dry_run", "tiers", "testnet_overrides")
    }  # fmt: skip
    return percent | plain


RULES: Mapping[str, Rule] = MappingProxyType(_rules())
"""By key, without ``global.``, under which the code looked too."""

PER_SYMBOL: Mapping[str, str] = MappingProxyType(
    {
        "max_nav_pct": NEVER,
        "max_notional_usd": "never enforced: the code read max_order_notional",
        "max_order_notional": "refused larger orders",
        "max_open_qty": "refused larger long positions",
        "min_notional": "refused smaller orders",
        "max_leverage": "refused higher leverage",
        "cooldown_sec": "held back new orders",
        "block_sides": "refused orders on these sides",
    }
)
"""By key below ``per_symbol.SYMBOL``; here the strategy's own caps stand for them."""
