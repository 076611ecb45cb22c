"""What a trading minute asks of the venue, in request weight, for 1, 10 and 50 symbols, against the 2,400 an address has.

The paper venue counts as the venue does, and its header is read after every answer. Each symbol has its twelve entries resting
and one side held under exits; a minute has two valuations, six protection cycles and one bar, which in the worst case
replaces every entry. Nothing here is refused, so that what is wanted can be seen.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hedge_pipeline import cycle
from hedge_pipeline.adapters.ccxt_venue import CcxtOrderVenue, CcxtVenue, Credentials, VenueLimits
from hedge_pipeline.cycle import Fund, planning
from hedge_pipeline.cycle.executing import execute_plans
from hedge_pipeline.cycle.order_reading import read_fills, read_orders, read_terms
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.trading.authority import RunAuthority
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading_limits import BucketLimit, RateLimit, TradingLimits
from hedge_pipeline.paper.instruments import INSTRUMENTS, Instrument
from hedge_pipeline.paper.player import Player
from hedge_pipeline.paper.requests import Answer, Request
from hedge_pipeline.paper.seed import PAPER_KEYS, SYNTHETIC_TERMS, AccountSeed
from hedge_pipeline.paper.synthetic import SyntheticPlayer
from hedge_pipeline.paper.world import World
from hedge_pipeline_tests.stage import Stage, staged

SIZES = (1, 10, 50)
LIMIT = 2400
SHARE = 0.8
"""Of the limit; the rest is kept for cancels, stops and flatten."""
USED = "X-MBX-USED-WEIGHT-1M"
VALUATIONS, PROTECTIONS = 2, 6
"""In a minute, at the default cadences."""
UNLIMITED = VenueLimits(weight_per_minute=10**9, orders_per_10_seconds=10**9, orders_per_minute=10**9)
OFTEN = RateLimit(count=10**6, window=timedelta(minutes=1))


class Wide(World):
    """A world of as many contracts as are asked for, each like BTCUSDT."""

    def cast(self) -> tuple[Player, dict[str, Instrument]]:
        like, terms = INSTRUMENTS["BTCUSDT"], SYNTHETIC_TERMS["BTCUSDT"]
        more = {f"C{number}USDT": replace(like, base=f"C{number}") for number in range(1, max(SIZES))}
        player = SyntheticPlayer(self.seed, {**SYNTHETIC_TERMS, **dict.fromkeys(more, terms)})
        return player, {**INSTRUMENTS, **more}


@dataclass
class Meter:
    """Weight by endpoint, as the venue's header tells it."""

    ask: Callable[[Request], Answer]
    used: int = 0
    weights: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)

    def answer(self, request: Request) -> Answer:
        answer = self.ask(request)
        if told := answer.headers.get(USED):
            before, self.used = self.used, int(told)
            self.weights[request.endpoint] += self.used - (before if self.used >= before else 0)
            self.requests[request.endpoint] += 1
        return answer

    def measured(self, work: Callable[[], object]) -> Counter[str]:
        self.weights.clear()
        self.requests.clear()
        work()
        return Counter(self.weights)


def symbols_of(count: int) -> tuple[str, ...]:
    return ("BTCUSDT", *(f"C{number}USDT" for number in range(1, count)))


def traded(stage: Stage, symbols: tuple[str, ...]) -> Fund:
    """The stage's fund with a strategy on each of these symbols, and caps that nothing meets."""
    policy = stage.fund.trading
    (strategy,), (caps,) = policy.strategies, policy.limits.symbols
    limits: TradingLimits = replace(
        policy.limits,
        symbols=tuple(replace(caps, symbol=symbol) for symbol in symbols),
        buckets=tuple(
            BucketLimit(bucket=each.bucket, max_exposure=Decimal(100)) for each in policy.limits.buckets
        ),
        max_account_exposure=Decimal(100),
        max_open_sides=1000,
        burst=OFTEN,
        symbol_rate=OFTEN,
    )
    ways: dict[str, Any] = {
        "account": "main",
        "base_url": stage.control.base_url,
        "credentials": Credentials(api_key="paper", secret=PAPER_KEYS["paper"]),
        "symbols": symbols,
        "clock": stage.clock,
        "limits": UNLIMITED,
    }
    return replace(
        stage.fund,
        symbols=symbols,
        venue=CcxtVenue(**ways),
        orders=CcxtOrderVenue(**ways),
        trading=replace(
            policy, strategies=tuple(replace(strategy, symbol=symbol) for symbol in symbols), limits=limits
        ),
    )


@contextmanager
def metered(count: int) -> Iterator[tuple[Stage, Fund, Meter]]:
    account = AccountSeed(balances={"USDT": Decimal(10_000_000)}, positions=())
    with (
        tempfile.TemporaryDirectory() as folder,
        staged(Path(folder), world=Wide(seed=7), account=account) as stage,
    ):
        meter = Meter(stage.venue.answer)
        with patch.object(stage.venue, "answer", meter.answer):
            yield stage, traded(stage, symbols_of(count)), meter


def valuation(fund: Fund) -> None:
    cycle.run_cycle(fund)


def protection(fund: Fund) -> None:
    cycle.read_account(fund)
    read_orders(fund)
    read_fills(fund)
    protect(fund)


def bar(fund: Fund) -> None:
    """Every asset of a trading run, in order."""
    for step in (cycle.read_account, cycle.read_marks, cycle.read_instruments, cycle.read_income):
        step(fund)
    cycle.take_nav(fund)
    cycle.advance_peak(fund)
    cycle.decide(fund)
    read_orders(fund)
    read_fills(fund)
    planning.read_candles(fund)
    read_terms(fund)
    planning.read_regimes(fund)
    planning.plan_ladders(fund)
    planning.plan_orders(fund)
    told = execute_plans(
        fund,
        RunAuthority(run_id="1", job_name="trading_job", launched_at=fund.clock.now(), repeats=None),
    )
    if told.refused is not None:
        raise SystemExit(f"nothing to measure: {told.refused}")


def minute(stage: Stage, fund: Fund) -> None:
    """Until the next bar has closed, protected and valued on the way."""
    for second in range(10, 61, 10):
        stage.clock.pass_by(timedelta(seconds=10))
        protection(fund)
        if second % 30 == 0:
            valuation(fund)


def with_larger_orders(fund: Fund) -> Fund:
    """Every entry that rests has another quantity than its rung."""
    strategies = tuple(
        replace(each, shape=replace(each.shape, base_quantity=each.shape.base_quantity * Decimal("1.5")))
        for each in fund.trading.strategies
    )
    return replace(fund, trading=replace(fund.trading, strategies=strategies))


def moved(stage: Stage, symbols: tuple[str, ...], factor: str) -> None:
    for symbol in symbols:
        stage.control.move_price(symbol, factor)


def measure(count: int) -> dict[str, Counter[str]]:
    with metered(count) as (stage, fund, meter):
        symbols = symbols_of(count)
        minute(stage, fund)
        bar(fund)
        minute(stage, fund)
        moved(stage, symbols, "0.993")  # the first rung of every symbol is filled
        minute(stage, fund)
        sent = len(fund.store.rows(Intent, "main"))
        found = {
            "valuation": meter.measured(lambda: valuation(fund)),
            "protection": meter.measured(lambda: protection(fund)),
            "bar": meter.measured(lambda: bar(fund)),
        }
        minute(stage, fund)
        larger = with_larger_orders(fund)
        found["bar that replaces all"] = meter.measured(lambda: bar(larger))
        replaced = len(fund.store.rows(Intent, "main")) - sent
        if replaced < 10 * count:
            raise SystemExit(f"{count} symbols: only {replaced} entries were replaced: nothing to measure")
        return found


def per_minute(found: dict[str, Counter[str]], bar_kind: str) -> int:
    times = {"valuation": VALUATIONS, "protection": PROTECTIONS, bar_kind: 1}
    return sum(found[kind].total() * count for kind, count in times.items())


def main() -> None:
    sizes = {count: measure(count) for count in SIZES}
    print(f"{'weight, by the number of symbols':<40}" + "".join(f"{count:>14}" for count in SIZES))
    for kind in sizes[SIZES[0]]:
        print(f"{kind:<40}" + "".join(f"{sizes[count][kind].total():>14}" for count in SIZES))
        for endpoint in sorted({name for found in sizes.values() for name in found[kind]}):
            values = [sizes[count][kind][endpoint] for count in SIZES]
            if any(values):
                print(f"  {endpoint:<38}" + "".join(f"{value:>14}" for value in values))
    beyond = False
    for kind in ("bar", "bar that replaces all"):
        totals = [per_minute(sizes[count], kind) for count in SIZES]
        told = "".join(f"{total:>6} {total / LIMIT:>6.0%}" for total in totals)
        print(f"a minute with one {kind:<22}{told}   of {LIMIT}, goal {SHARE:.0%}")
        beyond |= any(total > SHARE * LIMIT for total in totals)
    if beyond:
        print("BEYOND")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
