"""Alarms: what trading finds on an account that no order of ours explains, and the incidents that come of it.

An event opens one incident, and the same event does not open another once a person or time has closed it. A second trader is
no event: its incident lasts as long as its orders rest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hedge_pipeline.domain.trading.policy import TradingPolicy
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill, SymbolConfig
from hedge_pipeline.domain.verdicts import Incident, IncidentChanges, TradingState

HALTED, REDUCING = TradingState.HALTED, TradingState.REDUCING
MOST_TEXT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one kind of alarm does: a row of the policy."""

    key: str
    """The proposition that does not hold."""
    reason: str
    ceiling: TradingState | None
    latches: bool = False
    lasts: timedelta | None = None
    """Ends by itself after it; ``None``: when a person re-arms, or when it is seen to be over."""
    remedy: str


SECOND_TRADER = Rule(
    key="one_store_trades_the_account",
    reason="second_trader",
    ceiling=HALTED,
    remedy="stop the other deployment and cancel its orders: it ends with the last of them",
)
LIQUIDATED = Rule(
    key="nothing_was_liquidated",
    reason="liquidated",
    ceiling=HALTED,
    latches=True,
    remedy="find out why the margin was used up, then `hedge rearm`",
)
DELEVERAGED = Rule(
    key="nothing_was_deleveraged",
    reason="deleveraged",
    ceiling=REDUCING,
    lasts=timedelta(hours=1),
    remedy="exits follow the position by themselves; look at the market before it ends by itself",
)
SETTLED = Rule(
    key="nothing_was_settled",
    reason="settled",
    ceiling=None,
    lasts=timedelta(hours=1),
    remedy="the venue has delivered or delisted the contract: take it out of the settings",
)
MODE_FLIPPED = Rule(
    key="modes_stay_as_set",
    reason="mode_flipped",
    ceiling=HALTED,
    latches=True,
    remedy="find out who changed it at the venue, change it back, then `hedge rearm`",
)
RULES: Mapping[str, Rule] = {
    rule.key: rule for rule in (SECOND_TRADER, LIQUIDATED, DELEVERAGED, SETTLED, MODE_FLIPPED)
}
ORIGINS: Mapping[FillOrigin, Rule] = {
    FillOrigin.LIQUIDATION: LIQUIDATED,
    FillOrigin.DELEVERAGING: DELEVERAGED,
    FillOrigin.SETTLEMENT: SETTLED,
}
"""Fills that the venue made by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing that was found."""

    rule: Rule
    occurred_at: datetime
    """By the venue's time."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """How the account was set at one instant."""

    as_of: datetime
    hedge_mode: bool
    multi_assets_mode: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Configs:
    """How symbols were set at one instant."""

    as_of: datetime
    configs: tuple[SymbolConfig, ...]


def second_trader_alarms(traces: Sequence[str], now: datetime) -> Iterator[Alarm]:
    """``traces`` are orders of another store, a line each."""
    if traces:
        yield Alarm(rule=SECOND_TRADER, occurred_at=now, message="; ".join(traces))


def fill_alarms(fills: Iterable[LedgerFill]) -> Iterator[Alarm]:
    for fill in fills:
        rule = ORIGINS.get(fill.origin)
        if rule is not None:
            yield Alarm(
                rule=rule,
                occurred_at=fill.filled_at,
                message=(
                    f"{fill.quantity:f} {fill.symbol} {fill.position_side or ''} at {fill.price:f} by "
                    f"{fill.client_order_id}"
                ),
            )


def account_flips(newest_first: Sequence[Modes]) -> Iterator[Alarm]:
    """Changes between one reading and the next."""
    for after, before in pairwise(newest_first):
        for name in ("hedge_mode", "multi_assets_mode"):
            was, now = getattr(before, name), getattr(after, name)
            if was is not now:
                yield _flip(after.as_of, "the account", name, "on" if was else "off", "on" if now else "off")


def symbol_flips(newest_first: Sequence[Configs], policy: TradingPolicy) -> Iterator[Alarm]:
    """Changes of traded symbols between one reading and the next; a leverage that becomes the policy's is our own doing."""
    for after, before in pairwise(newest_first):
        earlier = {config.symbol: config for config in before.configs}
        for config in after.configs:
            strategy, was = policy.of(config.symbol), earlier.get(config.symbol)
            if strategy is None or was is None:
                continue
            if config.leverage not in {was.leverage, strategy.leverage}:
                yield _flip(
                    after.as_of, config.symbol, "leverage", _text(was.leverage), _text(config.leverage)
                )
            if config.cross_margin is not was.cross_margin:
                yield _flip(
                    after.as_of,
                    config.symbol,
                    "margin type",
                    "cross" if was.cross_margin else "isolated",
                    "cross" if config.cross_margin else "isolated",
                )


def incident_changes(
    alarms: Iterable[Alarm],
    open_incidents: Sequence[Incident],
    last_opened: Mapping[str, datetime],
    *,
    account: str,
    now: datetime,
    orders_known: bool,
) -> IncidentChanges:
    """Open an incident for each rule newly broken, with all that was found; close those that are over.

    Args:
        last_opened: of each rule's key, when its newest incident was opened, by the venue's time; it may be closed since.
        orders_known: whether what rests is known; until then nobody can say that a second trader is gone.
    """
    found: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        found.setdefault(alarm.rule.key, []).append(alarm)
    standing = {incident.key: incident for incident in open_incidents if incident.key in RULES}
    opened = []
    for key, some in found.items():
        if key in standing:
            continue
        last = last_opened.get(key)
        new = [
            alarm for alarm in some if alarm.rule is SECOND_TRADER or last is None or alarm.occurred_at > last
        ]
        if new:
            opened.append(_incident(RULES[key], new, account=account, now=now))
    closed = []
    for key, incident in standing.items():
        if key == SECOND_TRADER.key and orders_known and key not in found:
            closed.append((incident, "recovered"))
        lasts = RULES[key].lasts
        if lasts is not None and now >= incident.opened_at + lasts:
            closed.append((incident, "expired"))
    return IncidentChanges(opened=tuple(opened), closed=tuple(closed))


def _incident(rule: Rule, alarms: Sequence[Alarm], *, account: str, now: datetime) -> Incident:
    return Incident(
        account=account,
        key=rule.key,
        opened_at=now,
        closed_at=None,
        latched=rule.latches,
        ceiling=rule.ceiling,
        reason=rule.reason,
        message="; ".join(alarm.message for alarm in alarms)[:MOST_TEXT],
        remedy=rule.remedy,
        holds_until=now + rule.lasts if rule.lasts is not None and rule.ceiling is not None else None,
        closed_by=None,
    )


def _flip(at: datetime, what: str, name: str, was: str, now: str) -> Alarm:
    return Alarm(
        rule=MODE_FLIPPED,
        occurred_at=at,
        message=f"{what}: {name.replace('_', ' ')} was {was} and is {now} since {at.isoformat()}",
    )


def _text(amount: Decimal) -> str:
    return f"{amount:f}"
