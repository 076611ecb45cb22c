"""The state store: whether it can be read and written, at which level it is, and whether it may act."""

from collections.abc import Iterator

from hedge_pipeline.adapters.state_store import SqlStateStore
from hedge_pipeline.cli import words
from hedge_pipeline.cli.preflight.lines import Line
from hedge_pipeline.composition import open_store
from hedge_pipeline.domain.errors import HedgeError
from hedge_pipeline.settings import Settings
from hedge_pipeline.settings.state import public_url

LET_GO = "find the process that holds it (`lsof` of its file) and end that; or mend the disk, or the server"
TAKE_OVER = "see that the original has stopped for good, then `hedge take-over`, then `hedge rearm`"


def lines(settings: Settings) -> Iterator[Line]:
    place = public_url(settings.state_url)
    try:
        store = open_store(settings, create=False)
    except HedgeError as fault:
        if "there is none" in str(fault):
            yield Line(name="state store", told=f"{place}: none yet; the first `hedge run` makes it")
        else:
            remedy = "do what it says, or restore a copy of the store"
            yield Line(name="state store", told=str(fault), remedy=remedy)
        return
    yield _writable(store, f"{place}, level {store.level}, id {store.store_id}")
    copied_at = store.copied_at
    if copied_at is not None:
        told = f"this store is a copy made at {words.instant(copied_at)} and does not act"
        yield Line(name="original", told=told, remedy=TAKE_OVER)
    store.close()


def _writable(store: SqlStateStore, told: str) -> Line:
    """Begins to write, and writes nothing."""
    try:
        with store.database.writing():
            return Line(name="state store", told=told)
    except HedgeError as fault:
        return Line(name="state store", told=f"it can be read and not written: {fault}", remedy=LET_GO)
