"""A venue that answers whatever a test puts in its mouth, over real HTTP; the paper venue only ever tells the truth."""

import contextlib
import copy
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

TIME, ACCOUNT, POSITIONS = "/fapi/v1/time", "/fapi/v3/account", "/fapi/v3/positionRisk"
MODES, MARKS, RATES = "/fapi/v1/accountConfig", "/fapi/v1/premiumIndex", "/fapi/v1/assetIndex"
INSTRUMENTS, INCOME = "/fapi/v1/exchangeInfo", "/fapi/v1/income"
STAMP = 1_760_000_000_000
"""When the documents below were last true."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer. ``hang_s``: silence first. ``drip_s``: a pause after each byte. ``cut``: close half way."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_s: float = 0.0
    drip_s: float = 0.0
    drop: bool = False
    cut: bool = False

    @property
    def sent(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True, kw_only=True)
class Asked:
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass
class StubVenue:
    """Valid documents unless told otherwise; ``script`` holds replies to give first, one request each."""

    base_url: str = ""
    documents: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(DOCUMENTS))
    replies: dict[str, Reply] = field(default_factory=dict)
    script: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def reply(self, path: str, params: Mapping[str, str]) -> Reply:
        if self.script.get(path):
            return self.script[path].pop(0)
        if path in self.replies:
            return self.replies[path]
        document = self.documents.get(path)
        if callable(document):
            return Reply(body=document(params))
        return Reply(body=document) if document is not None else Reply(status=404, body="")

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


@contextlib.contextmanager
def serving() -> Iterator[StubVenue]:
    stub = StubVenue()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout: ClassVar[float] = 10.0
        disable_nagle_algorithm = True  # it would cost 40 ms an answer

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            params = dict(parse_qsl(parts.query))
            stub.asked.append(Asked(path=parts.path, params=params, headers=dict(self.headers)))
            with contextlib.suppress(OSError):
                self._answer(stub.reply(parts.path, params))

        def _answer(self, reply: Reply) -> None:
            stub.ended.wait(reply.hang_s)
            if reply.drop:
                self.close_connection = True
                return
            sent = reply.sent
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            if reply.cut:
                self.wfile.write(sent[: len(sent) // 2])
                self.close_connection = True
                return
            if not reply.drip_s:
                self.wfile.write(sent)
                return
            for byte in sent:
                self.wfile.write(bytes([byte]))
                if stub.ended.wait(reply.drip_s):
                    return

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _contract(symbol: str, *, tick: str, step: str, notional: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "status": "TRADING",
        "baseAsset": symbol.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "900000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "1000", "stepSize": step},
            {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": "120", "stepSize": step},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": notional},
        ],
    }


def _asset(asset: str, wallet: str, unrealized: str, margin: str) -> dict[str, Any]:
    return {
        "asset": asset,
        "walletBalance": wallet,
        "unrealizedProfit": unrealized,
        "marginBalance": margin,
        "maintMargin": "1.50000000",
        "availableBalance": "0.00000000",
        "updateTime": STAMP,
    }


def _premium(symbol: str, mark: str, index: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "markPrice": mark,
        "indexPrice": index,
        "lastFundingRate": "-0.00010000",
        "nextFundingTime": STAMP + 3_600_000,
        "time": STAMP,
    }


def income_row(
    time_ms: int, tran_id: int, *, income_type: str = "FUNDING_FEE", amount: str = "0.5"
) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "incomeType": income_type,
        "income": amount,
        "asset": "USDT",
        "info": "",
        "time": time_ms,
        "tranId": tran_id,
        "tradeId": "",
    }


DOCUMENTS: dict[str, Any] = {
    TIME: lambda _: {"serverTime": time.time_ns() // 1_000_000},
    ACCOUNT: {
        "totalWalletBalance": "1000.00000000",
        "totalUnrealizedProfit": "12.50000000",
        "totalMarginBalance": "1012.50000000",
        "totalMaintMargin": "1.50000000",
        "availableBalance": "900.00000000",
        "assets": [
            _asset("USDT", "1000.00000000", "12.50000000", "1012.50000000"),
            _asset("BNB", "-0.10000000", "0.00000000", "-0.10000000"),
        ],
        "positions": [
            {
                "symbol": "BTCUSDT",
                "positionSide": side,
                "positionAmt": amount,
                "unrealizedProfit": pnl,
                "notional": "0",
                "updateTime": STAMP,
            }
            for side, amount, pnl in (("LONG", "0.010", "20.0"), ("SHORT", "-0.005", "-7.5"))
        ],
    },
    POSITIONS: [
        {
            "symbol": "BTCUSDT",
            "positionSide": side,
            "positionAmt": amount,
            "entryPrice": entry,
            "breakEvenPrice": entry,
            "markPrice": "62000.00000000",
            "unRealizedProfit": pnl,
            "liquidationPrice": liquidation,
            "marginAsset": "USDT",
            "notional": "0",
            "updateTime": STAMP,
        }
        for side, amount, entry, pnl, liquidation in (
            ("LONG", "0.010", "60000.0", "20.0", "0"),
            ("SHORT", "-0.005", "60500.0", "-7.5", "190000.5"),
        )
    ],
    MODES: {
        "feeTier": 0,
        "canTrade": True,
        "dualSidePosition": True,
        "multiAssetsMargin": False,
        "updateTime": 0,
    },
    MARKS: [
        _premium("BTCUSDT", "62000.00000000", "62010.00000000"),
        _premium("ETHUSDT", "3000.00000000", "3001.00000000"),
        {
            **_premium("BTCUSDT_271231", "63000.00000000", "62010.00000000"),
            "lastFundingRate": "",
            "nextFundingTime": 0,
        },
    ],
    RATES: [
        {"symbol": "USDTUSD", "time": STAMP, "index": "0.99950000"},
        {"symbol": "BNBUSD", "time": STAMP - 500, "index": "600.00000000"},
    ],
    INSTRUMENTS: {
        "serverTime": STAMP,
        "symbols": [
            _contract("BTCUSDT", tick="0.10", step="0.001", notional="100"),
            _contract("ETHUSDT", tick="0.01", step="0.001", notional="20"),
        ],
    },
    INCOME: [],
}
"""What a healthy venue says: a hedged book in BTC, a debt in BNB, and a delivery contract that has no funding."""
