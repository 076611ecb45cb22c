"""A venue on a path of prices that the test states second by second, and the requests a client would send to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hedge_pipeline.paper import trading, walk
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.instruments import INSTRUMENTS
from hedge_pipeline.paper.market import Market
from hedge_pipeline.paper.player import Bar, Funding, PriceRange, Prices, Series, Span, UnknownSymbol
from hedge_pipeline.paper.requests import Refusal
from hedge_pipeline.paper.seed import AccountSeed
from hedge_pipeline_tests.paper.conftest import NOON_MS, SECOND_MS

BTC = "BTCUSDT"


class StatedPlayer:
    """Prices by second of the path; a second nothing was stated for has those of the last one before it."""

    def __init__(self, **start: str) -> None:
        self._stated = {symbol: {-1: (Decimal(price), Decimal(price))} for symbol, price in start.items()}

    def state(self, symbol: str, second: int, last: Decimal, mark: Decimal) -> None:
        self._stated[symbol][second] = last, mark

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._stated)

    def prices(self, symbol: str, path_ms: int) -> Prices:
        if symbol not in self._stated:
            raise UnknownSymbol(symbol)
        stated = self._stated[symbol]
        last, mark = stated[max(second for second in stated if second <= max(path_ms // SECOND_MS, -1))]
        return Prices(last=last, mark=mark, index=mark, as_of_path_ms=path_ms)

    def price_range(self, symbol: str, path_ms: Sequence[int]) -> PriceRange:
        return PriceRange.of(self.prices(symbol, at) for at in path_ms)

    def bars(self, symbol: str, series: Series, spans: Sequence[Span], *, step_ms: int) -> list[Bar | None]:
        return [None for _ in spans]

    def funding(self, symbol: str, path_ms: int) -> Funding:
        return Funding(rate=Decimal(0), interval_hours=8)


@dataclass
class Desk:
    """An account that trades BTCUSDT from 60 000 on; every order gets its own client order id unless it is given one."""

    balance: str = "100000"
    seed: int = 1
    partial_share: str = "0"
    player: StatedPlayer = field(
        default_factory=lambda: StatedPlayer(BTCUSDT="60000", ETHUSDT="3000", USDTUSD="1")
    )
    now_ms: int = NOON_MS

    def __post_init__(self) -> None:
        market = Market(self.player, INSTRUMENTS, sessions=())
        market.resume(self.now_ms, pace=Decimal(1))
        account = AccountSeed(balances={"USDT": Decimal(self.balance)}, positions=())
        self.core = Core.opened(account, INSTRUMENTS, market, now_ms=self.now_ms)
        self.core.order_book.seed = self.seed
        self.core.order_book.partial_share = Decimal(self.partial_share)
        walk.advance(self.core, self.now_ms)

    def walk(self, *lasts: object, mark: object = None, symbol: str = BTC) -> None:
        """A second per price; the mark is the last price unless given."""
        for last in lasts:
            self.now_ms += SECOND_MS
            price = Decimal(str(last))
            stated = price if mark is None else Decimal(str(mark))
            self.player.state(symbol, (self.now_ms - NOON_MS) // SECOND_MS, price, stated)
            self._pass()

    def wait(self, milliseconds: int) -> None:
        self.now_ms += milliseconds
        self._pass()

    def _pass(self) -> None:
        """No other path is stated while it is walked: what was seen of this one to come does not count."""
        self.core.unreached = None
        walk.advance(self.core, self.now_ms)

    def ask(self, request: Any, **params: object) -> Any:
        texts = {name: str(value) for name, value in params.items()}
        return request(self.core, self.now_ms, {"symbol": BTC, **texts})

    def limit(self, way: str, price: object, quantity: object = "0.1", **more: object) -> Any:
        """`way` is what the order does: "BUY LONG" and so on."""
        side, position_side = way.split()
        return self.ask(
            trading.new_order,
            **{
                "side": side,
                "positionSide": position_side,
                "type": "LIMIT",
                "timeInForce": "GTC",
                "price": price,
                "quantity": quantity,
                **more,
            },
        )

    def market(self, way: str, quantity: object = "0.1", **more: object) -> Any:
        side, position_side = way.split()
        return self.ask(
            trading.new_order, side=side, positionSide=position_side, type="MARKET", quantity=quantity, **more
        )

    def conditional(self, way: str, kind: str, trigger: object, **more: object) -> Any:
        side, position_side = way.split()
        sized: dict[str, object] = {} if more.get("closePosition") else {"quantity": "0.1"}
        return self.ask(
            trading.new_conditional,
            **{
                "side": side,
                "positionSide": position_side,
                "type": kind,
                "algoType": "CONDITIONAL",
                "triggerPrice": trigger,
                "workingType": "MARK_PRICE",
                **sized,
                **more,
            },
        )

    def order(self, placed: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.ask(trading.query_order, orderId=placed["orderId"])
        return found

    def algo(self, placed: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.ask(trading.query_conditional, algoId=placed["algoId"])
        return found

    def held(self, position_side: str, symbol: str = BTC) -> Decimal:
        return sum(
            (p.quantity for key, p in self.core.positions.items() if key == (symbol, position_side)),
            Decimal(0),
        )

    def refusal(self, request: Any, *arguments: object, **more: object) -> int:
        """The code the request is refused with; that nothing came of it is checked too."""
        before = self.core.revision, len(self.core.order_book.orders), self.core.order_book.next_order_id
        try:
            taken = request(*arguments, **more)
        except Refusal as refusal:
            now = self.core.revision, len(self.core.order_book.orders), self.core.order_book.next_order_id
            assert now == before
            return int(str(refusal.body["code"]))
        raise AssertionError(f"was taken: {taken}")
