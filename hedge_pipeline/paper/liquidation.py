"""Forced closing: positions whose margin is used up, those the venue takes from profitable accounts, contracts that end.

Cross margin: all positions of a margin asset stand or fall together, in multi-assets mode those of all assets. Where the
maintenance margin reaches the margin balance, orders are canceled, then whole positions closed at the mark price, the one that
needs most margin first, until the rest is covered. Source: "Liquidation Protocols" of USD-M futures. Simpler than the venue:
a position is closed whole instead of bracket by bracket.
"""

from decimal import Decimal

from hedge_pipeline.paper.core import HOUR_MS, Core
from hedge_pipeline.paper.fills import cut_off, fill, position_of
from hedge_pipeline.paper.margin import ValuedAccount
from hedge_pipeline.paper.matching import cancel_everything, settle
from hedge_pipeline.paper.orders import Order
from hedge_pipeline.paper.positions import PositionSide

LIQUIDATION_FEE = Decimal("0.02")
"""Fraction of the closed notional, paid to the insurance fund: `liquidationFee` of the contracts."""
FORCED = {"LIQUIDATION": "autoclose-", "ADL": "adl_autoclose-"}
"""What the client order ids of forced orders begin with, by kind."""
SETTLEMENT = "settlement_autoclose-"
"""Likewise where a contract ends; such orders are not listed among the forced ones."""
_FAR = Decimal("0.3")
_FAR_FOR_MS = 4 * HOUR_MS
_ZERO = Decimal(0)


def is_far(core: Core, now_ms: int) -> bool:
    """Whether there is no need to look: nothing but funding happened to the account since all was far from liquidation, four
    hours of the path ago at most. To look is costly, because everything is valued.
    """
    if core.covered is None:
        return False
    revision, until_path_ms = core.covered
    return core.revision == revision and core.market.path_at(now_ms) < until_path_ms


def liquidate(core: Core, *, now_ms: int) -> list[Order]:
    """Close what is no longer covered at this instant; the forced orders, none while all is well."""
    forced: list[Order] = []
    while threatened := _threatened(core, account := core.account(now_ms)):
        assets = {core.instrument(symbol).margin_asset for symbol, _ in threatened}
        if not forced:
            _cancel_orders(core, assets, now_ms=now_ms)
        symbol, side = threatened[0]
        order = _close(core, symbol, side, prefix=FORCED["LIQUIDATION"], now_ms=now_ms)
        forced.append(order)
        _pay_insurance(core, order, now_ms=now_ms)
    for asset in sorted({instrument.margin_asset for instrument in core.instruments.values()}):
        _cover_debt(core, asset, now_ms=now_ms)
    far = _stays_covered(core, account)
    core.covered = (core.revision, core.market.path_at(now_ms) + _FAR_FOR_MS) if far else None
    return forced


def deleverage(
    core: Core, symbol: str, position_side: PositionSide, quantity: Decimal, *, now_ms: int
) -> Order:
    """Take a part of a position at the mark price, as auto-deleveraging does.

    Raises:
        ValueError: there is not that much of it.
    """
    held = position_of(core, symbol, position_side).quantity
    step = core.instrument(symbol).size_increment
    if not 0 < quantity <= held or quantity % step:
        raise ValueError(
            f"quantity: {quantity} is no part of the {held} {symbol} {position_side} held, in {step}"
        )
    return _close(core, symbol, position_side, prefix=FORCED["ADL"], now_ms=now_ms, quantity=quantity)


def settle_contract(core: Core, symbol: str, *, now_ms: int) -> list[Order]:
    """Close what is held of a contract at the mark price, as at its delisting: its orders are canceled first."""
    cancel_everything(core, symbol.__eq__, now_ms=now_ms, conditionals=True, status="EXPIRED")
    sides = [p.position_side for p in core.positions.values() if p.symbol == symbol and p.quantity]
    return [_close(core, symbol, side, prefix=SETTLEMENT, now_ms=now_ms) for side in sorted(sides)]


def _stays_covered(core: Core, account: ValuedAccount) -> bool:
    """Whether it would be after all positions had lost three tenths of their notional, and the margin as much of itself."""
    gross = dict.fromkeys(account.assets, _ZERO)
    for held in account.positions:
        gross[held.instrument.margin_asset] += abs(held.notional)
    worths = [(worth, gross[asset]) for asset, worth in account.assets.items()]
    if core.multi_assets:
        worths = [(account.total, sum(gross.values(), _ZERO))]
    return all(
        not notional or w.margin_balance * (1 - _FAR) - notional * _FAR > w.maintenance_margin * (1 + _FAR)
        for w, notional in worths
    )


def _threatened(core: Core, account: ValuedAccount) -> list[tuple[str, PositionSide]]:
    """Positions that are not covered, the one that needs most margin first."""
    held = [p for p in account.positions if p.position.quantity]
    if not core.multi_assets:
        short = {
            asset
            for asset, worth in account.assets.items()
            if worth.maintenance_margin > 0 and worth.margin_balance <= worth.maintenance_margin
        }
        held = [p for p in held if p.instrument.margin_asset in short]
    elif account.total.margin_balance > account.total.maintenance_margin:
        held = []
    held.sort(key=lambda p: (-p.maintenance_margin, p.position.symbol, p.position.position_side))
    return [(p.position.symbol, p.position.position_side) for p in held]


def _cancel_orders(core: Core, assets: set[str], *, now_ms: int) -> None:
    def concerns(symbol: str) -> bool:
        return core.multi_assets or core.instrument(symbol).margin_asset in assets

    cancel_everything(core, concerns, now_ms=now_ms, conditionals=True, status="EXPIRED")


def _close(
    core: Core,
    symbol: str,
    position_side: PositionSide,
    *,
    prefix: str,
    now_ms: int,
    quantity: Decimal | None = None,
) -> Order:
    instrument = core.instrument(symbol)
    steps = (core.market.quote(symbol, now_ms).mark_price / instrument.price_increment).to_integral_value()
    price = max(steps, Decimal(1)) * instrument.price_increment
    order_id = core.order_book.new_order_id()
    order = Order(
        order_id=order_id,
        client_order_id=f"{prefix}{order_id}",
        symbol=symbol,
        side="SELL" if position_side == "LONG" else "BUY",
        position_side=position_side,
        order_type="LIMIT",
        time_in_force="IOC",
        quantity=quantity or position_of(core, symbol, position_side).quantity,
        price=price,
        created_ms=now_ms,
        updated_ms=now_ms,
    )
    order = fill(core, order, price=price, quantity=order.quantity, maker=False, now_ms=now_ms)
    settle(core, symbol, position_side, now_ms=now_ms)
    return order


def _pay_insurance(core: Core, order: Order, *, now_ms: int) -> None:
    """At most what is left in the wallet."""
    asset = core.instrument(order.symbol).margin_asset
    left = max(core.ledger.balances.get(asset, _ZERO), _ZERO)
    fee = min(cut_off(order.filled_quote * LIQUIDATION_FEE), left)
    if fee:
        core.book("INSURANCE_CLEAR", asset, -fee, now_ms=now_ms, symbol=order.symbol)


def _cover_debt(core: Core, asset: str, *, now_ms: int) -> None:
    """The insurance fund pays what an account without positions of an asset still owes in it, in single-asset mode."""
    held = [
        p for p in core.positions.values() if core.instrument(p.symbol).margin_asset == asset and p.quantity
    ]
    balance = core.ledger.balances.get(asset, _ZERO)
    if not held and balance < 0 and not core.multi_assets:
        core.book("INSURANCE_CLEAR", asset, -balance, now_ms=now_ms)
