"""What the project needs of the outside, as protocols its adapters fulfil."""

from hedge_pipeline.ports.outside import Clock, HoldingsSource, Pricer, PriceSource, Publisher
from hedge_pipeline.ports.store import History, StateStore
from hedge_pipeline.ports.venue import AccountLock, OrderVenue, Venue, VenueHistory

__all__ = [
    "AccountLock",
    "Clock",
    "History",
    "HoldingsSource",
    "OrderVenue",
    "PriceSource",
    "Pricer",
    "Publisher",
    "StateStore",
    "Venue",
    "VenueHistory",
]
