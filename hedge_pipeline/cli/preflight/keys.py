"""What the venue lets our keys do, beside what each is held for."""

from collections.abc import Iterator

from hedge_pipeline.cli.preflight.lines import Line
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.key_permissions import KeyUse, judge_key
from hedge_pipeline.key_guard import held_keys, is_checkable, permissions_of
from hedge_pipeline.ports import Clock
from hedge_pipeline.settings import Settings
from hedge_pipeline.settings.secrets import VenueKey

NAMES = {KeyUse.READING: "read key", KeyUse.TRADING: "trade key"}
MAKE_ANOTHER = (
    "switch it off, or make another key, in the venue's API management: bound to this machine's addresses, without "
    "withdrawals and transfers; live does not start with what is dangerous"
)
UNANSWERED = "look whether the key exists and may be used from this address, and whether this machine reaches the spot host"


def lines(settings: Settings, clock: Clock) -> Iterator[Line]:
    for use, key in held_keys(settings).items():
        if not is_checkable(settings):
            yield Line(
                name=NAMES[use], told="not checkable: the demo venue does not tell what its keys may do"
            )
        else:
            yield _line(use, key, settings, clock)


def _line(use: KeyUse, key: VenueKey, settings: Settings, clock: Clock) -> Line:
    try:
        permissions = permissions_of(key, settings, clock)
    except SourceUnavailable as failure:
        told = f"what it may do is not known: {failure.reason}"
        return Line(name=NAMES[use], told=told, remedy=UNANSWERED)
    verdict = judge_key(permissions, use)
    wrong = (*verdict.dangers, *verdict.doubts)
    if wrong:
        return Line(name=NAMES[use], told="; ".join(wrong), remedy=MAKE_ANOTHER)
    return Line(name=NAMES[use], told=f"bound to addresses, {', '.join(sorted(permissions.granted))}")
