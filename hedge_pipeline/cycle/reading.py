"""Reading the world: each step asks one outside source and appends its attempt, successful or not."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from hedge_pipeline.cycle.fund import Fund, retried
from hedge_pipeline.domain.account import AccountReading, IncomeReading, MarksReading, went_backwards
from hedge_pipeline.domain.drawdown import start_of_day
from hedge_pipeline.domain.errors import InvalidState, SourceUnavailable
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.prices import PricesReading
from hedge_pipeline.domain.readings import assets_in_question
from hedge_pipeline.domain.reserves import HoldingsReading, ReservesValuation
from hedge_pipeline.domain.reserves import value_reserves as valued
from hedge_pipeline.domain.sources import SourceHealth


def read_account(fund: Fund) -> AccountReading:
    """Clock, balances, positions and modes; an answer older than one already had is a failed source."""
    reading = fund.venue.read_account()
    for source in ("balances", "positions"):
        backwards = went_backwards(fund.last_known(AccountReading, source), reading)
        if backwards is not None and backwards.startswith(source):
            reading = _refused(reading, source, backwards)
    fund.store.append(reading)
    return reading


def _refused(reading: AccountReading, source: str, reason: str) -> AccountReading:
    """The reading without what ``source`` said."""
    sources = tuple(
        SourceHealth(source=entry.source, ok=False, as_of=None, error=reason)
        if entry.source == source
        else entry
        for entry in reading.sources
    )
    if source == "positions":
        return replace(reading, positions=None, sources=sources)
    return replace(
        reading,
        as_of=None,
        answered_at=None,
        balances=None,
        totals=None,
        account_positions=None,
        sources=sources,
    )


def _held(fund: Fund) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Symbols the account holds and assets a valuation needs a price of, by the last readings that knew."""
    with_positions = fund.last_known(AccountReading, "positions")
    with_balances = fund.last_known(AccountReading, "balances")
    symbols = {p.symbol for p in (with_positions.positions if with_positions else None) or ()}
    balances = (with_balances.balances if with_balances else None) or ()
    assets = {b.asset for b in balances if b.wallet_balance or b.unrealized_pnl} | {fund.numeraire}
    previous = fund.latest(NavSnapshot)
    if previous is not None and previous.baseline is not None:
        assets |= assets_in_question(previous, (row for _, row in fund.pending_income(previous.baseline)))
    return tuple(sorted(symbols)), tuple(sorted(assets - fund.uncounted))


def read_marks(fund: Fund) -> MarksReading:
    """Marks of what is held or configured and USD rates of what is owned."""
    symbols, assets = _held(fund)
    reading = fund.venue.read_marks(symbols, assets)
    fund.store.append(reading)
    return reading


def read_instruments(fund: Fund) -> InstrumentsReading:
    """Appended when it says something new, failed, or the last row is an hour old: it is read every cycle."""
    symbols, _ = _held(fund)
    reading = fund.venue.read_instruments(symbols)
    last = fund.latest(InstrumentsReading)
    unchanged = (
        last is not None
        and last.instruments is not None
        and last.instruments == reading.instruments
        and reading.recorded_at - last.recorded_at < timedelta(hours=1)
    )
    if not unchanged:
        fund.store.append(reading)
    return reading


def read_income(fund: Fund) -> IncomeReading:
    """Every row the venue has booked since a little before the last read; rows already stored are skipped."""
    attempted_at = fund.clock.now()
    last = fund.last_known(IncomeReading, "as_of")
    now = fund.now()
    zone = ZoneInfo(fund.limits.reset_timezone)
    since = last.as_of if last and last.as_of else start_of_day(now.astimezone(zone).date(), zone)
    since -= fund.limits.freshness.income_overlap
    as_of, error, rows_read, rows_new = None, None, 0, 0
    try:
        rows, as_of = fund.venue.read_income(since)
        rows_read, rows_new = len(rows), fund.store.append_new_income(rows)
    except SourceUnavailable as failure:
        error = failure.reason
    except InvalidState as contradiction:
        as_of, error = None, str(contradiction)
    reading = IncomeReading(
        account=fund.account,
        attempted_at=attempted_at,
        recorded_at=fund.clock.now(),
        as_of=as_of,
        since=since,
        rows_read=rows_read,
        rows_new=rows_new,
        sources=(SourceHealth(source="income", ok=error is None, as_of=as_of, error=error),),
    )
    fund.store.append(reading)
    return reading


def read_prices(fund: Fund) -> PricesReading:
    """A price for everything held off the venue, each provider asked at most once."""
    reading = fund.price(_holdings(fund), fund.latest(PricesReading), fund.now)
    fund.store.append(reading)
    return reading


def _holdings(fund: Fund) -> HoldingsReading | str:
    """What is held, or in one line why that cannot be read."""
    try:
        return fund.holdings.read()
    except SourceUnavailable as failure:
        return str(failure)


def value_reserves(fund: Fund) -> ReservesValuation:
    """Treasury and reserves at the latest prices."""
    return retried(lambda: _append_reserves(fund))


def _append_reserves(fund: Fund) -> ReservesValuation:
    previous = fund.latest(ReservesValuation)
    valuation = valued(
        account=fund.account,
        ordinal=previous.ordinal + 1 if previous else 1,
        holdings=_holdings(fund),
        prices=fund.latest(PricesReading),
        previous=previous,
        limits=fund.price_limits,
        now=fund.now(),
    )
    fund.store.append(valuation)
    return valuation
