"""What the world does around a fund: prices and time, a venue that fails, people at other screens."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.account import PositionSide as Side
from hedge_pipeline.domain.client_order_ids import OrderName, client_order_id
from hedge_pipeline.domain.orders import OrderKind
from hedge_pipeline.paper.control import ControlRefused
from hedge_pipeline.paper.positions import PositionSide
from tools.soak_market import BASES
from tools.soak_stage import LISTED, SoakStage
from tools.soak_truth import Truth

READS = (
    "GET /fapi/v1/time",
    "GET /fapi/v3/account",
    "GET /fapi/v3/positionRisk",
    "GET /fapi/v1/accountConfig",
    "GET /fapi/v1/premiumIndex",
    "GET /fapi/v1/assetIndex",
    "GET /fapi/v1/income",
    "GET /fapi/v1/openOrders",
    "GET /fapi/v1/openAlgoOrders",
    "GET /fapi/v1/userTrades",
    "GET /fapi/v1/klines",
    "GET /fapi/v1/order",
    "GET /fapi/v1/algoOrder",
)
CHANGES = (
    "POST /fapi/v1/order",
    "POST /fapi/v1/batchOrders",
    "POST /fapi/v1/algoOrder",
    "POST /fapi/v1/countdownCancelAll",
    "DELETE /fapi/v1/order",
    "DELETE /fapi/v1/batchOrders",
    "DELETE /fapi/v1/algoOrder",
)
RESTING: tuple[tuple[str, PositionSide], ...] = (("BUY", "LONG"), ("SELL", "SHORT"), ("SELL", "LONG"))
TAKING: tuple[tuple[str, PositionSide], ...] = (*RESTING, ("BUY", "SHORT"), ("SELL", "LONG"))
OVERLOADED = '{"code":-1008,"msg":"Server is currently overloaded with other requests. Please try again in a few minutes."}'


@dataclass
class Play:
    """What a step works on."""

    stage: SoakStage
    truth: Truth
    rng: Random
    bar_ms: int = 0
    """Close of the bar that was traded last."""

    @property
    def fund(self) -> Fund:
        return self.stage.fund


def calm(play: Play) -> str:
    seconds = play.rng.uniform(1, 10)
    play.stage.pass_by(seconds, deviation_bps=play.rng.uniform(5, 30))
    return f"{seconds:.1f} s"


def trend(play: Play) -> str:
    drift = play.rng.choice((-1, 1)) * play.rng.uniform(20, 60)
    seconds = play.rng.uniform(4, 20)
    drift = -abs(drift) if play.stage.player.price("BTCUSDT") > 1.15 else drift
    drift = abs(drift) if play.stage.player.price("BTCUSDT") < 0.85 else drift
    play.stage.pass_by(seconds, deviation_bps=5, drift_bps=drift)
    return f"{drift:+.0f} bps per 15 s for {seconds:.1f} s"


def jump(play: Play) -> str:
    sign = play.rng.choice((-1, 1))
    level = play.stage.player.price("BTCUSDT")
    sign = -1 if level > 1.1 else 1 if level < 0.9 else sign
    size = play.rng.choice((50, 100, 300, 1000))
    play.stage.player.jump(
        play.stage.path_ms, {symbol: sign * round(size * play.rng.uniform(0.7, 1)) for symbol in BASES}
    )
    play.stage.pass_by(1)
    return f"{sign * size:+d} bps"


def wait(play: Play) -> str:
    seconds = play.rng.choice((1, 2, 5, 10, 10))
    play.stage.pass_by(seconds, deviation_bps=8)
    return f"{seconds} s"


def outage(play: Play) -> str:
    """Nothing of ours runs for a while."""
    seconds = play.rng.choice((20, 40, 60, 90, 120, 300))
    play.stage.pass_by(seconds)
    return f"{seconds} s"


def countdown(play: Play) -> str:
    """Nothing of ours runs for as long as a countdown lasts."""
    ends = play.stage.core.order_book.countdowns.values()
    left = max([1.0, *((end_ms - play.stage.clock.ms) / 1000 for end_ms in ends)])
    play.stage.pass_by(min(left, 120) + 1)
    return f"{len(ends)} run, {left:.0f} s"


def fault(play: Play) -> str:
    """Something goes wrong for some answers, or until it is mended."""
    rng = play.rng
    endpoint = rng.choice(CHANGES if rng.random() < 0.5 else READS)
    times = rng.choice((1, 1, 2, 3, 5, 8, None))
    kind, parameters = rng.choice(
        (
            ("drop", {}),
            ("lose_answer", {}),
            ("lose_answer", {}),
            ("reject_leg", {"leg": rng.randrange(5)}),
            ("reject_leg", {"leg": rng.randrange(3), "code": -1008, "message": "Server is overloaded."}),
            ("rate_limit", {"retry_after_s": rng.choice((1, 5, 20))}),
            ("respond", {"status": 503, "body": OVERLOADED}),
            (
                "respond",
                {"status": 503, "body": "Unknown error, please check your request or try again later."},
            ),
            (
                "respond",
                {"status": 200, "body": rng.choice(("[]", "{}", "null", '{"code":-1006}', "<html>"))},
            ),
            ("delay", {"seconds": rng.choice((0.2, 1.5, 2.5, 8))}),
            ("income_lag", {"seconds": rng.choice((5, 30, 90))}),
        )
    )
    if kind == "reject_leg":
        endpoint = "POST /fapi/v1/batchOrders"
    elif kind == "income_lag":
        endpoint, times = "GET /fapi/v1/income", None
    play.stage.door.set_fault(endpoint, kind, times=times, **parameters)
    return f"{endpoint} {kind} {parameters} × {times}"


def mend(play: Play) -> str:
    return f"{play.stage.door.clear_faults()} faults lifted"


def foreign_order(play: Play) -> str:
    """Somebody at another screen lets an order rest."""
    symbol = play.rng.choice(("BTCUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT"))
    side, position_side = play.rng.choice(RESTING)
    quote = play.stage.core.market.quote(symbol, play.stage.clock.ms)
    away = Decimal(play.rng.randint(5, 200)) / 10_000 * (1 if side == "SELL" else -1)
    price = _on(quote.last_price * (1 + away), LISTED[symbol].price_increment)
    named: dict[str, str] = {}
    if symbol == "BTCUSDT" and side == "BUY" and play.rng.random() < 0.2:
        named["newClientOrderId"] = _name_of_another_store(play)
    return _placed(
        play, symbol, side, position_side, type="LIMIT", timeInForce="GTC", price=str(price), **named
    )


def _name_of_another_store(play: Play) -> str:
    """As a second deployment on the account would name its order."""
    book = play.stage.policy.book("another", "main", "BTCUSDT")
    name = OrderName(
        kind=OrderKind.ENTRY,
        position_side=Side.LONG,
        level=1,
        cycle=play.stage.clock.now().replace(microsecond=0),
        attempt=0,
    )
    return client_order_id(book, name)


def foreign_cancel(play: Play) -> str:
    """Somebody at another screen takes an order away: theirs mostly, ours at times."""
    working = list(play.stage.core.order_book.working())
    theirs = [order for order in working if order.order_id in play.truth.foreign]
    chosen = theirs if theirs and play.rng.random() < 0.6 else working
    if not chosen:
        return "nothing rests"
    order = play.rng.choice(chosen)
    play.truth.canceled_by_people.add(order.order_id)
    play.stage.door.cancel_order(symbol=order.symbol, orderId=str(order.order_id))
    return f"{order.symbol} {order.client_order_id}"


def foreign_fill(play: Play) -> str:
    """Somebody at another screen trades at once."""
    symbol = play.rng.choice(("BTCUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"))
    side, position_side = play.rng.choice(TAKING)
    return _placed(play, symbol, side, position_side, type="MARKET")


def _placed(play: Play, symbol: str, side: str, position_side: PositionSide, **params: str) -> str:
    quote = play.stage.core.market.quote(symbol, play.stage.clock.ms)
    step = LISTED[symbol].size_increment
    quantity = max(_on(Decimal(play.rng.randint(120, 800)) / quote.last_price, step), step)
    if (side == "BUY") != (position_side == "LONG"):
        held = play.stage.core.positions.get((symbol, position_side))
        quantity = min(quantity, held.quantity) if held else quantity
    words = f"{symbol} {side} {position_side} {quantity} {params.get('price', '')}"
    try:
        order = play.stage.door.place_order(
            symbol=symbol, side=side, positionSide=position_side, quantity=str(quantity), **params
        )
    except ControlRefused as refusal:
        return f"{words}: {refusal}"
    play.truth.foreign.add(int(order["orderId"]))
    return words


def _on(amount: Decimal, increment: Decimal) -> Decimal:
    return amount // increment * increment


def transfer(play: Play) -> str:
    amount = Decimal(play.rng.randint(50, 1500))
    if play.rng.random() < 0.6:
        play.stage.door.deposit("USDT", amount)
        return f"+{amount} USDT"
    try:
        play.stage.door.withdraw("USDT", amount)
    except ControlRefused as refusal:
        return str(refusal)
    return f"-{amount} USDT"


def funding(play: Play) -> str:
    held = sorted(key for key, position in play.stage.core.positions.items() if position.quantity)
    if not held:
        return "nothing is held"
    symbol, _ = play.rng.choice(held)
    amount = Decimal(play.rng.randint(-500, 500)) / 1000
    if not amount:
        return "nothing is due"
    play.stage.door.book("FUNDING_FEE", "USDT", amount, symbol=symbol)
    return f"{symbol} {amount}"


def deleveraging(play: Play) -> str:
    held = sorted(
        (key, position.quantity) for key, position in play.stage.core.positions.items() if position.quantity
    )
    if not held:
        return "nothing is held"
    (symbol, side), quantity = play.rng.choice(held)
    step = LISTED[symbol].size_increment
    part = max(_on(quantity * Decimal(play.rng.randint(10, 100)) / 100, step), step)
    play.stage.door.deleverage(symbol, side, part)
    return f"{symbol} {side} {part} of {quantity}"
