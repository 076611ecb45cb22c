"""What the fund asks of the world outside: clocks, prices, holdings, where documents go."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Protocol

from hedge_pipeline.domain.prices import PriceAnswer, PricesReading
from hedge_pipeline.domain.publication.deliveries import Delivery, Payload
from hedge_pipeline.domain.reserves import HoldingsReading


class Clock(Protocol):
    """Our own clocks. Ages are never computed from the wall clock alone."""

    def now(self) -> datetime:
        """Wall clock, aware UTC. It may jump."""

    def monotonic(self) -> float:
        """Seconds since boot, suspend included. It never jumps and all processes of one boot share it."""

    def boot_id(self) -> str:
        """Changes with every boot."""


class PriceSource(Protocol):
    """One provider of prices, asked once for everything it is to price."""

    name: str

    def fetch(self, identifiers: Sequence[str]) -> PriceAnswer:
        """Prices by identifier, in as few requests as the provider allows; never raises for a failed request."""


class Pricer(Protocol):
    """Every price source behind one call: each provider is asked at most once per attempt."""

    def __call__(
        self, holdings: HoldingsReading | str, previous: PricesReading | None, now: Callable[[], datetime], /
    ) -> PricesReading:
        """``holdings`` is the reason in one line when they could not be read; then nobody is asked."""


class HoldingsSource(Protocol):
    """What the fund keeps off the venue, and where each price comes from."""

    def read(self) -> HoldingsReading:
        """Raises SourceMalformed naming file and field when a file cannot be believed."""


class Publisher(Protocol):
    """The public projection: versioned documents, each with one writer, an older version never over a newer."""

    @property
    def target(self) -> str:
        """Where it publishes, for people: project, database and server."""

    def publish(self, payloads: Sequence[Payload], *, own_writers: AbstractSet[str]) -> tuple[Delivery, ...]:
        """One delivery per payload, in order; a failed one keeps no other from being tried. Never raises.

        Documents of other writers than ``own_writers``, of another environment, without a version or of a later
        schema are refused, not overwritten. Bounded in time whatever the server does.
        """

    def read(self, paths: Sequence[str]) -> Mapping[str, Mapping[str, Any] | None]:
        """Each document's fields as stored; ``None``: there is none.

        Raises:
            SourceUnavailable: nobody answers, or the target is refused.
        """

    def archive(self, paths: Sequence[str], *, under: str, writer_id: str, at: datetime) -> Mapping[str, str]:
        """Copy each unversioned document below ``under``, verify the copy, then own the original: path → archived path.

        Paths without a document are left out. Idempotent: a second call finds what the first did.

        Raises:
            SourceUnavailable: nobody answers, or the target is refused; every original not named as archived is untouched.
        """
