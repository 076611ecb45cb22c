"""What trading wants, withholds and sends, what was answered, and what the exits cover."""

from decimal import Decimal
from typing import Any

from hedge_pipeline.domain.schemas.columns import (
    Count,
    Flag,
    Instant,
    Member,
    Money,
    Nested,
    Table,
    Text,
    column,
    maybe,
    promise,
)
from hedge_pipeline.domain.trading.intents import Answer

SAID = {"min_value": 1}
"""Length of a name, and of what must be said."""

_GONE = {Answer.REJECTED, Answer.DENIED, Answer.CANCELED, Answer.ABSENT}


class Regimes(Table):
    """Which way each symbol's candles say prices tend."""

    account: Text = column("For which account, by our name.")
    symbol: Text = column("Of which contract.", str_length=SAID)
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    cycle: Instant = column("When the newest candle closed that should be there, by the venue's clock.")
    reading: Nested = column("The regime or the fault, and its indicators, in the quote asset.")

    @promise
    def it_reads_its_own_symbol(cls, row: Any) -> bool:
        return bool(row.reading.symbol == row.symbol)

    @promise
    def without_a_regime_a_fault_says_why(cls, row: Any) -> bool:
        faulty = row.reading.fault is not None
        return faulty == (row.reading.regime is None) == bool(row.reading.detail)


class Ladders(Table):
    """What the grid wants to have resting of one symbol."""

    account: Text = column("For which account, by our name.")
    symbol: Text = column("Of which contract.", str_length=SAID)
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe("Oldest stamp of what it was made of, by the venue's clock.")
    cycle: Instant = column("When the newest candle closed that should be there, by the venue's clock.")
    center: Money = maybe("Price the grid lies around, in the quote asset.", gt=0)
    mid_price: Money = maybe("Price it was compared with, in the quote asset.", gt=0)
    ladders: Nested = maybe("Both sides, closest first: prices in the quote asset, quantities in base units.")
    left_out: Nested = column("Rungs that are wanted and not placed now, and why.")
    funding: Text = column("State of the funding guard.")
    funding_detail: Text = column("What it saw.")
    withheld: Text = maybe("Why nothing is wanted; unknown when ladders are.", str_length=SAID)

    @promise
    def without_ladders_it_says_why(cls, row: Any) -> bool:
        return (row.ladders is None) == (row.withheld is not None)

    @promise
    def ladders_are_of_its_symbol_and_center(cls, row: Any) -> bool:
        return row.ladders is None or (row.ladders.symbol, row.ladders.center) == (row.symbol, row.center)


class OrderPlans(Table):
    """What is to be done with one symbol's orders."""

    account: Text = column("For which account, by our name.")
    symbol: Text = column("Of which contract.", str_length=SAID)
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe("Oldest stamp of what it was made of, by the venue's clock.")
    cycle: Instant = column("When the newest candle closed that should be there, by the venue's clock.")
    decided_at: Instant = maybe("Of the gate's decision it was made under, by the venue's clock.")
    keep: Nested = column("Client order ids of ours that stay.")
    cancel: Nested = column("Client order ids of ours that go.")
    waiting: Nested = column("Client order ids of ours that were sent and not acknowledged.")
    entries: Nested = column("Opening orders to be sent, those that replace last.")
    vetoed: Nested = column("Opening orders that are not sent, each with every rule that says no.")
    withheld: Text = maybe("Why nothing is planned at all.", str_length=SAID)

    @promise
    def what_is_withheld_sends_nothing(cls, row: Any) -> bool:
        return row.withheld is None or not row.entries

    @promise
    def what_is_sent_was_decided(cls, row: Any) -> bool:
        return row.decided_at is not None or not row.entries

    @promise
    def entries_open_its_symbol(cls, row: Any) -> bool:
        return all(
            entry.order.symbol == row.symbol and not entry.order.reduces_position for entry in row.entries
        )

    @promise
    def no_order_stays_and_goes(cls, row: Any) -> bool:
        return not {*row.keep, *row.waiting} & {*row.cancel}

    @promise
    def a_veto_has_a_reason(cls, row: Any) -> bool:
        return all(each.vetoes for each in row.vetoed)


class Intents(Table):
    """Orders about to be sent: stored before they leave."""

    account: Text = column("For which account, by our name.")
    client_order_id: Text = column("Ours, unique within the account.", str_length=SAID)
    symbol: Text = column("Of which contract.", str_length=SAID)
    strategy_: Text = column("Whose order it is.", alias="strategy", str_length=SAID)
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    cycle: Instant = column(
        "When the candle closed that caused it, of an exit the tick that wanted it; by the venue's clock."
    )
    decided_at: Instant = maybe(
        "Of the decision that permits it, by the venue's clock; unknown if it reduces."
    )
    order: Nested = column(
        "Complete, as it is to be sent: prices in the quote asset, quantity in base units."
    )
    take_profit_price: Money = maybe("Where what it enters is to be left, in the quote asset.", gt=0)
    stop_loss_price: Money = maybe("Mark price at which what it enters is to be left.", gt=0)

    @promise
    def it_names_its_order(cls, row: Any) -> bool:
        return (row.order.client_order_id, row.order.symbol) == (row.client_order_id, row.symbol)

    @promise
    def what_opens_was_permitted(cls, row: Any) -> bool:
        return row.decided_at is not None or row.order.reduces_position


class OrderExecutions(Table):
    """What was learned of orders of ours, answer by answer."""

    account: Text = column("Of which account, by our name.")
    client_order_id: Text = column("Of which order.", str_length=SAID)
    symbol: Text = column("Of which contract.", str_length=SAID)
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = column("When the venue was asked, by its clock.")
    answer: Member = column("What is known of the request.")
    status: Member = maybe("How the order stands, by the venue; unknown unless it said.")
    venue_order_id: Text = maybe("The venue's id of it; unknown unless it said.")
    filled_quantity: Money = maybe("Base units; unknown unless the venue said.", ge=Decimal(0))
    settled: Flag = column("It can fill no more, so nobody looks it up again.")
    code: Count = maybe("The venue's error code.")
    message: Text = column("In one line; empty when all is well.")

    @promise
    def what_is_accepted_has_a_status(cls, row: Any) -> bool:
        return row.answer is not Answer.ACCEPTED or row.status is not None

    @promise
    def it_is_settled_when_it_can_fill_no_more(cls, row: Any) -> bool:
        if row.answer is Answer.ACCEPTED and row.status is not None:
            return bool(row.settled is not row.status.is_working)
        return bool(row.settled is (row.answer in _GONE))


class Exits(Table):
    """How much of each position the resting exits close, cycle by cycle."""

    account: Text = column("Of which account, by our name.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe("Of the positions it covers, by the venue's clock; unknown if they are.")
    sides: Nested = column("Per symbol and side: position, stops and take-profits in base units.")
    canceled_entries: Nested = column("Client order ids of the opening orders that were canceled.")
    armed: Nested = column("Symbols whose countdown runs.")
    problem: Text = maybe("What could not be known or done.", str_length=SAID)

    @promise
    def unknown_positions_are_a_problem(cls, row: Any) -> bool:
        return row.as_of is not None or row.problem is not None

    @promise
    def quantities_are_unsigned(cls, row: Any) -> bool:
        return all(
            quantity >= 0
            for side in row.sides
            for quantity in (side.position_quantity, side.stop_quantity, side.take_profit_quantity)
        )

    @promise
    def each_side_is_told_once(cls, row: Any) -> bool:
        return len({(side.symbol, side.position_side) for side in row.sides}) == len(row.sides)


class Adoptions(Table):
    """What people decided about positions that no fill of ours explains."""

    account: Text = column("Of which account, by our name.")
    symbol: Text = column("Of which contract.", str_length=SAID)
    recorded_at: Instant = column("When it was decided, by our wall clock.")
    adopted: Flag = column("It gets exits of ours; else it is counted and left alone.")
    long_quantity: Money = column("Base units, as found.", ge=Decimal(0))
    short_quantity: Money = column("Base units, unsigned, as found.", ge=Decimal(0))
    fills_before: Instant = column("Fills up to here are part of what was found, by the venue's clock.")
    actor: Text = column("Who decided it.", str_length=SAID)
    reason: Text = column("Why.", str_length=SAID)
