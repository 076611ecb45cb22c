"""The exchange itself: one account, one market, and everything that may happen to them.

Pure of clock, wire and disk: every method takes the instant it happens at, in milliseconds, and the same calls give the same
state. Orders are state of it; what becomes of them is decided in `trading`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from hedge_pipeline.paper.instruments import Instrument
from hedge_pipeline.paper.ledger import Income, Ledger, bookable, quantized
from hedge_pipeline.paper.margin import AssetRate, ValuedAccount, value_account
from hedge_pipeline.paper.market import Market, Session
from hedge_pipeline.paper.orders import OrderBook
from hedge_pipeline.paper.player import UnknownSymbol
from hedge_pipeline.paper.positions import Position, PositionSide, value
from hedge_pipeline.paper.seed import ASSET_BUFFERS, AccountSeed, SeedPosition
from hedge_pipeline.paper.trades import Trade

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """While revision and session stand, no order is reached in the seconds after the start and up to the end."""

    revision: int
    session: Session
    start_ms: int
    end_ms: int


class Core:
    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        market: Market,
        ledger: Ledger,
        *,
        positions: Iterable[Position],
        multi_assets: bool,
        hedge_mode: bool,
        funded_until_ms: int,
        trades: Iterable[Trade] = (),
        order_book: OrderBook | None = None,
    ) -> None:
        self.instruments = dict(instruments)
        self.market = market
        self.ledger = ledger
        self.positions: dict[tuple[str, PositionSide], Position] = {}
        for position in positions:
            self.instrument(position.symbol)
            self.positions[position.symbol, position.position_side] = position
        self.multi_assets = multi_assets
        self.hedge_mode = hedge_mode
        self.funded_until_ms = funded_until_ms
        self.trades = list(trades)
        self.order_book = order_book or OrderBook()
        self.revision = 0
        """Counts changes that must survive a restart."""
        self.covered: tuple[int, int] | None = None
        """While this revision stands, margins are far from used up until that instant of the path; None: nobody knows."""

        self.unreached: Unreached | None = None
        """None: nobody knows."""

    @classmethod
    def opened(
        cls, seed: AccountSeed, instruments: Mapping[str, Instrument], market: Market, *, now_ms: int
    ) -> Self:
        """A fresh account, its book entered at the prices of this instant."""
        return cls(
            instruments,
            market,
            Ledger(opening=dict(seed.balances), opened_ms=now_ms),
            positions=[_entered(planned, instruments, market, now_ms) for planned in seed.positions],
            multi_assets=seed.multi_assets,
            hedge_mode=seed.hedge_mode,
            funded_until_ms=now_ms,
        )

    def instrument(self, symbol: str) -> Instrument:
        try:
            return self.instruments[symbol]
        except KeyError:
            raise UnknownSymbol(symbol) from None

    def advance(self, now_ms: int) -> None:
        """Let everything due by now happen: funding of every whole hour since the last call, missed ones included."""
        first = self.funded_until_ms - self.funded_until_ms % HOUR_MS + HOUR_MS
        for instant in range(first, now_ms + 1, HOUR_MS):
            self._charge_funding(instant)
            self.funded_until_ms = instant
            self.revision += 1

    def _charge_funding(self, instant_ms: int) -> None:
        """Payment = −signed quantity × mark price × rate: a long pays a positive rate.

        Source: funding of USD-M perpetuals; the mark is that of the funding instant itself.
        """
        for position in self.positions.values():
            funding = self.market.funding(position.symbol, instant_ms)
            if (instant_ms // HOUR_MS) % funding.interval_hours or not position.quantity:
                continue
            mark = self.market.quote(position.symbol, instant_ms).mark_price
            amount = quantized(-position.signed_quantity * mark * funding.rate)
            if amount:
                asset = self.instruments[position.symbol].margin_asset
                self.ledger.book("FUNDING_FEE", asset, amount, time_ms=instant_ms, symbol=position.symbol)

    def next_funding_ms(self, symbol: str, now_ms: int) -> int:
        step = self.market.funding(symbol, now_ms).interval_hours * HOUR_MS
        return now_ms - now_ms % step + step

    def book(
        self,
        income_type: str,
        asset: str,
        amount: Decimal,
        *,
        now_ms: int,
        symbol: str = "",
        trade_id: str = "",
    ) -> Income:
        """One income row of any type, and the wallet with it."""
        if symbol:
            self.instrument(symbol)
        row = self.ledger.book(income_type, asset, amount, time_ms=now_ms, symbol=symbol, trade_id=trade_id)
        self.revision += 1
        return row

    def deposit(self, asset: str, amount: Decimal, *, now_ms: int) -> Income:
        return self.book("TRANSFER", asset, _positive(amount), now_ms=now_ms)

    def withdraw(self, asset: str, amount: Decimal, *, now_ms: int) -> Income:
        """Raises ValueError above what the venue would let out."""
        amount = _positive(amount)
        held = self.account(now_ms).assets.get(asset)
        most = held.max_withdrawal if held else Decimal(0)
        if amount > most:
            raise ValueError(f"amount: {amount} {asset} is more than the {most} {asset} that may leave")
        return self.book("TRANSFER", asset, -amount, now_ms=now_ms)

    def realize(self, symbol: str, amount: Decimal, *, now_ms: int) -> Income:
        """Book a realized profit or loss in the contract's margin asset, as a closed trade would."""
        asset = self.instrument(symbol).margin_asset
        return self.book(
            "REALIZED_PNL", asset, amount, now_ms=now_ms, symbol=symbol, trade_id=self._trade_id()
        )

    def charge_commission(self, symbol: str, asset: str, amount: Decimal, *, now_ms: int) -> Income:
        """Take a trading fee, given unsigned, in any asset."""
        return self.book(
            "COMMISSION", asset, -_positive(amount), now_ms=now_ms, symbol=symbol, trade_id=self._trade_id()
        )

    def convert(
        self, source: str, source_amount: Decimal, target: str, target_amount: Decimal, *, now_ms: int
    ) -> tuple[Income, Income]:
        """Swap one asset of the wallet for another: two rows that share their tranId."""
        amounts = _positive(source_amount), _positive(target_amount)
        tran_id = self.ledger.new_tran_id()
        out = self.ledger.book("COIN_SWAP_WITHDRAW", source, -amounts[0], time_ms=now_ms, tran_id=tran_id)
        back = self.ledger.book("COIN_SWAP_DEPOSIT", target, amounts[1], time_ms=now_ms, tran_id=tran_id)
        self.revision += 1
        return out, back

    def move_price(self, symbol: str, factor: Decimal, *, now_ms: int) -> None:
        self.market.shock(symbol, factor, at_ms=now_ms)
        self.revision += 1

    def set_mode(self, *, multi_assets: bool | None = None, hedge_mode: bool | None = None) -> None:
        """Flip what the account says of itself, as somebody at another screen would; the book stays as it is."""
        self.multi_assets = self.multi_assets if multi_assets is None else multi_assets
        self.hedge_mode = self.hedge_mode if hedge_mode is None else hedge_mode
        self.revision += 1

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Of both sides of a contract; margins are those of the new leverage from now on."""
        self.instruments[symbol] = replace(self.instrument(symbol), leverage=leverage)
        self.revision += 1

    def rates(self, now_ms: int) -> dict[str, AssetRate]:
        rates = {}
        for asset, buffer in ASSET_BUFFERS.items():
            quote = self.market.usd_rate(asset, now_ms)
            if quote is not None:
                rates[asset] = AssetRate(
                    index=quote.index_price, bid_buffer=buffer, ask_buffer=buffer, time_ms=quote.time_ms
                )
        return rates

    def account(self, now_ms: int, *, wallet_lag_ms: int = 0) -> ValuedAccount:
        """The account at this instant; a lag leaves out what reached the wallet less than that long ago."""
        balances = dict(self.ledger.balances)
        if wallet_lag_ms:
            for row in self.ledger.rows_after(now_ms - wallet_lag_ms):
                balances[row.asset] -= row.amount
        valued = [
            value(
                p,
                self.instruments[p.symbol],
                self.market.quote(p.symbol, now_ms).mark_price,
                resting_notional=self.order_book.resting_notional(p.symbol, p.position_side),
            )
            for p in self.positions.values()
        ]
        rates = self.rates(now_ms) if self.multi_assets else {}
        return value_account(balances, valued, rates, multi_assets=self.multi_assets)

    def _trade_id(self) -> str:
        return str(self.ledger.next_tran_id - 7_000_000_000)


def _entered(
    planned: SeedPosition, instruments: Mapping[str, Instrument], market: Market, now_ms: int
) -> Position:
    entry = planned.entry_price
    if entry is None:
        mark = market.quote(planned.symbol, now_ms).mark_price
        increment = instruments[planned.symbol].price_increment
        entry = (mark * (1 + planned.entry_offset) / increment).to_integral_value() * increment
    return Position(
        symbol=planned.symbol,
        position_side=planned.position_side,
        quantity=planned.quantity,
        entry_price=entry,
        updated_ms=now_ms,
    )


def _positive(amount: Decimal) -> Decimal:
    if bookable(amount) < 0:
        raise ValueError(f"amount: {amount} is negative; the action already says which way it goes")
    return amount
