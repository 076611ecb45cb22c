"""The read model: what the fund is worth and whether it may trade, as the stored rows tell it at one instant.

Status, explanation and publications all show this one view, so that they cannot differ. Nothing in it is written, asked
of a source or carried past its age: every figure stands beside its own instant, and the verdict is evaluated now.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.flows import FlowClassification, residual_key
from hedge_pipeline.domain.fund_view import FundView, WaitingFlow
from hedge_pipeline.domain.gate_limits import active_waiver
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.publication.publications import Publication
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.explaining import SymbolAccount, account_of
from hedge_pipeline.domain.trading.intents import OrderUpdate
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow
from hedge_pipeline.domain.trading.readings import OrdersReading
from hedge_pipeline.domain.verdicts import GateDecision, TradingState

NUMBERED: tuple[type[Any], ...] = (AccountReading, NavSnapshot, PeakState, GateDecision)
"""Tables whose newest row ids order what is published."""


def read_fund(fund: Fund, *, at: datetime | None = None) -> FundView:
    """The view now (or as these rows looked ``at`` an instant of the venue's time), from the store alone.

    Raises:
        StoreUnavailable: the store cannot be read.
        InvalidState: it holds a row that cannot be understood.
    """
    # Ids before rows: a row that is newer than its id is published again, one that is older would never be.
    seqs = {
        table: seq for table in NUMBERED if (seq := fund.store.newest_seq(table, fund.account)) is not None
    }
    inputs = cycle.gate_inputs(fund)
    decision = cycle.judge(fund, inputs, at=at)
    publication = fund.latest(Publication)
    attempt = inputs.nav
    nav = attempt if attempt is None or attempt.accepted else _last_accepted(fund)
    reading = fund.last_known(AccountReading, "positions")
    orders = fund.last_known(OrdersReading, "orders")
    return FundView(
        account=fund.account,
        evaluated_at=decision.decided_at,
        limits=fund.limits,
        decision=decision,
        decided_at=stored.decided_at if (stored := fund.latest(GateDecision)) else None,
        otherwise=_otherwise(fund, decision.state),
        attempt=attempt,
        nav=nav,
        peak=inputs.peak,
        positions=reading.positions if reading else None,
        positions_as_of=_positions_as_of(reading),
        open_orders=orders.orders if orders else None,
        open_orders_as_of=orders.as_of if orders else None,
        exits=fund.last_known(ExitCover, "as_of"),
        silence=fund.trading.silence,
        trading_enabled=fund.trading.enabled,
        trading=tuple(trading_accounts(fund)),
        incidents=inputs.incidents or (),
        waiver=active_waiver(inputs, decision.decided_at),
        waiting=waiting_flows(fund, attempt),
        seqs=seqs,
        published=publication.documents if publication else (),
        published_at=publication.attempted_at if publication else None,
    )


def trading_accounts(fund: Fund) -> Iterator[SymbolAccount]:
    """What became of each strategy's last bar."""
    for strategy in fund.trading.strategies:
        plan = fund.store.latest(PlanRow, fund.account, symbol=strategy.symbol)
        ladder = fund.store.latest(LadderRow, fund.account, symbol=strategy.symbol)
        entries = plan.entries if plan else ()
        updates = [
            fund.store.latest(OrderUpdate, fund.account, client_order_id=entry.order.client_order_id)
            for entry in entries
        ]
        yield account_of(strategy.symbol, ladder, plan, [update for update in updates if update])


def waiting_flows(fund: Fund, attempt: NavSnapshot | None) -> tuple[WaitingFlow, ...]:
    """What the latest valuation cannot go on without: unannounced outflows and unexplained balance changes."""
    if attempt is None:
        return ()
    classified = {row.flow_key for row in fund.store.rows(FlowClassification, fund.account)}
    waiting = [
        WaitingFlow(flow_key=flow.flow_key, asset=flow.asset, amount=flow.amount, since=flow.since)
        for flow in attempt.unclassified
    ]
    since = attempt.unreconciled_since
    if since is not None:
        waiting += [
            WaitingFlow(
                flow_key=residual_key(entry.asset, since, entry.residual),
                asset=entry.asset,
                amount=entry.residual,
                since=since,
            )
            for entry in attempt.residuals
            if entry.residual
        ]
    return tuple(flow for flow in waiting if flow.flow_key not in classified)


def _last_accepted(fund: Fund) -> NavSnapshot | None:
    return fund.store.latest(NavSnapshot, fund.account, accepted=True)


def _otherwise(fund: Fund, state: TradingState) -> GateDecision | None:
    others = [
        fund.store.latest(GateDecision, fund.account, state=other)
        for other in TradingState
        if other is not state
    ]
    return max((found for found in others if found), key=lambda found: found.decided_at, default=None)


def _positions_as_of(reading: AccountReading | None) -> datetime | None:
    sources = reading.sources if reading else ()
    return next((source.as_of for source in sources if source.source == "positions"), None)
