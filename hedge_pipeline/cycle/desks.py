"""The fund's desk: its way to the venue, for whoever holds the account's lock."""

from collections.abc import Sequence
from datetime import datetime

from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.domain.errors import StoreUnavailable
from hedge_pipeline.domain.verdicts import Incident
from hedge_pipeline.execution import Desk


def desk_of(fund: Fund) -> Desk:
    return Desk(
        account=fund.account,
        venue=fund.orders,
        store=fund.store,
        clock=fund.clock,
        now=lambda: _now(fund),
        incidents=lambda: _open_incidents(fund),
    )


def _now(fund: Fund) -> datetime:
    """Goes on where the store is silent, for nothing gates a cancellation."""
    try:
        return fund.now()
    except StoreUnavailable:
        return fund.clock.now()


def _open_incidents(fund: Fund) -> Sequence[Incident] | None:
    """``None``: the journal could not be read, and nothing is opened."""
    try:
        return fund.store.open_incidents(fund.account)
    except StoreUnavailable:
        return None
