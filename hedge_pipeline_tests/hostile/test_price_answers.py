"""Price providers' answers, spoiled one field at a time, through the readers of their HTTP."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hedge_pipeline.adapters.prices import CoinGeckoPrices, CrossRates, HttpPolicy, JsonHttp, SpotPrices
from hedge_pipeline.domain.prices import PriceAnswer, ProviderPrice
from hedge_pipeline.ports import PriceSource
from hedge_pipeline_tests.adapters.provider_stub import NOON, TickingClock
from hedge_pipeline_tests.hostile.bodies import AT_FAULT, LIMIT, sent, whole
from hedge_pipeline_tests.hostile.counting import CANARY, COUNTS, Tally
from hedge_pipeline_tests.hostile.mutations import Mutant, Path, Spoilers, leaves, mutants, named
from hedge_pipeline_tests.hostile.wire_spoilers import PRICE, container, one_of, stamps

STAMP = int(NOON.timestamp())
KEY = f"{CANARY}key"


def _except(spoilers: Spoilers, *deeds: str) -> Spoilers:
    return {deed: spoil for deed, spoil in spoilers.items() if deed not in deeds}


# A number without quotes is how these providers write some prices; 24 places are kept where money elsewhere has fewer.
STATED: Spoilers = {
    **_except(PRICE, "a float", "an integer", "too many places", "tiny", "huge"),
    "beyond any price": lambda draw: draw.randrange(10**12 + 1, 10**30),
    "below any price": lambda draw: f"{draw.randint(1, 9)}e-{draw.randint(19, 99)}",
    "a negative number": lambda draw: -draw.uniform(0.001, 1e6),
}
SECONDS = stamps(1)

Model = tuple[Callable[[JsonHttp], PriceSource], Any, tuple[str, ...], Mapping[str, Spoilers]]
MODELS: Mapping[str, Model] = {
    "coingecko": (
        CoinGeckoPrices,
        {coin: {"usd": usd, "last_updated_at": STAMP} for coin, usd in (("bitcoin", 65000.25), ("tether", 0.9995))},
        ("bitcoin", "tether"),
        {"usd": STATED, "last_updated_at": SECONDS},
    ),
    "fx": (
        CrossRates,
        {"tether": {"usd": 0.9996, "eur": 0.8568, "zar": 17.136, "last_updated_at": STAMP}},
        ("EUR", "ZAR"),
        {"usd": STATED, "eur": STATED, "zar": STATED, "last_updated_at": SECONDS},
    ),
    "spot": (
        SpotPrices,
        [{"symbol": symbol, "price": price} for symbol, price in (("BTCUSDT", "65000.10"), ("ETHUSDT", "3000.5"))],
        ("BTCUSDT", "ETHUSDT"),
        {"price": STATED, "symbol": one_of("BTCUSDT", "ETHUSDT")},
    ),
}  # fmt: skip


def places(document: Any, kinds: Mapping[str, Spoilers]) -> dict[Path, Spoilers]:
    found: dict[Path, Spoilers] = {(): whole(document)}
    for path, value in leaves(document):
        if not path:
            continue
        inside = isinstance(value, dict | list)
        spoilers = container(value) if inside else kinds[str(path[-1])]
        found[path] = {**spoilers, **(named(document, path) if isinstance(path[-1], str) else {})}
    return found


def names_of(document: Any, mutant: Mutant) -> tuple[str, ...]:
    """A provider's faults are told by what was asked for: the coin and its field, or the symbol."""
    steps = mutant.field.split(".")
    if steps == [""]:
        return (*AT_FAULT, "an answer that is no", "in the answer")
    if isinstance(document, list):
        return (document[int(steps[0])]["symbol"], "symbols and prices", "a symbol twice", steps[-1])
    return (steps[-1], f"'{steps[0]}'")


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Connections whose other end sends a given body."""
    body: dict[str, bytes] = {}
    client = httpx.Client

    def connected(**options: Any) -> httpx.Client:
        answer = httpx.MockTransport(lambda _: httpx.Response(200, content=body["sent"]))
        return client(**{**options, "transport": answer, "verify": False})

    monkeypatch.setattr(httpx, "Client", connected)
    return body


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("provider", MODELS)
def test_a_spoiled_answer_is_refused_by_the_name_of_what_was_asked_for(
    line: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, provider: str, count: int
):
    make, document, identifiers, kinds = MODELS[provider]
    clock = TickingClock()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    http = JsonHttp(
        source=provider,
        base_url="http://127.0.0.1:9",
        clock=clock,
        policy=HttpPolicy(max_bytes=LIMIT, total=timedelta(days=1)),
        key_header="x-cg-demo-api-key",
        key=KEY,
    )
    source = make(http)

    def read(body: bytes) -> str | None:
        line["sent"] = body
        answer: PriceAnswer = source.fetch(identifiers)
        assert set(answer.said) == set(identifiers)
        wrong = [
            f"{name}: {said}" for name, said in answer.said.items() if not isinstance(said, ProviderPrice)
        ]
        return "; ".join(filter(None, [answer.error, *wrong])) or None

    assert read(sent(document)) is None
    tally = Tally(f"prices: {provider}")
    with tally.timed():
        for mutant in mutants(document, places(document, kinds), count=count):
            tally.judge(mutant, read(sent(mutant.document)), *names_of(document, mutant))
    tally.settle(count)
