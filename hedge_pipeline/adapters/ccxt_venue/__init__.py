"""The derivatives venue through ccxt: ``venue``, ``history`` and ``order_venue`` ask, ``client`` bounds, the payloads believe or refuse.

Import it freely: ccxt itself is imported with the first request.
"""

from hedge_pipeline.adapters.ccxt_venue.exchange import Credentials
from hedge_pipeline.adapters.ccxt_venue.history import CcxtVenueHistory
from hedge_pipeline.adapters.ccxt_venue.key_permissions import read_key_permissions
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.adapters.ccxt_venue.order_venue import CcxtOrderVenue
from hedge_pipeline.adapters.ccxt_venue.venue import CcxtVenue

__all__ = [
    "CcxtOrderVenue",
    "CcxtVenue",
    "CcxtVenueHistory",
    "Credentials",
    "VenueLimits",
    "read_key_permissions",
]
