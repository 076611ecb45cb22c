"""Alarming: what the stored rows say of a second trader, of fills the venue made by itself and of modes somebody changed."""

from collections.abc import Iterator, Sequence
from functools import partial

from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.trading.alarms import (
    ORIGINS,
    RULES,
    Alarm,
    Configs,
    Modes,
    account_flips,
    fill_alarms,
    incident_changes,
    second_trader_alarms,
    symbol_flips,
)
from hedge_pipeline.domain.trading.readings import LedgerFill, TermsReading
from hedge_pipeline.domain.trading.unwanted import orders_of_a_second_trader
from hedge_pipeline.domain.verdicts import Incident, IncidentChanges

RECENT_READINGS = 30
"""Readings compared with the one before: far more than are made between two protection cycles."""
RECENT_FILLS = 10


def changes_of_incidents(fund: Fund, orders: Sequence[KnownOrder] | None) -> IncidentChanges:
    """What opens and closes now. ``orders`` are those that rest; ``None``: not known."""
    newest = {key: fund.store.latest(Incident, fund.account, key=key) for key in RULES}
    return incident_changes(
        _alarms(fund, orders or ()),
        fund.store.open_incidents(fund.account),
        {key: incident.opened_at for key, incident in newest.items() if incident is not None},
        account=fund.account,
        now=fund.now(),
        orders_known=orders is not None,
    )


def _alarms(fund: Fund, orders: Sequence[KnownOrder]) -> Iterator[Alarm]:
    others = orders_of_a_second_trader(orders, partial(fund.trading.book, fund.store.store_id, fund.account))
    yield from second_trader_alarms(
        [f"{order.symbol} {order.side} {order.position_side}: {order.client_order_id}" for order in others],
        fund.now(),
    )
    for origin in ORIGINS:
        yield from fill_alarms(
            fund.store.rows(LedgerFill, fund.account, origin=origin, newest_first=True, limit=RECENT_FILLS)
        )
    yield from account_flips(_modes(fund))
    yield from symbol_flips(_configs(fund), fund.trading)


def _modes(fund: Fund) -> list[Modes]:
    rows = fund.store.columns(
        AccountReading,
        fund.account,
        "as_of",
        "hedge_mode",
        "multi_assets_mode",
        limit=RECENT_READINGS,
        newest_first=True,
    )
    return [
        Modes(as_of=as_of, hedge_mode=hedge, multi_assets_mode=multi)
        for as_of, hedge, multi in rows
        if as_of is not None and hedge is not None and multi is not None
    ]


def _configs(fund: Fund) -> list[Configs]:
    rows = fund.store.columns(
        TermsReading, fund.account, "as_of", "configs", limit=RECENT_READINGS, newest_first=True
    )
    return [
        Configs(as_of=as_of, configs=configs)
        for as_of, configs in rows
        if as_of is not None and configs is not None
    ]
