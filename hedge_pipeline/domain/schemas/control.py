"""Whether the fund may trade, what went wrong, and what people ordered."""

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
from hedge_pipeline.domain.verdicts import TradingState

SAID = {"min_value": 1}
"""Length of what a person must say."""


class GateDecisions(Table):
    """Verdicts of the risk gate. Nothing quotes one past its ``valid_until``."""

    account: Text = column("For which account, by our name.")
    decided_at: Instant = column("When it was decided, by the venue's clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    state: Member = column("What may leave for the venue.")
    dormant: Flag = column("No units are outstanding: nothing to trade with.")
    valid_until: Instant = column("First instant at which some input is too old, by the venue's clock.")
    limits_fingerprint: Text = column("Which limits it was judged by.", str_matches=r"^[0-9a-f]{12}$")
    breaches: Nested = column("Every rule that does not hold, with threshold, observation and remedy.")
    nav_ordinal: Count = maybe("Which NAV snapshot was judged; unknown when there was none.", ge=1)
    peak_ordinal: Count = maybe("Which peak state was judged; unknown when there was none.", ge=1)

    @promise
    def the_strictest_breach_decides(cls, row: Any) -> bool:
        ceilings = (breach.ceiling for breach in row.breaches)
        return bool(row.state == min(ceilings, default=TradingState.ACTIVE))

    @promise
    def an_open_gate_has_seen_nav_and_peak(cls, row: Any) -> bool:
        known = row.nav_ordinal is not None and row.peak_ordinal is not None
        return row.state is TradingState.HALTED or known

    @promise
    def it_holds_from_when_it_was_decided(cls, row: Any) -> bool:
        return bool(row.decided_at <= row.valid_until)

    @promise
    def the_dormant_do_not_trade(cls, row: Any) -> bool:
        return not row.dormant or row.state is TradingState.HALTED


class Incidents(Table):
    """Things that went wrong, from first seen to over."""

    account: Text = column("Of which account, by our name.")
    key: Text = column("Rule or check; one incident per key is open.", str_length=SAID)
    opened_at: Instant = column("When it was first seen, by the venue's clock.")
    closed_at: Instant = maybe("When it was over, by the venue's clock; unknown while it is not.")
    latched: Flag = column("Only a person's re-arming closes it.")
    ceiling: Member = maybe("What it allows while open; unknown when it does not touch the gate.")
    reason: Text = column("Canonical code.", str_length=SAID)
    message: Text = column("What was seen.")
    remedy: Text = column("What to do.")
    holds_until: Instant = maybe("When it ends by the clock alone, by the venue's clock.")
    closed_by: Text = maybe("``recovered``, ``expired`` or who re-armed.", str_length=SAID)

    @promise
    def what_is_over_says_through_whom(cls, row: Any) -> bool:
        return (row.closed_at is None) == (row.closed_by is None)


class Commands(Table):
    """What people ordered."""

    account: Text = column("For which account, by our name.")
    kind: Text = column("Which order.", str_length=SAID)
    actor: Text = column("Who ordered it.", str_length=SAID)
    approver: Text = maybe("A second person.", str_length=SAID)
    reason: Text = column("Why.", str_length=SAID)
    recorded_at: Instant = column("When, by our wall clock.")
    detail: Text = column("What it did, in words.")

    @promise
    def two_people_are_two(cls, row: Any) -> bool:
        return bool(row.approver != row.actor)


class Waivers(Table):
    """Temporary drawdown limits under which a breached account may trade."""

    account: Text = column("For which account, by our name.")
    recorded_at: Instant = column("When it was granted, by our wall clock.")
    expires_at: Instant = column("When it ends, by the venue's clock.")
    drawdown_limit: Money = column(
        "A fraction of the high-water mark: above the drawdown, below the hard ceiling.", gt=0, lt=1
    )
    rearm_nav_per_unit: Money = column("NAV per account unit when it was granted, in the numeraire.", gt=0)
    tripwire: Money = column("A further fall by this fraction halts again.", gt=Decimal(0), lt=1)
    actor: Text = column("Who asked for it.", str_length=SAID)
    approver: Text = maybe("Who granted it: a second person outside paper.", str_length=SAID)
    reason: Text = column("Why.", str_length=SAID)

    @promise
    def it_ends(cls, row: Any) -> bool:
        return bool(row.recorded_at < row.expires_at)

    @promise
    def two_people_are_two(cls, row: Any) -> bool:
        return bool(row.approver != row.actor)
