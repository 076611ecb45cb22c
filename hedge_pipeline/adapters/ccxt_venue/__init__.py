"""The derivatives venue, read through ccxt: ``venue`` asks, ``client`` bounds, ``payloads`` believes or refuses.

Import it freely: ccxt itself is imported with the first request.
"""

from hedge_pipeline.adapters.ccxt_venue.exchange import Credentials
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.adapters.ccxt_venue.venue import CcxtVenue

__all__ = ["CcxtVenue", "Credentials", "VenueLimits"]
