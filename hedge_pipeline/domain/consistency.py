"""Whether the venue's answers agree with themselves and with each other at the venue's own rates.

A half-updated replica or an old body under a fresh date passes every type check; it fails here.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal

from hedge_pipeline.domain.account import AccountReading, MarksReading

RELATIVE = Decimal("1e-6")
ABSOLUTE = Decimal("0.01")
"""Tolerance of a sum the venue states itself: |difference| <= 1e-6 of it plus one cent of the numeraire."""


def disagreements(
    account: AccountReading, marks: MarksReading, *, numeraire: str, mark_tolerance: Decimal
) -> Iterator[str]:
    """Every identity that does not hold, in words. Both readings must be complete."""
    yield from _within_the_account(account)
    yield from _with_the_totals(account, marks, numeraire, mark_tolerance)
    yield from _with_the_positions(account)
    yield from _with_the_marks(account, marks, mark_tolerance)


def _off(stated: Decimal, expected: Decimal, absolute: Decimal = ABSOLUTE) -> bool:
    return abs(stated - expected) > RELATIVE * max(abs(stated), abs(expected)) + absolute


def _within_the_account(account: AccountReading) -> Iterator[str]:
    for entry in account.balances or ():
        expected = entry.wallet_balance + entry.unrealized_pnl
        if _off(entry.margin_balance, expected, Decimal("1e-8")):
            yield f"{entry.asset}: margin balance {entry.margin_balance} is not wallet + unrealized = {expected}"


def _with_the_totals(
    account: AccountReading, marks: MarksReading, numeraire: str, mark_tolerance: Decimal
) -> Iterator[str]:
    """Totals cover the numeraire's row in single-asset mode and every asset, in USD, in multi-assets mode."""
    balances, totals = account.balances or (), account.totals
    if totals is None:
        yield "the venue states no totals"
        return
    if account.multi_assets_mode:
        usd = {entry.asset: entry.usd for entry in marks.asset_rates or ()}
        rates: Mapping[str, Decimal] = {
            entry.asset: usd[entry.asset] for entry in balances if entry.asset in usd
        }
        # Rates and totals are two answers some milliseconds apart: what floats may float this far.
        floating = sum(
            (abs(e.margin_balance) * rates[e.asset] for e in balances if e.asset in rates), Decimal(0)
        )
        slack = ABSOLUTE + mark_tolerance * floating
    else:
        rates, slack = {numeraire: Decimal(1)}, ABSOLUTE
    for name in ("wallet_balance", "unrealized_pnl", "margin_balance"):
        expected = sum((getattr(e, name) * rates[e.asset] for e in balances if e.asset in rates), Decimal(0))
        stated = getattr(totals, name)
        if _off(stated, expected, slack):
            yield f"the venue's total {name} {stated} is not the sum of its assets, {expected}"


def _with_the_positions(account: AccountReading) -> Iterator[str]:
    own = {(p.symbol, p.position_side): p for p in account.account_positions or () if p.quantity}
    listed = {(p.symbol, p.position_side): p for p in account.positions or () if p.quantity}
    for key in sorted(set(own) | set(listed)):
        symbol, side = key
        quantities = [book[key].quantity if key in book else Decimal(0) for book in (own, listed)]
        if quantities[0] != quantities[1]:
            yield f"{symbol} {side}: {quantities[0]} in the account, {quantities[1]} in the positions"
    by_asset: defaultdict[str, Decimal] = defaultdict(Decimal)
    for key, position in own.items():
        if key in listed:
            by_asset[listed[key].margin_asset] += position.unrealized_pnl
    for entry in account.balances or ():
        if _off(entry.unrealized_pnl, by_asset[entry.asset], Decimal("1e-6")):
            yield (
                f"{entry.asset}: unrealized {entry.unrealized_pnl} is not the sum of its positions, "
                f"{by_asset[entry.asset]}"
            )


def _with_the_marks(account: AccountReading, marks: MarksReading, mark_tolerance: Decimal) -> Iterator[str]:
    """The account's unrealized PnL, rebuilt from quantities, entries and marks that come from another source."""
    mark = {entry.symbol: entry.mark_price for entry in marks.marks or ()}
    entry_price = {(p.symbol, p.position_side): p.entry_price for p in account.positions or ()}
    ours = theirs = gross = Decimal(0)
    for position in account.account_positions or ():
        key = (position.symbol, position.position_side)
        if key not in entry_price or position.symbol not in mark:
            continue
        price = mark[position.symbol]
        ours += position.position_side.sign * position.quantity * (price - entry_price[key])
        theirs += position.unrealized_pnl
        gross += position.quantity * price
    if abs(ours - theirs) > mark_tolerance * gross + ABSOLUTE:
        yield (
            f"unrealized PnL {theirs} differs from {ours} at the marks by more than "
            f"{mark_tolerance} of gross notional {gross}"
        )
