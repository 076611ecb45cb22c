"""Adopting: what a person decides about positions that were there before any order of ours.

Until somebody decides, such a position is counted, left alone and keeps its symbol from being traded. Adopted, it gets exits
like one of our own; left, it is counted for good and its quantity is never closed by us. Foreign orders are counted either
way, and money that moved is classified by `hedge flow`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.cycle.order_reading import read_fills, read_orders
from hedge_pipeline.cycle.position_sides import sides_of
from hedge_pipeline.domain.account import Position, PositionSide
from hedge_pipeline.domain.client_order_ids import Owner, recognize
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.trading.exit_cover import Adoption
from hedge_pipeline.operations.signing import signed

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One symbol of the account as it is now."""

    symbol: str
    positions: tuple[Position, ...]
    undecided: tuple[PositionSide, ...]
    """Sides that no order of ours entered and nobody has decided about."""
    left_alone: Decimal
    """Base units of both sides that are counted and never closed by us."""
    foreign_orders: tuple[KnownOrder, ...]

    def quantity(self, position_side: PositionSide) -> Decimal:
        return sum((p.quantity for p in self.positions if p.position_side is position_side), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The account as it is now."""

    as_of: datetime
    """Of the positions, by the venue's time."""
    symbols: tuple[Found, ...]


def find(fund: Fund) -> Findings:
    """Read the account anew and tell what on it is not ours.

    Raises:
        CommandRefused: positions, orders or fills cannot be read now.
    """
    account = cycle.read_account(fund)
    orders, fills = read_orders(fund), read_fills(fund)
    source = next((each for each in account.sources if each.source == "positions"), None)
    if account.positions is None or source is None or source.as_of is None:
        raise CommandRefused(f"positions cannot be read: {source.error if source else 'nobody answered'}")
    if orders.orders is None or fills.as_of is None:
        failed = [each.error for each in (*orders.sources, *fills.sources) if each.error]
        raise CommandRefused(f"orders or fills cannot be read: {'; '.join(failed)}")
    sides, told = sides_of(fund, account.positions, orders.orders, source.as_of)
    if told:
        raise CommandRefused("; ".join(told))
    held = [position for position in account.positions if position.quantity > 0]
    foreign = [order for order in orders.orders if _is_foreign(fund, order)]
    return Findings(
        as_of=source.as_of,
        symbols=tuple(
            Found(
                symbol=symbol,
                positions=tuple(position for position in held if position.symbol == symbol),
                undecided=tuple(
                    side.position_side
                    for side in sides
                    if side.symbol == symbol
                    and side.quantity > 0
                    and not side.explained.is_ours
                    and not side.explained.left_alone
                ),
                left_alone=sum((side.explained.left_alone for side in sides if side.symbol == symbol), ZERO),
                foreign_orders=tuple(order for order in foreign if order.symbol == symbol),
            )
            for symbol in sorted({p.symbol for p in held} | {order.symbol for order in foreign})
        ),
    )


def adopt(
    fund: Fund, choices: Mapping[str, bool], *, actor: str, reason: str, approver: str | None = None
) -> tuple[Adoption, ...]:
    """Decide about the undecided positions of these symbols: ``True`` adopts, ``False`` leaves alone.

    Raises:
        CommandRefused: a symbol has nothing to decide about, the account cannot be read, or a signature is missing.
    """
    findings = find(fund)
    undecided = {found.symbol: found for found in findings.symbols if found.undecided}
    if unknown := sorted(choices.keys() - undecided.keys()):
        raise CommandRefused(
            f"{', '.join(unknown)}: nothing there waits for a decision; `hedge adopt` lists what does"
        )
    rows = tuple(_adoption(
            fund, findings, undecided[symbol], adopted=choice, actor=actor, reason=reason
        )
                 for symbol, choice in sorted(choices.items()))  # fmt: skip
    told = "; ".join(_told(row) for row in rows)
    command = signed(
        fund, kind="adopt", actor=actor, reason=reason, approver=approver, detail=told, two_people=True
    )
    fund.store.append(command, *rows)
    return rows


def _adoption(
    fund: Fund,
    findings: Findings,
    found: Found,
    *,
    adopted: bool,
    actor: str,
    reason: str,
) -> Adoption:
    def quantity(position_side: PositionSide) -> Decimal:
        return found.quantity(position_side) if position_side in found.undecided else ZERO

    return Adoption(
        account=fund.account,
        symbol=found.symbol,
        recorded_at=fund.clock.now(),
        adopted=adopted,
        long_quantity=quantity(PositionSide.LONG),
        short_quantity=quantity(PositionSide.SHORT),
        fills_before=findings.as_of,
        actor=actor,
        reason=reason,
    )


def _told(row: Adoption) -> str:
    verb = "adopted" if row.adopted else "left alone"
    return f"{row.symbol} {verb}: LONG {row.long_quantity:f}, SHORT {row.short_quantity:f}"


def _is_foreign(fund: Fund, order: KnownOrder) -> bool:
    book = fund.trading.book(fund.store.store_id, fund.account, order.symbol)
    return recognize(order.client_order_id, book).owner in {Owner.FOREIGN, Owner.OTHER_STORE}
