"""What the paper venue itself says the account is worth: its raw answers, and its ledger as it lies on disk.

Nothing here goes through the fund's client, parsers or valuation; an answer is held still while both sides read it.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx

from hedge_pipeline import local
from hedge_pipeline.paper.control import Control
from hedge_pipeline.paper.seed import PAPER_KEYS

ACCOUNT, RATES = "/fapi/v3/account", "/fapi/v1/assetIndex"
WEIGHT_A_KILL = 300
"""Request weight that one kill and its proof may take, generously; the venue refuses beyond 2400 a minute."""
WEIGHT_A_MINUTE = 1900
"""What the fund's client uses of it at most."""


@dataclass(frozen=True)
class LedgerRow:
    """A line of the income list."""

    income_type: str
    asset: str
    amount: Decimal
    time_ms: int
    tran_id: str


def rates_of(home: Path) -> dict[str, Fraction]:
    """USD price of one unit of each asset, by the venue's index."""
    return {str(rate["symbol"]).removesuffix("USD"): Fraction(rate["index"]) for rate in asked(home, RATES)}


def worth_in(
    numeraire: str, home: Path, rates: Mapping[str, Fraction], *, uncounted: frozenset[str]
) -> Fraction:
    """Wallet and unrealized profit of every asset, by the venue's own answer."""
    total = Fraction(0)
    for asset in asked(home, ACCOUNT)["assets"]:
        name, held = asset["asset"], Fraction(asset["walletBalance"]) + Fraction(asset["unrealizedProfit"])
        if held and name not in uncounted:
            total += held * (Fraction(1) if name == numeraire else rates[name] / rates[numeraire])
    return total


@contextmanager
def held_still(home: Path, *endpoints: str) -> Iterator[None]:
    """These endpoints answer what they answer now, to everybody, while the block lasts."""
    with Control.from_ready_file(local.ready_file(home)) as control:
        faults = [control.set_fault(endpoint, "replay") for endpoint in endpoints]
        try:
            yield
        finally:
            for fault in faults:
                control.clear_faults(fault_id=fault)


def ledger_rows(home: Path) -> list[LedgerRow]:
    """Every line of the income list the venue has kept. What it has answered is on disk before anybody sees it."""
    return [
        LedgerRow(
            row["income_type"], row["asset"], Decimal(row["amount"]), row["time_ms"], str(row["tran_id"])
        )
        for row in kept(home)["income"]
    ]


def ledger_defects(home: Path) -> Iterator[str]:
    """Whether the venue's balances are what it opened with and its rows explain."""
    balances = {asset: Decimal(amount) for asset, amount in kept(home)["opening"].items()}
    for row in ledger_rows(home):
        balances[row.asset] = balances.get(row.asset, Decimal(0)) + row.amount
    stated = {asset["asset"]: Decimal(asset["walletBalance"]) for asset in asked(home, ACCOUNT)["assets"]}
    for asset in sorted(balances.keys() | stated.keys()):
        if balances.get(asset, Decimal(0)) != stated.get(asset, Decimal(0)):
            yield f"venue: {asset} is {stated.get(asset)} and its rows make {balances.get(asset)}"
    ids = [row.tran_id for row in ledger_rows(home)]
    if len(ids) != len(set(ids)):
        yield "venue: a row was booked twice"


def wait_for_weight(home: Path) -> None:
    """Until the venue's minute has room for another kill: a refusal would be the tool's doing."""
    while (
        int(_answer(home, "/fapi/v1/time").headers["X-MBX-USED-WEIGHT-1M"]) > WEIGHT_A_MINUTE - WEIGHT_A_KILL
    ):
        time.sleep(1)


def kept(home: Path) -> dict[str, Any]:
    """What the venue remembers, as it lies on disk: written before anybody can see a change."""
    remembered: dict[str, Any] = json.loads((home / "paper" / "venue" / "state.json").read_text())
    return remembered


def asked(home: Path, path: str) -> Any:
    """The raw answer of one signed read."""
    return _answer(home, path).raise_for_status().json()


def _answer(home: Path, path: str) -> httpx.Response:
    servers = local.running(home)
    if servers is None:
        raise RuntimeError(f"no venue runs in {home}")
    key, secret = next(iter(PAPER_KEYS.items()))
    query = f"timestamp={time.time_ns() // 1_000_000}"
    signature = hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    return httpx.get(
        f"{servers.base_url}{path}?{query}&signature={signature}",
        headers={"X-MBX-APIKEY": key},
        timeout=10,
        trust_env=False,
    )
