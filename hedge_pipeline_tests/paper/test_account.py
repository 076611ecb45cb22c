"""The account adds up to the last digit, in every mode, whatever was booked."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.paper.control import Control
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.instruments import INSTRUMENTS
from hedge_pipeline.paper.positions import Position, value
from hedge_pipeline.paper.seed import AccountSeed, SeedPosition
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.paper.conftest import HOUR_MS, NOON_MS, ManualClock, decimals

PLAIN = "wallet_balance", "unrealized_pnl"


def test_the_default_account_is_a_hedged_book(client: Any):
    account = client.fapiPrivateV3GetAccount()
    balances = {row["asset"]: Decimal(row["walletBalance"]) for row in account["assets"]}

    assert balances == {"USDT": 100000, "USDC": 15000, "BNB": 20, "BTC": Decimal("0.25")}
    assert [(p["symbol"], p["positionSide"]) for p in account["positions"]] == [
        ("BTCUSDT", "LONG"),
        ("BTCUSDT", "SHORT"),
        ("ETHUSDT", "LONG"),
        ("ETHUSDT", "SHORT"),
        ("SOLUSDT", "LONG"),
    ]


@pytest.mark.parametrize("multi_assets", [False, True])
def test_margin_balance_is_wallet_balance_and_unrealized_profit(
    client: Any, control: Control, *, multi_assets: bool
):
    control.set_mode(multi_assets=multi_assets)
    control.move_price("BTCUSDT", "0.93")
    account = client.fapiPrivateV3GetAccount()

    for row in account["assets"]:
        wallet, unrealized, margin = decimals(row, "walletBalance", "unrealizedProfit", "marginBalance")
        assert margin == wallet + unrealized
    wallet, unrealized, margin = decimals(
        account, "totalWalletBalance", "totalUnrealizedProfit", "totalMarginBalance"
    )
    assert margin == wallet + unrealized


def test_unrealized_profit_of_an_asset_is_that_of_its_positions_at_the_same_instant(client: Any):
    account = client.fapiPrivateV3GetAccount()
    usdt = next(row for row in account["assets"] if row["asset"] == "USDT")

    for whole, part in (
        ("unrealizedProfit", "unrealizedProfit"),
        ("maintMargin", "maintMargin"),
        ("initialMargin",) * 2,
    ):
        assert Decimal(usdt[whole]) == sum(Decimal(p[part]) for p in account["positions"])
    risk = client.fapiPrivateV3GetPositionRisk()
    assert sum(Decimal(p["unRealizedProfit"]) for p in risk) == Decimal(usdt["unrealizedProfit"])


def test_unrealized_profit_is_quantity_times_the_distance_from_entry_to_mark(client: Any):
    for row in client.fapiPrivateV3GetPositionRisk():
        amount, entry, mark, profit = decimals(
            row, "positionAmt", "entryPrice", "markPrice", "unRealizedProfit"
        )
        assert abs(profit - amount * (mark - entry)) <= Decimal("1e-8")
        assert abs(Decimal(row["notional"]) - amount * mark) <= Decimal("1e-8")


def test_in_single_asset_mode_the_totals_are_usdt_alone(client: Any):
    account = client.fapiPrivateV3GetAccount()

    assert account["totalWalletBalance"] == "100000.00000000"


def test_in_multi_assets_mode_the_totals_are_every_asset_at_its_index(client: Any, control: Control):
    control.set_mode(multi_assets=True)
    account = client.fapiPrivateV3GetAccount()
    index = {row["symbol"]: Decimal(row["index"]) for row in client.fapiPublicGetAssetIndex()}

    in_usd = sum(
        (Decimal(row["walletBalance"]) * index[f"{row['asset']}USD"]).quantize(Decimal("1e-8"))
        for row in account["assets"]
    )
    assert Decimal(account["totalWalletBalance"]) == in_usd
    assert in_usd > 130_000
    assert client.fapiPrivateGetMultiAssetsMargin() == {"multiAssetsMargin": True}


def test_the_liquidation_price_is_where_the_margin_balance_meets_the_maintenance_margin(clock: ManualClock):
    account = AccountSeed(
        balances={"USDT": Decimal(20000)},
        positions=(
            SeedPosition(symbol="BTCUSDT", position_side="LONG", quantity=Decimal(1)),
            SeedPosition(symbol="ETHUSDT", position_side="SHORT", quantity=Decimal(2)),
        ),
    )
    core = open_core(World(), now_ms=clock(), account=account)
    from hedge_pipeline.paper.futures import position_risk

    at = Decimal(position_risk(core, clock(), {"symbol": "BTCUSDT"})[0]["liquidationPrice"])
    mark = core.market.quote("BTCUSDT", clock()).mark_price
    core.move_price("BTCUSDT", at / mark, now_ms=clock())
    total = core.account(clock()).total

    assert 0 < at < mark
    assert abs(total.margin_balance - total.maintenance_margin) < 200  # the bracket is taken as it was


@pytest.mark.parametrize(
    ("quantity", "mark", "maintenance"),
    [("0.5", 100_000, "200"), ("1", 100_000, "450"), ("10", 100_000, "5550"), ("50", 100_000, "38550")],
)
def test_maintenance_margin_follows_the_brackets(quantity: str, mark: int, maintenance: str):
    position = Position(
        symbol="BTCUSDT",
        position_side="LONG",
        quantity=Decimal(quantity),
        entry_price=Decimal(mark),
        updated_ms=NOON_MS,
    )

    assert value(position, INSTRUMENTS["BTCUSDT"], Decimal(mark)).maintenance_margin == Decimal(maintenance)


def test_the_last_change_of_an_asset_is_its_update_time(client: Any, control: Control, clock: ManualClock):
    clock.advance(5000)
    control.deposit("USDC", "10")
    clock.advance(5000)
    updated = {row["asset"]: row["updateTime"] for row in client.fapiPrivateV3GetAccount()["assets"]}

    assert updated == {"USDT": NOON_MS, "USDC": NOON_MS + 5000, "BNB": NOON_MS, "BTC": NOON_MS}


def test_a_flip_of_hedge_mode_is_told(client: Any, control: Control):
    control.set_mode(hedge_mode=False)

    assert client.fapiPrivateGetPositionSideDual() == {"dualSidePosition": False}
    assert client.fapiPrivateGetAccountConfig()["dualSidePosition"] is False


amounts = st.decimals(min_value="-5000", max_value="5000", places=8).filter(bool)
sizes = st.decimals(min_value="0.00000001", max_value="500", places=8)
symbols = st.sampled_from(["BTCUSDT", "ETHUSDT", "SOLUSDT"])
held = st.sampled_from(["USDT", "USDC", "BNB", "BTC"])
happenings = st.one_of(
    st.tuples(st.just("pass"), st.integers(min_value=1, max_value=9 * HOUR_MS)),
    st.tuples(st.just("deposit"), held, sizes),
    st.tuples(st.just("realize"), symbols, amounts),
    st.tuples(st.just("charge_commission"), symbols, held, sizes),
    st.tuples(st.just("convert"), held, sizes, held, sizes),
    st.tuples(
        st.just("book"), st.sampled_from(["INSURANCE_CLEAR", "API_REBATE", "UNHEARD_OF"]), held, amounts
    ),
    st.tuples(st.just("move_price"), symbols, st.decimals(min_value="0.8", max_value="1.2", places=3)),
)


@given(history=st.lists(happenings, max_size=12), multi_assets=st.booleans())
def test_a_wallet_changes_by_its_income_rows_and_by_nothing_else(*, history: list[Any], multi_assets: bool):
    core, now_ms = open_core(World(), now_ms=NOON_MS), NOON_MS
    core.set_mode(multi_assets=multi_assets)
    opening = dict(core.ledger.balances)
    for name, *arguments in history:
        if name == "pass":
            now_ms += arguments[0]
            core.advance(now_ms)
        else:
            core.advance(now_ms)
            getattr(core, name)(*arguments, now_ms=now_ms)

    booked: dict[str, Decimal] = {}
    for row in core.ledger.rows:
        booked[row.asset] = booked.get(row.asset, Decimal(0)) + row.amount
    for asset, balance in core.ledger.balances.items():
        assert balance - opening.get(asset, Decimal(0)) == booked.get(asset, Decimal(0))
    keys = [row.key for row in core.ledger.rows]
    assert len(keys) == len(set(keys))
    check_identities(core, now_ms)


def check_identities(core: Core, now_ms: int) -> None:
    account = core.account(now_ms)
    usdt = account.assets["USDT"]
    assert usdt.unrealized_pnl == sum(p.unrealized_pnl for p in account.positions)
    assert account.total.margin_balance == account.total.wallet_balance + account.total.unrealized_pnl
    for worth in (*account.assets.values(), account.total):
        assert worth.available_balance >= 0
        assert worth.max_withdrawal <= max(worth.available_balance, Decimal(0))
        assert all(
            figure.as_tuple().exponent == -8 for figure in (worth.wallet_balance, worth.unrealized_pnl)
        )
