"""What the fund is worth: reserves, NAV and the account's distance from its best."""

from decimal import Decimal
from typing import Any

from hedge_pipeline.domain.drawdown import loss_fraction
from hedge_pipeline.domain.reserves import Place
from hedge_pipeline.domain.schemas.columns import (
    Count,
    Day,
    Flag,
    Instant,
    Money,
    Nested,
    Table,
    Text,
    are_explained,
    column,
    maybe,
    promise,
)

ROUNDING = Decimal("1e-8")
"""How far sums may be from their parts: values are rounded to eight places and finer."""

ORIGINS = ("inception", "snapshot", "rebuild")


def _near(left: Decimal, right: Decimal) -> bool:
    return abs(left - right) <= ROUNDING


class ReservesValuations(Table):
    """Treasury and reserves at market."""

    account: Text = column("For which account, by our name.")
    ordinal: Count = column("1, 2, 3 … per account.", ge=1)
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe("Oldest price used, by the providers' clocks; unknown when nothing is priced.")
    valid_until: Instant = maybe("First instant at which a price used is too old for its class.")
    treasury_configured: Flag = column("Whether a treasury is kept at all: none is not an empty one.")
    reserves_configured: Flag = column("Whether reserves are kept at all.")
    values: Nested = column(
        "Each holding at market in USD, or why it has no value; quantities in native units, negative is a liability."
    )
    complete: Flag = column("Every holding is priced.")
    error: Text = maybe("Why holdings could not be read.", str_length={"min_value": 1})
    treasury_usd: Money = column("Sum of the priced treasury holdings, USD: a lower bound unless complete.")
    reserves_usd: Money = column("Sum of the priced reserves holdings, USD: a lower bound unless complete.")

    @promise
    def it_is_complete_when_everything_is_priced(cls, row: Any) -> bool:
        priced = all(value.value_usd is not None for value in row.values)
        return bool(row.complete == (priced and row.error is None))

    @promise
    def sums_are_of_what_is_priced(cls, row: Any) -> bool:
        sums = {
            place: sum(
                (value.value_usd or Decimal(0) for value in row.values if value.place is place), Decimal(0)
            )
            for place in Place
        }
        return _near(row.treasury_usd, sums[Place.TREASURY]) and _near(row.reserves_usd, sums[Place.RESERVES])

    @promise
    def what_has_no_value_says_why(cls, row: Any) -> bool:
        return all(value.value_usd is not None or value.reason for value in row.values)


class NavSnapshots(Table):
    """Valuations of the account and of the fund around it, one per attempt. Only accepted ones count."""

    account: Text = column("Which account, by our name.")
    ordinal: Count = column("1, 2, 3 … per account.", ge=1)
    attempted_at: Instant = column("When the attempt began, by our wall clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe("Oldest instant among its sources, by the venue's clock; unknown if any is.")
    complete: Flag = column("Every required source answered and every asset of the account is priced.")
    reconciled: Flag = column("The venue's sums and the wallet's changes were checked and hold.")
    accepted: Flag = column("Complete, reconciled, fresh and not from the future.")
    problems: Nested = column("Why it is not accepted.")
    labels: Nested = column("What a reader of an accepted value must know.")
    numeraire: Text = column("Asset in which trading NAV is counted.", str_length={"min_value": 1})
    numeraire_usd: Money = maybe("USD per unit of the numeraire.", gt=0)
    trading_nav: Money = maybe("The venue account at mark, in the numeraire; negative when it owes.")
    nav_usd: Money = maybe("The same in USD.")
    parts: Nested = column("Per asset: wallet and unrealized PnL in native units, value in the numeraire.")
    account_units: Money = maybe("Units of the trading index; unknown before inception.", ge=0)
    nav_per_unit: Money = maybe("Trading NAV per account unit, in the numeraire.")
    treasury_usd: Money = column("Treasury at market, USD: a lower bound unless AUM is complete.")
    reserves_usd: Money = column("Reserves at market, USD: a lower bound unless AUM is complete.")
    in_transit_usd: Money = column(
        "Money between treasury and venue, USD; negative when it arrived before it left."
    )
    aum_usd: Money = maybe("Reporting NAV, USD: a lower bound unless complete.")
    aum_complete: Flag = column("Everything in reporting NAV is known.")
    aum_problems: Nested = column("Why it is not.")
    fund_units: Money = maybe("Units of the investors; unknown until reporting NAV was complete once.", ge=0)
    fund_nav_per_unit: Money = maybe("Reporting NAV per fund unit, USD.")
    residuals: Nested = column("Balance changes that no income explains, in native units.")
    unreconciled_since: Instant = maybe("Since when balance changes are unexplained, by the venue's clock.")
    baseline: Nested = maybe("The last reconciled wallet and the income rows it contains.")
    unclassified: Nested = column("Outflows nobody announced, into the account positive.")
    unpriced_fund_flows: Nested = column(
        "Subscriptions and redemptions waiting for a complete reporting NAV."
    )
    in_transit: Nested = column("Transfers between their two legs, in native units.")
    treasury_quantities: Nested = maybe("Treasury holdings last seen, in native units.")
    last_good_nav_usd: Money = maybe("NAV of the last accepted snapshot, USD.")
    last_good_nav_per_unit: Money = maybe(
        "NAV per account unit of the last snapshot that had one, in the numeraire."
    )
    last_good_fund_nav_per_unit: Money = maybe("NAV per fund unit of the last snapshot that had one, USD.")
    last_good_as_of: Instant = maybe("Instant of the last accepted snapshot, by the venue's clock.")
    source_stamps: Nested = column("When each source was last good, by its own clock.")
    sources: Nested = column("How each source fared.")

    @promise
    def a_failed_source_says_why(cls, row: Any) -> bool:
        return are_explained(row.sources)

    @promise
    def what_is_accepted_is_complete_reconciled_and_dated(cls, row: Any) -> bool:
        return not row.accepted or bool(
            row.complete and row.reconciled and row.as_of and row.nav_usd is not None
        )

    @promise
    def what_is_not_accepted_says_why(cls, row: Any) -> bool:
        return bool(row.accepted) != bool(row.problems)

    @promise
    def nav_is_the_sum_of_its_parts(cls, row: Any) -> bool:
        values = [part.value for part in row.parts if part.counted]
        known = [value for value in values if value is not None]
        if row.trading_nav is None:
            return len(known) < len(values) or not row.accepted
        return len(known) == len(values) and _near(row.trading_nav, sum(known, Decimal(0)))

    @promise
    def aum_is_the_sum_of_its_parts(cls, row: Any) -> bool:
        if row.aum_usd is None:
            return not row.accepted
        return _near(row.aum_usd, row.nav_usd + row.treasury_usd + row.reserves_usd + row.in_transit_usd)

    @promise
    def incomplete_aum_says_why(cls, row: Any) -> bool:
        return bool(row.aum_complete) != bool(row.aum_problems)

    @promise
    def nav_per_unit_is_of_an_accepted_nav(cls, row: Any) -> bool:
        return row.nav_per_unit is None or bool(row.accepted and row.account_units is not None)

    @promise
    def fund_nav_per_unit_is_of_a_complete_aum(cls, row: Any) -> bool:
        return row.fund_nav_per_unit is None or bool(
            row.accepted and row.aum_complete and row.fund_units is not None
        )

    @promise
    def the_last_good_nav_is_this_one_when_it_is_good(cls, row: Any) -> bool:
        return not row.accepted or (row.last_good_as_of == row.as_of and row.last_good_nav_usd == row.nav_usd)


class PeakStates(Table):
    """Where the account stands against its own best. Values are NAV per account unit, in the numeraire."""

    account: Text = column("Which account, by our name.")
    ordinal: Count = column("1, 2, 3 … per account.", ge=1)
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = column("Of the snapshot absorbed, by the venue's clock.")
    nav_ordinal: Count = column("Which NAV snapshot was absorbed.", ge=1)
    nav_per_unit: Money = column("NAV per account unit; negative when the account owes.")
    account_units: Money = column("Units of the trading index.", ge=0)
    fund_units: Money = maybe("Units of the investors.", ge=0)
    high_water_mark: Money = column("Best confirmed NAV per unit; never falls.", gt=0)
    drawdown: Money = column("Fall from the high-water mark, a non-negative fraction of it.", ge=0)
    day: Day = column("Local day of the snapshot, in the reset time zone.")
    day_open: Money = column("Last NAV per unit at or before local midnight.")
    day_open_as_of: Instant = column("When that was, by the venue's clock.")
    daily_loss: Money = column("Fall from the day's open, a non-negative fraction of it.", ge=0)
    realized_pnl_today: Money = maybe("The day's realized PnL, in the numeraire; unknown when unavailable.")
    pending_high: Money = maybe("A suspicious new high waiting for one confirmation.", gt=0)
    origin: Text = column("What made the row.", isin=ORIGINS)
    origin_detail: Text = column("Source, reason and actor of an inception or rebuild.")

    @promise
    def drawdown_is_the_fall_from_the_mark(cls, row: Any) -> bool:
        return bool(row.drawdown == loss_fraction(row.nav_per_unit, row.high_water_mark))

    @promise
    def daily_loss_is_the_fall_from_the_days_open(cls, row: Any) -> bool:
        return row.day_open <= 0 or bool(row.daily_loss == loss_fraction(row.nav_per_unit, row.day_open))

    @promise
    def the_day_opened_before_it_was_looked_at(cls, row: Any) -> bool:
        return bool(row.day_open_as_of <= row.as_of)

    @promise
    def a_baseline_says_who_and_why(cls, row: Any) -> bool:
        return bool(row.origin_detail) is (row.origin != "snapshot")
