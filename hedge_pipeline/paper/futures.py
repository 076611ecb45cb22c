"""The signed reading endpoints of USD-M futures: account, positions and income.

Source of field names and types: Binance USD-M documentation, "Account" and "Trade", and recorded answers. Money is a string,
an instant an integer of milliseconds.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.history import DAY_MS, KEPT_MS
from hedge_pipeline.paper.ledger import Income
from hedge_pipeline.paper.margin import ValuedAccount, Worth
from hedge_pipeline.paper.player import UnknownSymbol
from hedge_pipeline.paper.positions import ValuedPosition
from hedge_pipeline.paper.requests import Refusal, integer, invalid_symbol, limit, money

Params = Mapping[str, str]

_DEFAULT_INCOME_MS = 7 * DAY_MS
_ZERO = money(Decimal(0))


def account(core: Core, now_ms: int, params: Params, *, wallet_lag_ms: int = 0) -> Any:
    valued = core.account(now_ms, wallet_lag_ms=wallet_lag_ms)
    total = valued.total
    until_ms = now_ms - wallet_lag_ms if wallet_lag_ms else None
    return {
        "totalInitialMargin": money(total.initial_margin + total.open_order_margin),
        "totalMaintMargin": money(total.maintenance_margin),
        "totalWalletBalance": money(total.wallet_balance),
        "totalUnrealizedProfit": money(total.unrealized_pnl),
        "totalMarginBalance": money(total.margin_balance),
        "totalPositionInitialMargin": money(total.initial_margin),
        "totalOpenOrderInitialMargin": money(total.open_order_margin),
        "totalCrossWalletBalance": money(total.wallet_balance),
        "totalCrossUnPnl": money(total.unrealized_pnl),
        "availableBalance": money(total.available_balance),
        "maxWithdrawAmount": money(total.max_withdrawal),
        "assets": [
            _asset(name, worth, core.ledger.updated_ms(name, until_ms=until_ms))
            for name, worth in valued.assets.items()
        ],
        "positions": [_held(p) for p in valued.positions],
    }


def _asset(name: str, worth: Worth, updated_ms: int) -> dict[str, Any]:
    return {
        "asset": name,
        "walletBalance": money(worth.wallet_balance),
        "unrealizedProfit": money(worth.unrealized_pnl),
        "marginBalance": money(worth.margin_balance),
        "maintMargin": money(worth.maintenance_margin),
        "initialMargin": money(worth.initial_margin + worth.open_order_margin),
        "positionInitialMargin": money(worth.initial_margin),
        "openOrderInitialMargin": money(worth.open_order_margin),
        "crossWalletBalance": money(worth.wallet_balance),
        "crossUnPnl": money(worth.unrealized_pnl),
        "availableBalance": money(worth.available_balance),
        "maxWithdrawAmount": money(worth.max_withdrawal),
        "updateTime": updated_ms,
    }


def _held(valued: ValuedPosition) -> dict[str, Any]:
    """A position inside the account answer, which knows neither entry nor mark price."""
    return {
        "symbol": valued.position.symbol,
        "positionSide": valued.position.position_side,
        "positionAmt": _quantity(valued),
        "unrealizedProfit": money(valued.unrealized_pnl),
        "isolatedMargin": _ZERO,
        "notional": money(valued.notional),
        "isolatedWallet": "0",
        "initialMargin": money(valued.initial_margin + valued.open_order_margin),
        "maintMargin": money(valued.maintenance_margin),
        "updateTime": valued.position.updated_ms,
    }


def position_risk(core: Core, now_ms: int, params: Params) -> Any:
    symbol = params.get("symbol")
    if symbol is not None:
        _require(core, symbol)
    valued = core.account(now_ms)
    return [
        _at_risk(p, _liquidation_price(p, valued))
        for p in valued.positions
        if symbol in {None, p.position.symbol}
    ]


def _at_risk(valued: ValuedPosition, liquidation_price: Decimal | None) -> dict[str, Any]:
    return {
        "symbol": valued.position.symbol,
        "positionSide": valued.position.position_side,
        "positionAmt": _quantity(valued),
        "entryPrice": str(valued.position.entry_price),
        "breakEvenPrice": str(valued.position.entry_price),
        "markPrice": money(valued.mark_price),
        "unRealizedProfit": money(valued.unrealized_pnl),
        "liquidationPrice": "0" if liquidation_price is None else money(liquidation_price),
        "isolatedMargin": "0",
        "notional": money(valued.notional),
        "marginAsset": valued.instrument.margin_asset,
        "isolatedWallet": "0",
        "initialMargin": money(valued.initial_margin + valued.open_order_margin),
        "maintMargin": money(valued.maintenance_margin),
        "positionInitialMargin": money(valued.initial_margin),
        "openOrderInitialMargin": money(valued.open_order_margin) if valued.open_order_margin else "0",
        "adl": 2,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": valued.position.updated_ms,
    }


def _quantity(valued: ValuedPosition) -> str:
    return f"{valued.position.signed_quantity:.{valued.instrument.quantity_precision}f}"


def _liquidation_price(valued: ValuedPosition, account: ValuedAccount) -> Decimal | None:
    """The mark at which the margin balance meets the maintenance margin, this contract alone moving; None: no such price.

    Source: Binance, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts" (cross margin, hedge mode): both sides of
    the contract move together, and their brackets are taken as they are now.
    """
    symbol = valued.position.symbol
    here = [p for p in account.positions if p.position.symbol == symbol]
    others = [p for p in account.positions if p.position.symbol != symbol]
    margin = (
        account.total.wallet_balance
        + sum((p.unrealized_pnl - p.maintenance_margin for p in others), Decimal(0))
        + sum(
            (p.bracket.cumulative - p.position.signed_quantity * p.position.entry_price for p in here),
            Decimal(0),
        )
    )
    slope = sum(
        (p.position.quantity * p.bracket.maintenance_rate - p.position.signed_quantity for p in here),
        Decimal(0),
    )
    if not slope or not valued.position.quantity:
        return None
    price = margin / slope
    return price if price > 0 else None


def income(
    core: Core,
    now_ms: int,
    params: Params,
    *,
    lag_ms: int = 0,
    hidden: frozenset[tuple[str, int]] = frozenset(),
) -> Any:
    """The income list: oldest first, at most `limit` rows.

    With a start the first rows from it on; without one the most recent rows of the seven days up to the end. Rows older than
    three months are gone. `lag_ms` keeps younger rows back, `hidden` the rows of these keys.
    """
    if "page" in params:
        raise Refusal(400, -1106, "Parameter 'page' sent when not required.")
    most = limit(params, default=100, most=1000)
    start, end = integer(params, "startTime"), integer(params, "endTime")
    end = now_ms if end is None else end
    oldest = max(end - _DEFAULT_INCOME_MS if start is None else start, now_ms - KEPT_MS)
    wanted = params.get("incomeType"), params.get("symbol")
    rows = [
        row
        for row in sorted(core.ledger.rows, key=lambda r: (r.time_ms, r.tran_id))
        if oldest <= row.time_ms <= min(end, now_ms - lag_ms)
        and row.key not in hidden
        and wanted[0] in {None, row.income_type}
        and wanted[1] in {None, row.symbol}
    ]
    return [_income(row) for row in (rows[-most:] if start is None else rows[:most])]


def _income(row: Income) -> dict[str, Any]:
    return {
        "symbol": row.symbol,
        "incomeType": row.income_type,
        "income": money(row.amount),
        "asset": row.asset,
        "info": row.info,
        "time": row.time_ms,
        "tranId": row.tran_id,
        "tradeId": row.trade_id,
    }


def _require(core: Core, symbol: str) -> None:
    try:
        core.instrument(symbol)
    except UnknownSymbol:
        raise invalid_symbol() from None
