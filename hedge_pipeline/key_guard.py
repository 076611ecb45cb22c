"""Keys that may do too much: live neither reads nor trades with one that may withdraw, transfer or be used from anywhere.

The venue tells what each key of this process may do. Unknown is refused too, until the venue has answered once; from
then on, only an answer that tells of a danger is.
"""

from datetime import timedelta

from hedge_pipeline import local
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.key_permissions import KeyPermissions, KeyUse, judge_key
from hedge_pipeline.ports import Clock
from hedge_pipeline.settings import Profile, Settings
from hedge_pipeline.settings.secrets import VenueKey

SOURCE = "key_permissions"
ASK_AGAIN = timedelta(hours=1)
"""How long a key found fit is not asked about."""
ASK_AGAIN_AFTER_FAILURE = timedelta(seconds=30)
_MARKET_DATA_ONLY = "https://data-api.binance.vision"
_SPOT = "https://api.binance.com"


def held_keys(settings: Settings) -> dict[KeyUse, VenueKey]:
    """The keys of this process, by what they are held for."""
    held = {KeyUse.READING: settings.secrets.venue_read, KeyUse.TRADING: settings.secrets.venue_trade}
    return {use: key for use, key in held.items() if key is not None}


def is_checkable(settings: Settings) -> bool:
    """Whether the venue tells what its keys may do: the public demo does not."""
    return settings.profile is not Profile.DEMO


def permissions_of(key: VenueKey, settings: Settings, clock: Clock) -> KeyPermissions:
    """What the venue lets this key do.

    Raises:
        SourceUnavailable: it did not answer, or refused the key.
    """
    from hedge_pipeline.adapters.ccxt_venue import Credentials, read_key_permissions

    address = settings.venue.spot_url or local.for_this_process(settings.home).base_url
    return read_key_permissions(
        base_url=_SPOT if address == _MARKET_DATA_ONLY else address,
        credentials=Credentials(key.key.get_secret_value(), key.secret.get_secret_value()),
        clock=clock,
        live=settings.profile is Profile.LIVE,
    )


class KeyGuard:
    """Stands before every use of the venue in live; elsewhere it lets everything pass."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._was_fit = False
        self._refusal: str | None = None
        self._ask_at_s = float("-inf")

    def refuse_dangerous_keys(self) -> None:
        """Raises SourceUnavailable: some key of this process is dangerous, or what it may do is not known."""
        if self._settings.profile is not Profile.LIVE:
            return
        if self._clock.monotonic() >= self._ask_at_s:
            self._ask()
        if self._refusal is not None:
            raise SourceUnavailable(SOURCE, self._refusal)

    def _ask(self) -> None:
        try:
            dangers = [
                f"the {use} key: {danger}"
                for use, key in held_keys(self._settings).items()
                for danger in judge_key(permissions_of(key, self._settings, self._clock), use).dangers
            ]
        except SourceUnavailable as absence:
            unknown = (
                f"what the venue's keys may do is not known, and live uses no such key: {absence.reason}"
            )
            self._refusal, pause = (None if self._was_fit else unknown), ASK_AGAIN_AFTER_FAILURE
        else:
            told = f"live refuses this key: {'; '.join(dangers)}. Switch it off in the venue's API management"
            self._refusal = told if dangers else None
            self._was_fit = not dangers
            pause = ASK_AGAIN_AFTER_FAILURE if dangers else ASK_AGAIN
        self._ask_at_s = self._clock.monotonic() + pause.total_seconds()
