"""What the venue says an account is worth: assets, positions and totals of one instant, which add up to the last digit.

In single-asset mode the totals speak of USDT alone; in multi-assets mode of every asset, in USD at the asset index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hedge_pipeline.paper.ledger import quantized
from hedge_pipeline.paper.positions import ValuedPosition

_ZERO = Decimal("0E-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRate:
    """What the venue takes an asset for, in USD."""

    index: Decimal
    bid_buffer: Decimal
    ask_buffer: Decimal
    time_ms: int

    @property
    def bid(self) -> Decimal:
        """For balances: collateral is worth less than the index."""
        return quantized(self.index * (1 - self.bid_buffer))

    @property
    def ask(self) -> Decimal:
        """For debts: they weigh more than the index."""
        return quantized(self.index * (1 + self.ask_buffer))


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """An asset's figures in its own units, or an account's totals in USDT or USD."""

    wallet_balance: Decimal
    unrealized_pnl: Decimal
    initial_margin: Decimal
    """Of positions; resting orders reserve theirs beside it."""
    maintenance_margin: Decimal
    open_order_margin: Decimal
    available_balance: Decimal = _ZERO
    max_withdrawal: Decimal = _ZERO

    @property
    def margin_balance(self) -> Decimal:
        return self.wallet_balance + self.unrealized_pnl


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedAccount:
    total: Worth
    assets: dict[str, Worth]
    positions: tuple[ValuedPosition, ...]


def value_account(
    balances: Mapping[str, Decimal],
    positions: Sequence[ValuedPosition],
    rates: Mapping[str, AssetRate],
    *,
    multi_assets: bool,
) -> ValuedAccount:
    """Everything at the prices given. An asset without a rate counts in no USD total."""
    plain = {asset: _asset(asset, balances, positions) for asset in _assets(balances, positions)}
    if multi_assets:
        total = _usd_total(plain, rates)
        assets = {a: _shared(w, total, rates.get(a)) for a, w in plain.items()}
    else:
        assets = {a: _separate(w) for a, w in plain.items()}
        total = assets.get("USDT", _separate(_asset("USDT", {}, ())))
    return ValuedAccount(total=total, assets=assets, positions=tuple(positions))


def _assets(balances: Mapping[str, Decimal], positions: Sequence[ValuedPosition]) -> list[str]:
    return list(dict.fromkeys([*balances, *(p.instrument.margin_asset for p in positions)]))


def _asset(asset: str, balances: Mapping[str, Decimal], positions: Sequence[ValuedPosition]) -> Worth:
    mine = [p for p in positions if p.instrument.margin_asset == asset]
    return Worth(
        wallet_balance=balances.get(asset, _ZERO),
        unrealized_pnl=sum((p.unrealized_pnl for p in mine), _ZERO),
        initial_margin=sum((p.initial_margin for p in mine), _ZERO),
        maintenance_margin=sum((p.maintenance_margin for p in mine), _ZERO),
        open_order_margin=sum((p.open_order_margin for p in mine), _ZERO),
    )


def _with_availability(worth: Worth, available: Decimal, withdrawable: Decimal) -> Worth:
    return Worth(
        wallet_balance=worth.wallet_balance,
        unrealized_pnl=worth.unrealized_pnl,
        initial_margin=worth.initial_margin,
        maintenance_margin=worth.maintenance_margin,
        open_order_margin=worth.open_order_margin,
        available_balance=max(_ZERO, available),
        max_withdrawal=max(_ZERO, min(available, withdrawable)),
    )


def _separate(worth: Worth) -> Worth:
    """Each asset carries its own positions alone. Profit not yet realized is margin, but cannot be withdrawn."""
    free = worth.margin_balance - worth.initial_margin - worth.open_order_margin
    return _with_availability(worth, free, worth.wallet_balance)


def _usd_total(assets: Mapping[str, Worth], rates: Mapping[str, AssetRate]) -> Worth:
    priced = [(worth, rates[asset]) for asset, worth in assets.items() if asset in rates]
    total = Worth(
        wallet_balance=sum((quantized(w.wallet_balance * r.index) for w, r in priced), _ZERO),
        unrealized_pnl=sum((quantized(w.unrealized_pnl * r.index) for w, r in priced), _ZERO),
        initial_margin=sum((quantized(w.initial_margin * r.index) for w, r in priced), _ZERO),
        maintenance_margin=sum((quantized(w.maintenance_margin * r.index) for w, r in priced), _ZERO),
        open_order_margin=sum((quantized(w.open_order_margin * r.index) for w, r in priced), _ZERO),
    )
    collateral = sum(
        (quantized(w.margin_balance * (r.bid if w.margin_balance >= 0 else r.ask)) for w, r in priced), _ZERO
    )
    free = collateral - total.initial_margin - total.open_order_margin
    return _with_availability(total, free, free)


def _shared(worth: Worth, total: Worth, rate: AssetRate | None) -> Worth:
    """All assets together carry all positions: what is free is free in any of them."""
    available = quantized(total.available_balance / rate.bid) if rate else _ZERO
    return _with_availability(worth, available, worth.wallet_balance)
