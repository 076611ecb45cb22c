"""The venue's answers, spoiled one field at a time, through the client that reads them over HTTP."""

import io
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from hedge_pipeline.adapters.ccxt_venue import history_payloads, market_payloads, payloads
from hedge_pipeline.adapters.ccxt_venue.budget import RateBudget
from hedge_pipeline.adapters.ccxt_venue.client import Deadline, VenueClient
from hedge_pipeline.adapters.ccxt_venue.endpoints import (
    ASSET_RATES,
    BALANCES,
    CANDLES,
    CLOCK,
    FILLS,
    FUNDING_RATES,
    INCOME,
    INSTRUMENTS,
    MARKS,
    MODES,
    POSITIONS,
    Endpoint,
)
from hedge_pipeline.adapters.ccxt_venue.exchange import Credentials, build_exchange
from hedge_pipeline.adapters.ccxt_venue.key_permissions import key_permissions
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline_tests.adapters.ccxt_venue import stub
from hedge_pipeline_tests.hostile.bodies import AT_FAULT, LIMIT, sent, whole
from hedge_pipeline_tests.hostile.counting import CANARY, COUNTS, Tally, told_by
from hedge_pipeline_tests.hostile.mutations import Mutant, Path, Spoilers, leaves, mutants, named
from hedge_pipeline_tests.hostile.wire_spoilers import (
    FLAG,
    IDENTIFIER,
    MONEY,
    MS_2121,
    NAME,
    NON_NEGATIVE,
    OPTIONAL_NAME,
    PRICE,
    RATE,
    REMARK,
    TEXTS,
    container,
    one_of,
    stamps,
)

BASE_URL = "http://127.0.0.1:9"
STAMP = stamps(1000)
CHANGED = stamps(1000, zero=True)
SIDE = {**one_of("LONG", "SHORT"), "one-way mode": lambda draw: "BOTH"}

SWITCHES = (
    "ipRestrict", "enableReading", "enableFutures", "enableWithdrawals", "enableInternalTransfer",
    "permitsUniversalTransfer", "enableMargin", "enableSpotAndMarginTrading",
)  # fmt: skip
OPTIONAL = ("enableMargin", "enableSpotAndMarginTrading")

Model = tuple[Endpoint, Any, Callable[[Any], object], Mapping[str, Spoilers]]

POSITION: Mapping[str, Spoilers] = {
    "symbol": NAME, "positionSide": SIDE, "positionAmt": MONEY, "entryPrice": PRICE, "markPrice": PRICE,
    "unRealizedProfit": MONEY, "unrealizedProfit": MONEY, "liquidationPrice": MONEY, "marginAsset": NAME,
    "updateTime": CHANGED,
}  # fmt: skip
MODELS: Mapping[str, Model] = {
    "clock": (CLOCK, {"serverTime": stub.STAMP, "remark": CANARY}, payloads.server_time, {"serverTime": STAMP}),
    "modes": (MODES, stub.DOCUMENTS[stub.MODES], payloads.modes, {"dualSidePosition": FLAG, "multiAssetsMargin": FLAG}),
    "balances": (
        BALANCES,
        stub.DOCUMENTS[stub.ACCOUNT],
        payloads.account,
        {
            **POSITION,
            "totalWalletBalance": MONEY, "totalUnrealizedProfit": MONEY, "totalMarginBalance": MONEY,
            "totalMaintMargin": NON_NEGATIVE, "asset": NAME, "walletBalance": MONEY, "marginBalance": MONEY,
            "maintMargin": NON_NEGATIVE, "assets": {}, "positions": {},
        },
    ),
    "positions": (POSITIONS, stub.DOCUMENTS[stub.POSITIONS], payloads.positions, POSITION),
    "marks": (
        MARKS,
        stub.DOCUMENTS[stub.MARKS][:2],
        lambda raw: market_payloads.marks(raw, ["BTCUSDT", "ETHUSDT"]),
        {"symbol": NAME, "markPrice": PRICE, "indexPrice": PRICE, "lastFundingRate": RATE, "nextFundingTime": STAMP, "time": STAMP},
    ),
    "asset_rates": (
        ASSET_RATES,
        stub.DOCUMENTS[stub.RATES],
        lambda raw: market_payloads.asset_rates(raw, ["USDT", "BNB"]),
        {"symbol": NAME, "index": PRICE, "time": STAMP},
    ),
    "instruments": (
        INSTRUMENTS,
        {"symbols": stub.DOCUMENTS[stub.INSTRUMENTS]["symbols"]},
        lambda raw: (market_payloads.symbol_names(raw), market_payloads.instruments(raw, ["BTCUSDT", "ETHUSDT"])),
        {
            "symbols": {}, "symbol": NAME, "status": NAME, "baseAsset": NAME, "quoteAsset": NAME, "marginAsset": NAME,
            "deliveryDate": stamps(1000, until_ms=MS_2121), "filters": {}, "tickSize": PRICE, "notional": PRICE,
            "filterType": one_of("PRICE_FILTER", "LOT_SIZE", "MIN_NOTIONAL", "MARKET_LOT_SIZE", "MAX_NUM_ORDERS"),
            "stepSize": PRICE, "minQty": NON_NEGATIVE, "maxQty": PRICE,
        },
    ),
    "income": (
        INCOME,
        [stub.income_row(stub.STAMP, 1), stub.income_row(stub.STAMP + 1, 2, amount="-7.25")],
        lambda raw: payloads.income(raw, account="main", recorded_at=datetime(2026, 1, 1, tzinfo=UTC)),
        {
            "symbol": OPTIONAL_NAME, "incomeType": NAME, "income": MONEY, "asset": NAME, "info": REMARK, "time": STAMP,
            "tranId": IDENTIFIER, "tradeId": IDENTIFIER,
        },
    ),
}  # fmt: skip
KLINE = ("openTime", "open", "high", "low", "close", "volume")
HISTORY: Mapping[str, Model] = {
    "candles": (
        replace(CANDLES, history=False),
        [[stub.STAMP + hour * 3_600_000, "100.5", "110", "90.25", "105", "12.5", 0] for hour in range(2)],
        lambda raw: history_payloads.candles(raw, symbol="BTCUSDT", interval=timedelta(hours=1)),
        {"openTime": STAMP, "open": PRICE, "high": PRICE, "low": PRICE, "close": PRICE, "volume": NON_NEGATIVE},
    ),
    "funding_rates": (
        replace(FUNDING_RATES, history=False, spacing_s=0.0),
        [{"symbol": "BTCUSDT", "fundingTime": stub.STAMP + hour, "fundingRate": "-0.0001"} for hour in range(2)],
        lambda raw: history_payloads.funding_rates(raw, symbol="BTCUSDT"),
        {"symbol": one_of("BTCUSDT"), "fundingTime": STAMP, "fundingRate": RATE},
    ),
    "fills": (
        replace(FILLS, history=False),
        [
            {
                "symbol": "BTCUSDT", "id": number, "orderId": 7, "side": "SELL", "positionSide": "LONG", "price": "60000.1",
                "qty": "0.012", "realizedPnl": "-0.9", "commission": "0.07", "commissionAsset": "USDT", "maker": False,
                "time": stub.STAMP,
            }
            for number in (1, 2)
        ],
        lambda raw: history_payloads.fills(raw, account="main", symbol="BTCUSDT", recorded_at=datetime(2026, 1, 1, tzinfo=UTC)),
        {
            "symbol": one_of("BTCUSDT"), "id": {**IDENTIFIER, **TEXTS}, "orderId": IDENTIFIER, "side": one_of("BUY", "SELL"),
            "positionSide": one_of("LONG", "SHORT", "BOTH"), "price": PRICE, "qty": PRICE, "realizedPnl": MONEY,
            "commission": MONEY, "commissionAsset": NAME, "maker": FLAG, "time": STAMP,
        },
    ),
    "key_permissions": (
        CLOCK,  # asked on another host, read alike
        {"createTime": stub.STAMP, "tradingAuthorityExpirationTime": stub.STAMP, "remark": CANARY}
        | dict.fromkeys(SWITCHES, False)
        | {"enableReading": True},
        key_permissions,
        dict.fromkeys(SWITCHES, FLAG),
    ),
}  # fmt: skip
ALL = {**MODELS, **HISTORY}
UNUSED_FILTERS = ("MARKET_LOT_SIZE", "MAX_NUM_ORDERS")


def places(document: Any, kinds: Mapping[str, Spoilers]) -> dict[Path, Spoilers]:
    """Every field that is read, every container, and the answer as a whole."""
    found: dict[Path, Spoilers] = {(): whole(document)}
    for path, value in leaves(document):
        if not path or _is_of_an_unused_filter(document, path):
            continue
        inside = isinstance(value, dict | list)
        if (
            len(path) == 2
            and isinstance(path[-1], int)
            and isinstance(document[path[0]], list)
            and not inside
        ):
            if path[-1] < len(KLINE):
                found[path] = kinds[KLINE[path[-1]]]
        elif path[-1] in kinds:
            names = {} if path[-1] in OPTIONAL else named(document, path)
            found[path] = {**(container(value) if inside else kinds[str(path[-1])]), **names}
        elif inside:
            found[path] = container(value)
    return found


def _is_of_an_unused_filter(document: Any, path: Path) -> bool:
    for step in path:
        document = document[step]
        if isinstance(document, dict) and document.get("filterType") in UNUSED_FILTERS:
            return True
    return False


def names_of(mutant: Mutant) -> tuple[str, ...]:
    """Any of these tells the field; filters and rows are also told by what they then lack."""
    steps = mutant.field.split(".")
    if steps == [""]:
        return AT_FAULT
    if steps[-1] == "filterType" or steps[-2:-1] == ["filters"]:
        return ("filters", "filterType")
    if len(steps) == 2 and steps[-1].isdigit() and steps[0].isdigit():
        return (f"{steps[0]}.{KLINE[int(steps[1])]}", "thousands of digits", "is not JSON", "UTF-8")
    if steps[-1].isdigit():
        return (mutant.field, f"{steps[-1]}.symbol", *AT_FAULT)
    return (steps[-1],)


class Answers(HTTPAdapter):
    """A connection whose other end sends a given body."""

    body = b""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        answer = urllib3.HTTPResponse(
            body=io.BytesIO(self.body),
            headers={"Content-Type": "application/json"},
            status=200,
            preload_content=False,
        )
        return self.build_response(request, answer)


@pytest.fixture(scope="module")
def line() -> Answers:
    return Answers()


@pytest.fixture(scope="module")
def client(line: Answers) -> VenueClient:
    """The real one, with a minute's weight that no test uses up, and a small answer for a large one."""
    limits = VenueLimits(weight_per_minute=10**9, answer_bytes=LIMIT, request=timedelta(seconds=60))
    credentials = Credentials("K3yOfTheFundNobodyMaySee", "S3cretOfTheFundNobodyMaySee")
    client = VenueClient(
        base_url=BASE_URL, credentials=credentials, clock=SystemClock(), limits=limits, budget=RateBudget()
    )
    exchange = build_exchange(
        BASE_URL, credentials, venue_ms=lambda: stub.STAMP, recv_window_ms=5000, answer_bytes=LIMIT
    )
    exchange.session.mount("http://", line)
    client._exchange = exchange
    line.body = sent({"serverTime": stub.STAMP})
    client.measure_clock(Deadline(SystemClock(), timedelta(seconds=60)))
    return client


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("source", ALL)
def test_a_spoiled_answer_is_refused_by_the_name_of_its_field(
    client: VenueClient, line: Answers, source: str, count: int
):
    endpoint, document, parse, kinds = ALL[source]

    def read(body: bytes) -> str | None:
        line.body = body
        deadline = Deadline(SystemClock(), timedelta(seconds=60))
        return told_by(lambda: parse(client.get(endpoint, deadline).payload), SourceUnavailable)

    assert read(sent(document)) is None
    tally = Tally(f"venue answer: {source}")
    with tally.timed():
        for mutant in mutants(document, places(document, kinds), count=count):
            tally.judge(mutant, read(sent(mutant.document)), *names_of(mutant))
    tally.settle(count)
    assert read(sent(document)) is None


@pytest.mark.parametrize("source", MODELS)
def test_every_field_that_is_read_is_spoiled(source: str):
    _, document, _, kinds = MODELS[source]

    spoiled = {
        mutant.field.rpartition(".")[2] for mutant in mutants(document, places(document, kinds), count=2000)
    }

    assert spoiled >= set(kinds) & {str(step) for path, _ in leaves(document) for step in path}


def test_the_same_seed_spoils_the_same():
    _, document, _, kinds = MODELS["balances"]
    first, again = (mutants(document, places(document, kinds), count=300, seed=7) for _ in range(2))

    assert [sent(a.document) for a in first] == [sent(b.document) for b in again]
    texts = [sent(mutant.document) for mutant in mutants(document, places(document, kinds), count=5000)]
    assert len(set(texts)) == len(list(itertools.chain(texts)))
