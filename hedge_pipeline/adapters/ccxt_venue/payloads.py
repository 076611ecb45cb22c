"""The account's answers, believed field by field or refused by name: clock, balances, positions, modes, income.

Only the fields used are declared.
"""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from hedge_pipeline.adapters.ccxt_venue.wire import (
    Amount,
    ChangeStamp,
    Identifier,
    Name,
    NonNegative,
    OptionalName,
    Payload,
    Remark,
    Stamp,
    parse,
    refuse_duplicates,
)
from hedge_pipeline.domain.account import (
    AccountPosition,
    AccountTotals,
    AssetBalance,
    IncomeRow,
    Position,
    PositionSide,
)


class _ServerTime(Payload):
    server_time: Stamp


class _Modes(Payload):
    dual_side_position: bool
    multi_assets_margin: bool


class _Asset(Payload):
    asset: Name
    wallet_balance: Amount
    unrealized_profit: Amount
    margin_balance: Amount
    maint_margin: NonNegative
    update_time: ChangeStamp


class _Held(Payload):
    symbol: Name
    position_side: Literal["LONG", "SHORT", "BOTH"]
    position_amt: Amount
    update_time: ChangeStamp

    @model_validator(mode="after")
    def _side_and_sign_agree(self) -> Self:
        if self.position_amt == 0:
            return self
        if self.position_side == "BOTH":
            raise ValueError("positionSide: BOTH holds an amount, so the account is not in hedge mode")
        if (self.position_amt > 0) is not (self.position_side == "LONG"):
            raise ValueError(f"positionAmt: its sign contradicts positionSide {self.position_side}")
        return self


class _AccountPosition(_Held):
    unrealized_profit: Amount


class _Account(Payload):
    total_wallet_balance: Amount
    total_unrealized_profit: Amount
    total_margin_balance: Amount
    total_maint_margin: NonNegative
    assets: list[_Asset] = Field(min_length=1)
    positions: list[_AccountPosition]


class _Position(_Held):
    entry_price: Amount
    mark_price: Amount
    unrealized_profit: Amount = Field(alias="unRealizedProfit")
    liquidation_price: Amount
    margin_asset: Name

    @model_validator(mode="after")
    def _held_at_a_price(self) -> Self:
        for field, price in (("entryPrice", self.entry_price), ("markPrice", self.mark_price)):
            if self.position_amt != 0 and price <= 0:
                raise ValueError(f"{field}: must be greater than zero")
        return self


class _Income(Payload):
    symbol: OptionalName
    income_type: Name
    income: Amount
    asset: Name
    info: Remark
    time: Stamp
    tran_id: Identifier
    trade_id: Identifier


_INCOME = TypeAdapter(list[_Income])
_POSITIONS = TypeAdapter(list[_Position])


def server_time(raw: object) -> datetime:
    return parse("clock", _ServerTime.model_validate, raw).server_time


def modes(raw: object) -> tuple[bool, bool]:
    """Hedge mode, multi-assets mode."""
    answer = parse("modes", _Modes.model_validate, raw)
    return answer.dual_side_position, answer.multi_assets_margin


def account(
    raw: object,
) -> tuple[tuple[AssetBalance, ...], AccountTotals, tuple[AccountPosition, ...]]:
    """Balances by asset, the venue's own sums, and the positions they were computed from."""
    answer = parse("balances", _Account.model_validate, raw)
    refuse_duplicates("balances", "assets", (row.asset for row in answer.assets))
    refuse_duplicates("balances", "positions", (_key(row) for row in answer.positions))
    balances = tuple(
        AssetBalance(
            asset=row.asset,
            wallet_balance=row.wallet_balance,
            unrealized_pnl=row.unrealized_profit,
            margin_balance=row.margin_balance,
            maintenance_margin=row.maint_margin,
            updated_at=row.update_time,
        )
        for row in sorted(answer.assets, key=lambda row: row.asset)
    )
    totals = AccountTotals(
        wallet_balance=answer.total_wallet_balance,
        unrealized_pnl=answer.total_unrealized_profit,
        margin_balance=answer.total_margin_balance,
        maintenance_margin=answer.total_maint_margin,
    )
    held = tuple(
        AccountPosition(
            symbol=row.symbol,
            position_side=PositionSide(row.position_side),
            quantity=abs(row.position_amt),
            unrealized_pnl=row.unrealized_profit,
            updated_at=row.update_time,
        )
        for row in sorted(answer.positions, key=_key)
        if row.position_amt != 0
    )
    return balances, totals, held


def positions(raw: object) -> tuple[Position, ...]:
    """Those that hold something; rows that exist only for an open order are dropped."""
    answer = parse("positions", _POSITIONS.validate_python, raw)
    refuse_duplicates("positions", "symbol and positionSide", (_key(row) for row in answer))
    return tuple(
        Position(
            symbol=row.symbol,
            position_side=PositionSide(row.position_side),
            quantity=abs(row.position_amt),
            entry_price=row.entry_price,
            mark_price=row.mark_price,
            unrealized_pnl=row.unrealized_profit,
            margin_asset=row.margin_asset,
            liquidation_price=row.liquidation_price if row.liquidation_price > 0 else None,
            updated_at=row.update_time,
        )
        for row in sorted(answer, key=_key)
        if row.position_amt != 0
    )


def income(raw: object, *, account: str, recorded_at: datetime) -> tuple[IncomeRow, ...]:
    """In the venue's order. Types are not judged here."""
    return tuple(
        IncomeRow(
            account=account,
            income_type=row.income_type,
            tran_id=row.tran_id,
            trade_id=row.trade_id,
            asset=row.asset,
            symbol=row.symbol,
            occurred_at=row.time,
            amount=row.income,
            info=row.info,
            recorded_at=recorded_at,
        )
        for row in parse("income", _INCOME.validate_python, raw)
    )


def _key(row: _Held) -> tuple[str, str]:
    return row.symbol, row.position_side
