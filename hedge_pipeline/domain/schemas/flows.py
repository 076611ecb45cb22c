"""Money that comes and goes: as announced, as explained afterwards, and as the ledgers took it."""

from decimal import Decimal
from typing import Any

from hedge_pipeline.domain.flows import FlowPurpose
from hedge_pipeline.domain.schemas.columns import (
    Count,
    Instant,
    Member,
    Money,
    Table,
    Text,
    column,
    maybe,
    promise,
)

SAID = {"min_value": 1}
"""Length of what a person must say."""


class Flows(Table):
    """Flows as the ledgers absorbed them, each with its NAV snapshot."""

    account: Text = column("Of which account, by our name.")
    flow_key: Text = column(
        "Of the income row, of the treasury's change or of the unexplained residual.", str_length=SAID
    )
    occurred_at: Instant = column("When it happened, by the venue's clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    asset: Text = column("Which asset moved.", str_length=SAID)
    amount: Money = column("Native units, into the account positive.", ne=Decimal(0))
    value: Money = maybe("In the numeraire, at the snapshot that absorbed it; into the account positive.")
    purpose: Member = maybe("What it was declared to be; unknown when nobody did.")
    instruction_id: Text = maybe("The instruction that announced it.")
    nav_ordinal: Count = column("The snapshot that absorbed it.", ge=1)
    price_per_unit: Money = maybe("NAV per account unit at which it counts; unknown before units exist.")
    units: Money = column("Account units issued (positive) or redeemed for it.")

    @promise
    def units_move_with_the_money_or_not_at_all(cls, row: Any) -> bool:
        return bool(row.units * row.amount >= 0)


class FlowInstructions(Table):
    """Announced flows."""

    account: Text = column("Of which account, by our name.")
    instruction_id: Text = column("Our name of the announcement.", str_length=SAID)
    purpose: Member = column("What it is for.")
    asset: Text = column("Which asset will move.", str_length=SAID)
    amount: Money = column("Native units, into the account positive.", ne=Decimal(0))
    window_from: Instant = column("Not before, by the venue's clock.")
    window_until: Instant = column("Not after, by the venue's clock.")
    actor: Text = column("Who announced it.", str_length=SAID)
    approver: Text = maybe("A second person; required outside paper.", str_length=SAID)
    reason: Text = column("Why.", str_length=SAID)
    recorded_at: Instant = column("When it was announced, by our wall clock.")

    @promise
    def the_window_is_open_for_a_while(cls, row: Any) -> bool:
        return bool(row.window_from < row.window_until)

    @promise
    def investors_pay_in_and_are_paid_out(cls, row: Any) -> bool:
        if row.purpose is FlowPurpose.SUBSCRIPTION:
            return bool(row.amount > 0)
        return row.purpose is not FlowPurpose.REDEMPTION or bool(row.amount < 0)

    @promise
    def two_people_are_two(cls, row: Any) -> bool:
        return bool(row.approver != row.actor)


class FlowClassifications(Table):
    """What people say unannounced flows were."""

    account: Text = column("Of which account, by our name.")
    flow_key: Text = column("Which flow.", str_length=SAID)
    purpose: Member = column("What it was.")
    actor: Text = column("Who says so.", str_length=SAID)
    approver: Text = maybe("A second person; required outside paper.", str_length=SAID)
    reason: Text = column("Why.", str_length=SAID)
    recorded_at: Instant = column("When it was said, by our wall clock.")

    @promise
    def two_people_are_two(cls, row: Any) -> bool:
        return bool(row.approver != row.actor)
