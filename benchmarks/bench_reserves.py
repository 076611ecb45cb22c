"""Valuing 1,000 holdings beside the provider calls alone.

The provider is a process of its own on loopback, so that it does not share our interpreter. It answers after
``LATENCY``, less than any provider across the internet needs, and once more without any, where all that is
left is our own work: that ratio is printed and has no goal. Both sides take turns, on connections and with
trust in certificates that are set up once.
"""

import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from multiprocessing.connection import Connection

import httpx

from hedge_pipeline.adapters.prices import CoinGeckoPrices, HoldingsPricer, HttpPolicy, JsonHttp
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.domain.prices import AssetClass, PriceLimits, PriceRoute
from hedge_pipeline.domain.reserves import Holding, HoldingsReading, Place, value_reserves
from hedge_pipeline_tests.adapters.provider_stub import Asked, Reply, coins, provider_stub

HOLDINGS = 1000
CHUNK = 100
ROUNDS = 11
GOAL = 1.1
LATENCY_S = 0.05
CLOCK = SystemClock()
LIMITS = PriceLimits()
TRUST = httpx.create_ssl_context(trust_env=False)
COINS = sorted(f"coin-{n:04}" for n in range(HOLDINGS))


def serve(ready: Connection, latency_s: float) -> None:
    """Answer from prepared bodies until told to end."""
    bodies: dict[str, bytes] = {}

    def answer(asked: Asked) -> Reply:
        ids = asked.query["ids"]
        if ids not in bodies:
            prices = {coin: 0.01 + int(coin[5:]) * 1.234567890123 for coin in ids.split(",")}
            bodies[ids] = json.dumps(coins(prices, as_of=CLOCK.now())).encode()
        time.sleep(latency_s)
        return Reply(bodies[ids])

    with provider_stub() as stub:
        stub.answer = answer
        ready.send(stub.url)
        ready.recv()


def calls_alone(url: str) -> None:
    """The same requests, one connection, the answers parsed into plain JSON."""
    with httpx.Client(base_url=url, trust_env=False, verify=TRUST) as client:
        for start in range(0, HOLDINGS, CHUNK):
            answer = client.get(
                "/api/v3/simple/price",
                params={
                    "ids": ",".join(COINS[start : start + CHUNK]),
                    "vs_currencies": "usd",
                    "include_last_updated_at": "true",
                    "precision": "full",
                },
            )
            answer.json()


def held() -> HoldingsReading:
    assets = [coin.upper() for coin in COINS]
    return HoldingsReading(
        as_of=CLOCK.now(),
        treasury_configured=True,
        reserves_configured=True,
        holdings=tuple(
            Holding(place=Place.RESERVES, asset=asset, quantity=Decimal("1.5")) for asset in assets
        ),
        routes=tuple(
            PriceRoute(asset=asset, asset_class=AssetClass.CRYPTO, sources=(f"coingecko:{asset.lower()}",))
            for asset in assets
        ),
        marks=(),
    )


HELD = held()


def valuation(url: str) -> None:
    """Ask, judge and value every holding, as a run does."""
    source = CoinGeckoPrices(
        JsonHttp(source="coingecko", base_url=url, clock=CLOCK, policy=HttpPolicy(requests_per_second=10_000))
    )
    prices = HoldingsPricer(account="bench", sources=[source], limits=LIMITS)(HELD, None, CLOCK.now)
    valued = value_reserves(
        account="bench",
        ordinal=1,
        holdings=HELD,
        prices=prices,
        previous=None,
        limits=LIMITS,
        now=CLOCK.now(),
    )
    if not valued.complete or len(valued.values) != HOLDINGS:
        raise SystemExit("the valuation is not complete: nothing to measure")


def seconds(work: Callable[[str], None], url: str) -> float:
    began = time.perf_counter()
    work(url)
    return time.perf_counter() - began


def measured(latency_s: float) -> list[tuple[float, float]]:
    """Seconds of the calls alone and of the valuation, round by round."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there, latency_s))
    server.start()
    try:
        url = here.recv()
        calls_alone(url)
        valuation(url)
        return [(seconds(calls_alone, url), seconds(valuation, url)) for _ in range(ROUNDS)]
    finally:
        here.send("end")
        server.join()


def spread(values: list[float], form: str) -> str:
    return f"{statistics.median(values):8{form}}  [{min(values):{form}} .. {max(values):{form}}]"


def main() -> None:
    print(f"{HOLDINGS} holdings, {HOLDINGS // CHUNK} requests, {ROUNDS} rounds; median [least .. most]")
    print(f"{'provider answers after':<24}{'calls alone, ms':<30}{'valuation, ms':<30}ratio")
    ratios = {}
    for latency_s in (0.0, LATENCY_S):
        rounds = measured(latency_s)
        ratios[latency_s] = [valued / alone for alone, valued in rounds]
        alone, valued = ([1000 * one[side] for one in rounds] for side in (0, 1))
        goal = f", goal {GOAL}" if latency_s else ""
        print(
            f"{1000 * latency_s:<3.0f}{'ms':<21}{spread(alone, '.1f'):<30}{spread(valued, '.1f'):<30}"
            f"{spread(ratios[latency_s], '.2f')}{goal}"
        )
    if statistics.median(ratios[LATENCY_S]) > GOAL:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
