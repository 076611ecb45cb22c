"""One document brought to where it belongs: look, decide, write under the condition of what was seen, or look again."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from hedge_pipeline.adapters.firestore.decision import Action, decide
from hedge_pipeline.adapters.firestore.patience import Patience
from hedge_pipeline.adapters.firestore.storage import Documents, Stored
from hedge_pipeline.adapters.redaction import one_line
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.publication.deliveries import Delivery, Outcome, Payload

_OUTCOMES = {
    Action.ALREADY_THERE: Outcome.ALREADY_THERE,
    Action.OLDER: Outcome.OLDER,
    Action.REFUSE: Outcome.REFUSED,
}


def deliver(
    payload: Payload,
    own_writers: AbstractSet[str],
    *,
    documents: Documents,
    patience: Patience,
    looked: Mapping[str, Stored | None],
    remembered: dict[str, Stored],
) -> Delivery:
    """Never raises. ``looked`` was read just now; ``remembered`` is what we saw last, and is kept up to date.

    Memory alone can justify a write, since the write's condition proves it, but never a decision not to write.
    """
    path, attempts = payload.path, 0

    def attempt() -> Delivery:
        nonlocal attempts
        attempts += 1
        from_memory = remembered.pop(path, None)
        stored: Stored | None
        if attempts == 1 and path in looked:
            stored = looked[path]
        elif from_memory is not None and decide(from_memory.fields, payload, own_writers).writes:
            stored = from_memory
        else:
            stored = documents.read([path], timeout=patience.timeout())[path]
        decision = decide(None if stored is None else stored.fields, payload, own_writers)
        if decision.writes:
            if stored is None:
                update_time = documents.create(path, payload.fields, timeout=patience.timeout())
            else:
                update_time = documents.replace(
                    path, payload.fields, seen=stored.update_time, timeout=patience.timeout()
                )
            remembered[path] = Stored(fields=dict(payload.fields), update_time=update_time)
            return Delivery(path=path, outcome=Outcome.WRITTEN, attempts=attempts)
        if stored is not None:
            remembered[path] = Stored(fields=stored.fields, update_time=stored.update_time)
        return Delivery(
            path=path,
            outcome=_OUTCOMES[decision.action],
            attempts=attempts,
            error=decision.reason,
            found_writer=decision.found_writer,
        )

    try:
        return patience.persist(attempt)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this document's alone
        return Delivery(path=path, outcome=Outcome.FAILED, attempts=attempts, error=told(error))


def told(error: Exception) -> str:
    """A line for people, without secrets."""
    reason = error.reason if isinstance(error, SourceUnavailable) else f"{type(error).__name__}: {error}"
    return one_line(reason)
