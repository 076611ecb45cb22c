"""One client per process, base URL and key: it holds the connection, the venue's clock and the weight used."""

import threading
from collections.abc import Hashable

from hedge_pipeline.adapters.ccxt_venue.budget import RateBudget
from hedge_pipeline.adapters.ccxt_venue.client import VenueClient
from hedge_pipeline.adapters.ccxt_venue.exchange import Credentials, checked_base_url
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.ports import Clock

_clients: dict[tuple[object, ...], VenueClient] = {}
_budgets: dict[str, RateBudget] = {}
_registry = threading.Lock()


def shared_client(
    *, base_url: str, credentials: Credentials, clock: Clock, limits: VenueLimits, live: bool
) -> VenueClient:
    """The process's client of this base URL and key; its budget is shared by all keys of the base URL.

    Raises:
        InvalidSettings: this process may not talk to ``base_url``.
    """
    address = checked_base_url(base_url, live=live)
    # A clock that cannot be a key counts as itself alone.
    key = (address, credentials, clock if isinstance(clock, Hashable) else id(clock), limits)
    with _registry:
        if key not in _clients:
            _clients[key] = VenueClient(
                base_url=address,
                credentials=credentials,
                clock=clock,
                limits=limits,
                budget=_budgets.setdefault(address, RateBudget()),
            )
        return _clients[key]
