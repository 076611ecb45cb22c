"""What a step of the fund cycle read, computed or did, in a few words for the terminal."""

from collections import Counter
from functools import singledispatch

import click

from hedge_pipeline.cli import words
from hedge_pipeline.domain.account import AccountReading, IncomeReading, MarksReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.prices import PricesReading
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.trading.executing import Execution
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow, RegimeRow
from hedge_pipeline.domain.trading.readings import CandlesReading, FillsReading, OrdersReading, TermsReading
from hedge_pipeline.domain.verdicts import GateDecision


@singledispatch
def seen(_row: object) -> str:
    """What a step read or computed, in a few words."""
    return "nothing to absorb: no accepted NAV with units, or no baseline"


@seen.register
def _(row: AccountReading) -> str:
    clock = f", clock {row.clock.offset.total_seconds():+.3f} s" if row.clock else ""
    return _read(row.sources, f"{_count(row.balances)} assets, {_count(row.positions)} positions{clock}")


@seen.register
def _(row: MarksReading) -> str:
    return _read(row.sources, f"{_count(row.marks)} marks, {_count(row.asset_rates)} rates")


@seen.register
def _(row: InstrumentsReading) -> str:
    return _read(row.sources, f"{_count(row.instruments)} instruments")


@seen.register
def _(row: IncomeReading) -> str:
    return _read(row.sources, f"{row.rows_read} rows, {row.rows_new} new")


@seen.register
def _(row: PricesReading) -> str:
    failed = "".join(f"; {failure.asset} unpriced: {failure.reason}" for failure in row.failures)
    return _read(row.sources, f"{len(row.quotes)} prices{failed}")


@seen.register
def _(row: ReservesValuation) -> str:
    bound = "" if row.complete else f", a lower bound: {row.error or 'some holdings have no price'}"
    return f"treasury {words.money(row.treasury_usd)} + reserves {words.money(row.reserves_usd)} USD{bound}"


@seen.register
def _(row: NavSnapshot) -> str:
    if row.accepted:
        return f"NAV {words.money(row.nav_usd)} USD, AUM {words.money(row.aum_usd)} USD"
    return click.style("not accepted: ", fg="red") + problems(row)


@seen.register
def _(row: PeakState) -> str:
    return f"high-water mark {words.figure(row.high_water_mark)}, drawdown {words.figure(row.drawdown)}"


@seen.register
def _(row: GateDecision) -> str:
    reasons = dict.fromkeys(breach.reason for breach in row.breaches)
    return f"{words.colored(row.state)}{': ' + ', '.join(reasons) if reasons else ''}"


@seen.register
def _(row: OrdersReading) -> str:
    opening = [order for order in row.orders or () if not order.reduces_position]
    return _read(row.sources, f"{_count(row.orders)} orders, {len(opening)} of them open positions")


@seen.register
def _(row: FillsReading) -> str:
    return _read(row.sources, f"{row.rows_read} rows, {row.rows_new} new")


@seen.register
def _(row: TermsReading) -> str:
    return _read(row.sources, f"{_count(row.configs)} symbols set up, {_count(row.terms)} with brackets")


@seen.register
def _(row: ExitCover) -> str:
    held = [side for side in row.sides if side.position_quantity]
    covered = sum(not side.unprotected_quantity for side in held)
    placed = sum(len(side.placed) for side in row.sides)
    problem = click.style("  PROBLEM ", fg="red") + row.problem if row.problem else ""
    return f"{covered} of {len(held)} positions covered, {placed} exits placed{problem}"


@seen.register
def _(rows: tuple) -> str:  # type: ignore[type-arg]  # singledispatch takes no subscript
    """Rows of one step, one per symbol."""
    return "; ".join(seen(row) for row in rows) or "no symbol is traded"


@seen.register
def _(row: CandlesReading) -> str:
    return _read(row.sources, f"{row.symbol} {_count(row.candles)} candles")


@seen.register
def _(row: RegimeRow) -> str:
    return f"{row.symbol} {row.reading.regime or f'unknown: {row.reading.detail}'}"


@seen.register
def _(row: LadderRow) -> str:
    if row.ladders is None:
        return f"{row.symbol} nothing is wanted: {row.withheld}"
    return f"{row.symbol} {len(row.ladders.long)} rungs below, {len(row.ladders.short)} above {row.mid_price}"


@seen.register
def _(row: PlanRow) -> str:
    told = f"{row.symbol} {len(row.entries)} to send, {len(row.keep)} kept, {len(row.cancel)} to cancel"
    reasons = Counter(veto.reason for vetoed in row.vetoed for veto in vetoed.vetoes)
    if reasons:
        told += f", {len(row.vetoed)} vetoed: {', '.join(reasons)}"
    return f"{told}; withheld: {row.withheld}" if row.withheld else told


@seen.register
def _(row: Execution) -> str:
    return str(row).replace("\n", "; ")


def problems(row: NavSnapshot) -> str:
    return "; ".join(f"{problem.source} {problem.code}: {problem.message}" for problem in row.problems)


def _read(sources: tuple[SourceHealth, ...], seen: str) -> str:
    failed = [f"{source.source}: {source.error}" for source in sources if not source.ok]
    return seen + (click.style("  FAILED ", fg="red") + "; ".join(failed) if failed else "")


def _count(rows: tuple[object, ...] | None) -> str:
    return words.UNKNOWN if rows is None else str(len(rows))
