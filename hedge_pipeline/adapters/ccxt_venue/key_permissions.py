"""What the venue lets a key do: asked on its spot host, which keeps the keys of every market.

A client of its own, with the spot host's clock and weight: the futures client's are another server's.
"""

from typing import Any

from hedge_pipeline.adapters.ccxt_venue.budget import RateBudget
from hedge_pipeline.adapters.ccxt_venue.client import Deadline, VenueClient
from hedge_pipeline.adapters.ccxt_venue.endpoints import KEY_PERMISSIONS, SPOT_CLOCK
from hedge_pipeline.adapters.ccxt_venue.exchange import Credentials, checked_base_url
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.key_permissions import MOVES_MONEY, TRADES_FUTURES, KeyPermissions
from hedge_pipeline.ports import Clock

_SWITCHES = ("enable", "permits")
_REQUIRED = ("enableReading", TRADES_FUTURES, *MOVES_MONEY)


def read_key_permissions(
    *, base_url: str, credentials: Credentials, clock: Clock, limits: VenueLimits | None = None, live: bool
) -> KeyPermissions:
    """What the key of these credentials may do. ``base_url`` is the venue's spot host.

    Raises:
        InvalidSettings: this process may not talk to ``base_url``.
        SourceUnavailable: the venue did not answer, or refused the key.
    """
    limits = limits or VenueLimits()
    client = VenueClient(
        base_url=checked_base_url(base_url, live=live),
        credentials=credentials,
        clock=clock,
        limits=limits,
        budget=RateBudget(),
    )
    deadline = Deadline(clock, limits.account)
    client.measure_clock(deadline, SPOT_CLOCK)
    return key_permissions(client.get(KEY_PERMISSIONS, deadline).payload)


def key_permissions(payload: Any) -> KeyPermissions:
    """Every switch the venue names, also those it adds one day; one that is missing or not a boolean is not believed.

    Raises:
        SourceMalformed: names the field.
    """
    if not isinstance(payload, dict):
        raise SourceMalformed(KEY_PERMISSIONS.source, "the answer is no object")
    switches = {name: value for name, value in payload.items() if name.startswith(_SWITCHES)}
    for name in ("ipRestrict", *_REQUIRED, *switches):
        if not isinstance(payload.get(name), bool):
            raise SourceMalformed(KEY_PERMISSIONS.source, f"{name}: is missing, or neither true nor false")
    return KeyPermissions(
        is_bound_to_addresses=payload["ipRestrict"],
        granted=frozenset(name for name, value in switches.items() if value),
    )
