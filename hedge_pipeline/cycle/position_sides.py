"""Position sides: every side that is held or has exits of ours, with what explains it and who may close it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.cycle.trading_facts import is_fresh
from hedge_pipeline.domain.account import Position, PositionSide
from hedge_pipeline.domain.client_order_ids import Owner, recognize
from hedge_pipeline.domain.instruments import Instrument, InstrumentsReading
from hedge_pipeline.domain.orders import KnownOrder, OrderKind
from hedge_pipeline.domain.trading.exit_cover import Adoption
from hedge_pipeline.domain.trading.fresh_inputs import INSTRUMENTS_MAX_AGE, Source
from hedge_pipeline.domain.trading.held_side import Side
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading.lots_from_fills import Explained, explained, found_quantity, since_flat
from hedge_pipeline.domain.trading.readings import FillOrigin, FillsReading, LedgerFill

FILLS_AT_ONCE = 500
"""Fills read at first: those since the position was flat are mostly among them."""
SENT_LATELY = 200
"""Intents of a symbol looked back through for entries."""
ADOPTER = "paper"

Key = tuple[str, PositionSide]


def sides_of(
    fund: Fund, positions: Sequence[Position], resting: Iterable[KnownOrder] | None, as_of: datetime
) -> tuple[list[Side], list[str]]:
    """By symbol and side, and what could not be told, in a line each. Adopts what is found, where the policy says so.

    Args:
        resting: every working order; ``None``: not known.
        as_of: of the positions, by the venue's time.
    """
    held: dict[Key, Position] = {
        (position.symbol, position.position_side): position for position in positions if position.quantity > 0
    }
    keys = sorted({*held, *_with_exits(fund, resting or ())})
    instruments = instruments_lately(fund)
    sides, told = [], []
    for symbol, position_side in keys:
        try:
            side = _side(fund, symbol, position_side, held, instruments, as_of)
            sides.append(side if resting is None else replace(side, known={*side.known, Source.ORDERS}))
        except Exception as error:  # noqa: BLE001  one side's history keeps no other side from its exits
            told.append(f"{symbol} {position_side}: {type(error).__name__}: what entered it is not known")
    return sides, told


def _with_exits(fund: Fund, resting: Iterable[KnownOrder]) -> set[Key]:
    return {
        (order.symbol, order.position_side)
        for order in resting
        if order.reduces_position
        and recognize(
            order.client_order_id, fund.trading.book(fund.store.store_id, fund.account, order.symbol)
        ).owner
        in {Owner.OURS, Owner.OTHER_BOOK}
    }


def instruments_lately(fund: Fund) -> Mapping[str, Instrument]:
    """By symbol; none of them if they were read too long ago."""
    reading = fund.last_known(InstrumentsReading, "instruments")
    if reading is None or not is_fresh(fund, reading.as_of, INSTRUMENTS_MAX_AGE):
        return {}
    return {instrument.symbol: instrument for instrument in reading.instruments or ()}


def _side(
    fund: Fund,
    symbol: str,
    position_side: PositionSide,
    held: Mapping[Key, Position],
    instruments: Mapping[str, Instrument],
    as_of: datetime,
) -> Side:
    book = fund.trading.book(fund.store.store_id, fund.account, symbol)
    position = held.get((symbol, position_side))
    told = _explained(fund, symbol, position_side, position, as_of)
    if position is not None and not told.is_ours and fund.trading.adopt_all:
        _adopt(fund, position, as_of)
        told = _explained(fund, symbol, position_side, position, as_of)
    return Side(
        book=book,
        position_side=position_side,
        position=position,
        explained=told,
        instrument=instruments.get(symbol),
        known={
            Source.POSITIONS,
            *([Source.INSTRUMENTS] if symbol in instruments else []),
            *([Source.MARKS] if position is None or position.mark_price > 0 else []),
        },
    )


def _explained(
    fund: Fund, symbol: str, position_side: PositionSide, position: Position | None, as_of: datetime
) -> Explained:
    adoption = _adoption(fund, symbol, position_side)
    sent_here = _sent_here(fund, symbol, position_side)
    told = explained(
        _fills(fund, symbol, position_side, position, adoption),
        position_side=position_side,
        book=fund.trading.book(fund.store.store_id, fund.account, symbol),
        intent_of=lambda name: fund.store.latest(Intent, fund.account, client_order_id=name),
        adoption=adoption,
        sent_here=sent_here,
    )
    if position is None or not sent_here or _fills_known(fund, as_of):
        return told
    return told.with_unread_fills(position.quantity)


def _fills(
    fund: Fund,
    symbol: str,
    position_side: PositionSide,
    position: Position | None,
    adoption: Adoption | None,
) -> Sequence[LedgerFill]:
    """Oldest first, from an instant on at which the position was flat."""
    newest = fund.store.rows(LedgerFill, fund.account, symbol=symbol, newest_first=True, limit=FILLS_AT_ONCE)
    if len(newest) < FILLS_AT_ONCE:
        return newest[::-1]
    if adoption is None and position is not None:
        enough = since_flat(newest, position_side, position.quantity)
        if enough is not None:
            return enough
    return fund.store.rows(LedgerFill, fund.account, symbol=symbol)


def _adoption(fund: Fund, symbol: str, position_side: PositionSide) -> Adoption | None:
    """The newest decision that found something on this side."""
    rows = fund.store.rows(Adoption, fund.account, symbol=symbol, newest_first=True)
    return next((row for row in rows if found_quantity(row, position_side) > 0), None)


def _sent_here(fund: Fund, symbol: str, position_side: PositionSide) -> bool:
    """Whether entries of ours may have been filled on this side."""
    ours = fund.store.latest(LedgerFill, fund.account, symbol=symbol, origin=FillOrigin.OURS)
    recent = fund.store.rows(Intent, fund.account, symbol=symbol, newest_first=True, limit=SENT_LATELY)
    return (ours is not None and ours.position_side is position_side) or any(
        intent.order.kind is OrderKind.ENTRY and intent.order.position_side is position_side
        for intent in recent
    )


def _fills_known(fund: Fund, as_of: datetime) -> bool:
    """Whether fills were read after the positions, so that none of what moved them is missing."""
    reading = fund.latest(FillsReading)
    return reading is not None and reading.as_of is not None and reading.as_of >= as_of


def _adopt(fund: Fund, position: Position, as_of: datetime) -> None:
    is_long = position.position_side is PositionSide.LONG
    nothing = position.quantity - position.quantity
    fund.store.append(
        Adoption(
            account=fund.account,
            symbol=position.symbol,
            recorded_at=fund.clock.now(),
            adopted=True,
            long_quantity=position.quantity if is_long else nothing,
            short_quantity=nothing if is_long else position.quantity,
            fills_before=as_of,
            actor=ADOPTER,
            reason="paper profile: what is found on the account gets exits without a person saying so",
        )
    )
