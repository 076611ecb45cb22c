"""What was taken over from a predecessor."""

from typing import Any

from hedge_pipeline.domain.schemas.columns import Instant, Money, Table, Text, column, maybe, promise


class ImportedNavs(Table):
    """NAV as the predecessor's own files remember it."""

    account: Text = column("Of which account, by our name.")
    source: Text = column("File or document it was found in.", str_length={"min_value": 1})
    as_of: Instant = column("When it was true, by the source's own stamp.")
    nav: Money = column("Wallet and unrealized PnL in USDT, which is all it counted.", gt=0)
    peak: Money = maybe("Highest NAV it had ever seen, deposits included, in USDT.", gt=0)
    recorded_at: Instant = column("When it was imported, by our wall clock.")

    @promise
    def a_peak_is_no_lower_than_its_nav(cls, row: Any) -> bool:
        return row.peak is None or bool(row.peak >= row.nav)
