"""The outside, in memory: a venue, holdings and prices that keep their ports' promises, and a clock the test moves.

Real code, no mocks: a wallet moves by income rows alone, and what a fault hides is hidden, not undone.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hedge_pipeline import cycle
from hedge_pipeline.adapters.absent_venue import AbsentOrders
from hedge_pipeline.adapters.account_lock import FileAccountLock
from hedge_pipeline.adapters.history import HistoryFiles
from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.account import (
    AccountReading,
    AccountTotals,
    AssetRate,
    IncomeRow,
    Mark,
    MarksReading,
    Position,
    PositionSide,
)
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.instruments import Instrument, InstrumentsReading
from hedge_pipeline.domain.market_data import Candle, Fill, FundingRate
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.prices import AssetClass, PriceLimits, PricesReading, Quote
from hedge_pipeline.domain.publication.deliveries import Delivery, Outcome, Payload
from hedge_pipeline.domain.reserves import Holding, HoldingsReading, Place
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.verdicts import GateDecision, Incident
from hedge_pipeline.settings import load_settings
from hedge_pipeline_tests import examples
from hedge_pipeline_tests.examples import NOON


@dataclass
class MemoryPast:
    """``VenueHistory`` of ports over rows; an empty one answers that nothing happened."""

    rows: dict[type[Any], list[Any]] = field(default_factory=dict)
    failing: str | None = None

    def _within(self, kind: type[Any], stamp: str, since: datetime, until: datetime) -> list[Any]:
        if self.failing is not None:
            raise SourceUnavailable("venue history", self.failing)
        return [row for row in self.rows.get(kind, []) if since <= getattr(row, stamp) < until]

    def income_between(self, since: datetime, until: datetime) -> tuple[IncomeRow, ...]:
        return tuple(self._within(IncomeRow, "occurred_at", since, until))

    def fills_between(self, symbol: str, since: datetime, until: datetime) -> tuple[Fill, ...]:
        return tuple(row for row in self._within(Fill, "filled_at", since, until) if row.symbol == symbol)

    def funding_rates_between(self, symbol: str, since: datetime, until: datetime) -> tuple[FundingRate, ...]:
        found = self._within(FundingRate, "funded_at", since, until)
        return tuple(row for row in found if row.symbol == symbol)

    def candles_between(
        self, symbol: str, interval: timedelta, since: datetime, until: datetime
    ) -> tuple[Candle, ...]:
        found = self._within(Candle, "open_at", since, until)
        return tuple(row for row in found if row.symbol == symbol and row.interval == interval)


@dataclass
class MemoryPublisher:
    """``Publisher`` of ports over a dictionary: one writer per document, never an older version over a newer."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    """Paths whose writes nobody answers; ``*``: the server is gone."""
    target: str = "memory"

    def publish(self, payloads: Sequence[Payload], *, own_writers: AbstractSet[str]) -> tuple[Delivery, ...]:
        return tuple(self._publish(payload, own_writers) for payload in payloads)

    def _publish(self, payload: Payload, own_writers: AbstractSet[str]) -> Delivery:
        def told(outcome: Outcome, error: str | None = None, writer: str | None = None) -> Delivery:
            return Delivery(path=payload.path, outcome=outcome, attempts=1, error=error, found_writer=writer)

        if {payload.path, "*"} & self.failing:
            return told(Outcome.FAILED, "nobody answers")
        stored = self.documents.get(payload.path)
        if stored is not None:
            writer = stored.get("writer_id")
            if not isinstance(writer, str) or "schema_version" not in stored:
                return told(Outcome.REFUSED, "the document has no version: `hedge import` takes it over")
            if writer not in own_writers:
                return told(Outcome.REFUSED, f"the document is written by {writer}", writer)
            version = Payload(path=payload.path, fields=stored).version if stored["schema_version"] else None
            if version == payload.version:
                return told(Outcome.ALREADY_THERE)
            if version is not None and version > payload.version:
                return told(Outcome.OLDER, "what is stored is newer")
        self.documents[payload.path] = dict(payload.fields)
        return told(Outcome.WRITTEN)

    def read(self, paths: Sequence[str]) -> Mapping[str, Mapping[str, Any] | None]:
        if "*" in self.failing:
            raise SourceUnavailable("firestore", "nobody answers")
        return {path: self.documents.get(path) for path in paths}

    def archive(self, paths: Sequence[str], *, under: str, writer_id: str, at: datetime) -> Mapping[str, str]:
        self.read(paths)
        archived = {}
        for path in paths:
            stored = self.documents.get(path)
            if stored is None or stored.get("schema_version"):
                continue
            copy = f"{under}/{path.replace('/', '~')}"
            if "archived_to" not in stored:
                content = {"original_path": path, "archived_at": at, "content": stored}
                self.documents[copy] = content
                self.documents[path] = {
                    "schema_version": 0, "writer_id": writer_id, "archived_at": at, "archived_to": copy,
                }  # fmt: skip
            archived[path] = copy
        return archived


FUNDED_AT = NOON - timedelta(days=30)
"""When the venue's opening balances had come about."""
SOURCES = ("clock", "balances", "positions", "modes", "marks", "asset_rates", "instruments", "income")


@dataclass
class ManualClock:
    """``Clock`` of ports that stands still until it is moved."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - NOON).total_seconds() + 10_000.0

    def boot_id(self) -> str:
        return "the test's boot"

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Booking:
    """An income row of the venue's own books, and when each side of it is shown."""

    row: IncomeRow
    listed_at: datetime | None
    """``None``: never."""
    in_wallet_at: datetime


@dataclass
class MemoryVenue:
    """``Venue`` of ports: one hedge-mode account in single-asset mode."""

    clock: ManualClock
    opening: dict[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(100_000)})
    usd: dict[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(1)})
    marks: dict[str, Decimal] = field(default_factory=lambda: {"BTCUSDT": Decimal(50_000)})
    book: dict[tuple[str, PositionSide], tuple[Decimal, Decimal]] = field(default_factory=dict)
    """Quantity and entry price of each position."""
    bookings: list[Booking] = field(default_factory=list)
    failing: dict[str, str] = field(default_factory=dict)
    """Reason by source."""
    marks_age: timedelta = timedelta(0)
    account_age: timedelta = timedelta(0)
    hedge_mode: bool = True

    def move(
        self,
        income_type: str,
        amount: Decimal | int | str,
        asset: str = "USDT",
        *,
        listed_after: float | None = 0,
        in_wallet_after: float = 0,
        tran_id: str | None = None,
    ) -> IncomeRow:
        """Book a row now. It is listed, and in the wallet, so many seconds later; ``None``: never listed."""
        now = self.clock.at
        row = IncomeRow(
            account="main",
            income_type=income_type,
            tran_id=tran_id or str(len(self.bookings) + 1),
            trade_id="",
            asset=asset,
            symbol="",
            occurred_at=now,
            amount=Decimal(amount),
            info=income_type,
            recorded_at=now,
        )
        listed_at = None if listed_after is None else now + timedelta(seconds=listed_after)
        self.bookings.append(
            Booking(row=row, listed_at=listed_at, in_wallet_at=now + timedelta(seconds=in_wallet_after))
        )
        return row

    def wallet(self) -> dict[str, Decimal]:
        """What the venue shows now."""
        balances = dict(self.opening)
        for booking in self.bookings:
            if booking.in_wallet_at <= self.clock.at:
                row = booking.row
                balances[row.asset] = balances.get(row.asset, Decimal(0)) + row.amount
        return balances

    def positions(self) -> tuple[Position, ...]:
        return tuple(
            replace(
                examples.position(symbol, side, quantity, entry=entry, mark=self.marks[symbol]),
                updated_at=FUNDED_AT,
            )
            for (symbol, side), (quantity, entry) in sorted(self.book.items())
        )

    def read_account(self) -> AccountReading:
        at = self.clock.at - self.account_age
        positions = self.positions()
        unrealized = sum((entry.unrealized_pnl for entry in positions), Decimal(0))
        wallet = {"USDT": Decimal(0)} | self.wallet()
        balances = tuple(
            replace(
                examples.balance(asset, amount, unrealized if asset == "USDT" else 0),
                updated_at=max(
                    (b.row.occurred_at for b in self.bookings if b.row.asset == asset and b.in_wallet_at <= self.clock.at),
                    default=FUNDED_AT,
                ),
            )
            for asset, amount in sorted(wallet.items())
        )  # fmt: skip
        reading = examples.account_reading(
            balances,
            positions,
            at=at,
            attempted_at=self.clock.at,
            recorded_at=self.clock.at,
            hedge_mode=self.hedge_mode,
            clock=examples.clock_reading(
                self.clock.at,
                local_at=self.clock.now(),
                monotonic_s=self.clock.monotonic(),
                boot_id=self.clock.boot_id(),
            ),
            totals=AccountTotals(
                wallet_balance=wallet["USDT"],
                unrealized_pnl=unrealized,
                margin_balance=wallet["USDT"] + unrealized,
                maintenance_margin=Decimal(0),
            ),
        )
        for source in ("clock", "balances", "positions", "modes"):
            if source in self.failing:
                reading = examples.failed(reading, source, self.failing[source])
        return reading

    def read_marks(self, held: Sequence[str], assets: Sequence[str]) -> MarksReading:
        at = self.clock.at - self.marks_age
        unpriced = sorted(set(assets) - self.usd.keys())
        failing = dict(self.failing)
        if unpriced:
            failing["asset_rates"] = f"no index of {', '.join(unpriced)}"
        marks: tuple[Mark, ...] | None = tuple(
            examples.mark(symbol, self.marks[symbol], at=at) for symbol in sorted({"BTCUSDT", *held})
        )
        rates: tuple[AssetRate, ...] | None = tuple(
            AssetRate(asset=asset, usd=self.usd[asset], as_of=at)
            for asset in sorted({"USDT", *assets})
            if asset in self.usd
        )
        if "marks" in failing:
            marks = None
        if "asset_rates" in failing:
            rates = None
        return MarksReading(
            account="main",
            attempted_at=self.clock.at,
            recorded_at=self.clock.at,
            as_of=None if marks is None or rates is None else at,
            marks=marks,
            asset_rates=rates,
            sources=tuple(self._health(source, at, failing) for source in ("marks", "asset_rates")),
        )

    def read_instruments(self, held: Sequence[str]) -> InstrumentsReading:
        failing = "instruments" in self.failing
        return InstrumentsReading(
            account="main",
            attempted_at=self.clock.at,
            recorded_at=self.clock.at,
            as_of=None if failing else self.clock.at,
            instruments=None if failing else tuple(_instrument(s) for s in sorted({"BTCUSDT", *held})),
            sources=(self._health("instruments", self.clock.at, self.failing),),
        )

    def read_income(self, since: datetime) -> tuple[tuple[IncomeRow, ...], datetime]:
        if "income" in self.failing:
            raise SourceUnavailable("income", self.failing["income"])
        now = self.clock.at
        rows = (
            replace(booking.row, recorded_at=now)
            for booking in self.bookings
            if booking.listed_at is not None and booking.listed_at <= now and booking.row.occurred_at >= since
        )
        return tuple(sorted(rows, key=lambda row: row.occurred_at)), now

    @staticmethod
    def _health(source: str, at: datetime, failing: Mapping[str, str]) -> SourceHealth:
        if source in failing:
            return SourceHealth(source=source, ok=False, as_of=None, error=failing[source])
        return SourceHealth(source=source, ok=True, as_of=at)


def _instrument(symbol: str) -> Instrument:
    return Instrument(
        symbol=symbol,
        status="TRADING",
        base_asset=symbol.removesuffix("USDT"),
        quote_asset="USDT",
        margin_asset="USDT",
        price_increment=Decimal("0.1"),
        size_increment=Decimal("0.001"),
        minimum_quantity=Decimal("0.001"),
        maximum_quantity=Decimal(1000),
        minimum_notional_usd=Decimal(5),
        delivery_at=NOON + timedelta(days=36_500),
    )


@dataclass
class MemoryHoldings:
    """``HoldingsSource`` of ports: what a person would have written into the files."""

    clock: ManualClock
    treasury: dict[str, Decimal] = field(default_factory=dict)
    unreadable: str | None = None

    def read(self) -> HoldingsReading:
        if self.unreadable is not None:
            raise SourceMalformed("treasury.toml", self.unreadable)
        return HoldingsReading(
            as_of=self.clock.now(),
            treasury_configured=True,
            reserves_configured=True,
            holdings=tuple(
                Holding(place=Place.TREASURY, asset=asset, quantity=quantity)
                for asset, quantity in self.treasury.items()
            ),
            routes=(),
            marks=(),
        )


@dataclass
class MemoryPrices:
    """``Pricer`` of ports: everything at the venue's own rates."""

    venue: MemoryVenue

    def __call__(
        self,
        holdings: HoldingsReading | str,
        previous: PricesReading | None,
        now: Callable[[], datetime],
        /,
    ) -> PricesReading:
        at = now()
        held = () if isinstance(holdings, str) else holdings.holdings
        quotes = tuple(
            Quote(
                asset=asset,
                usd=self.venue.usd[asset],
                source=f"spot:{asset}",
                as_of=at,
                received_at=at,
                valid_until=at + timedelta(minutes=5),
                stamped=True,
                asset_class=AssetClass.CRYPTO,
            )
            for asset in sorted({holding.asset for holding in held})
        )
        return PricesReading(
            account="main",
            attempted_at=at,
            recorded_at=at,
            as_of=at if quotes else None,
            quotes=quotes,
            failures=(),
            carried=(),
            closed=(),
            sources=(),
        )


@dataclass
class MemoryStage:
    """A fund on the fakes and a real store, with what a test moves and looks at."""

    fund: Fund
    store: SqlStateStore
    clock: ManualClock
    venue: MemoryVenue
    holdings: MemoryHoldings
    decisions: list[GateDecision] = field(default_factory=list)

    def beat(self, times: int = 1, seconds: float = 30) -> GateDecision:
        """Let a cadence pass and do one whole cycle, ``times`` over."""
        for _ in range(times):
            self.clock.pass_by(seconds)
            self.decisions.append(cycle.run_cycle(self.fund))
        return self.decisions[-1]

    def close(self) -> None:
        self.store.close()

    @property
    def nav(self) -> NavSnapshot:
        snapshot = self.fund.latest(NavSnapshot)
        assert snapshot is not None
        return snapshot

    @property
    def peak(self) -> PeakState:
        state = self.fund.latest(PeakState)
        assert state is not None
        return state

    @property
    def navs(self) -> list[NavSnapshot]:
        """Every attempt, oldest first."""
        return self.fund.store.rows(NavSnapshot, "main")

    @property
    def accepted(self) -> list[NavSnapshot]:
        return [snapshot for snapshot in self.navs if snapshot.accepted]

    @property
    def latches(self) -> set[str]:
        """Reasons only a person can clear."""
        return {incident.reason for incident in self.fund.store.open_incidents("main") if incident.latched}

    def rearm(self) -> None:
        """Close every latch, as a person who has reviewed it would."""
        latched = [incident for incident in self.fund.store.open_incidents("main") if incident.latched]
        self.fund.store.append(
            closing=[replace(incident, closed_at=self.clock.at, closed_by="ana") for incident in latched]
        )

    @property
    def incidents(self) -> list[Incident]:
        return self.fund.store.rows(Incident, "main")


def memory_stage(
    home: Path, *, at: datetime = NOON, limits: Mapping[str, Any] | None = None, **venue: Any
) -> MemoryStage:
    """A fund on what is kept in ``home``: nothing yet, or the life of an earlier stage."""
    clock = ManualClock(at)
    outside = MemoryVenue(clock=clock, **venue)
    holdings = MemoryHoldings(clock=clock)
    store = open_state_store(f"sqlite:///{home / 'state.sqlite'}", create=True)
    fund = Fund(
        account="main",
        store=store,
        venue=outside,
        holdings=holdings,
        price=MemoryPrices(outside),
        price_limits=PriceLimits(),
        clock=clock,
        limits=examples.limits(**(limits or {})),
        numeraire="USDT",
        publisher=MemoryPublisher(),
        history=HistoryFiles(home / "history"),
        venue_history=MemoryPast(),
        orders=AbsentOrders(account="main", clock=clock, reason="nothing is traded here"),
        lock=FileAccountLock(home, "main"),
        trading=load_settings({"HEDGE_HOME": str(home)}).trading_policy(),
        self_inception=True,
    )
    return MemoryStage(fund=fund, store=store, clock=clock, venue=outside, holdings=holdings)
