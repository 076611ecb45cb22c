"""What must hold of what rests, whatever the gate says: each function names what breaks one proposition, in a line each."""

from collections.abc import Collection, Iterable, Iterator

from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate


def unprotected(cover: ExitCover) -> Iterator[str]:
    """Open sides whose stops do not cover them, or that lack the stop that closes what is left."""
    for side in cover.sides:
        if not side.position_quantity:
            continue
        lacking = []
        if side.unprotected_quantity:
            lacking.append(f"{side.unprotected_quantity:f} of {side.position_quantity:f} without a stop")
        if not side.has_backstop:
            lacking.append("no closing stop")
        if lacking:
            because = f" ({side.problem})" if side.problem else ""
            yield f"{side.symbol} {side.position_side}: {', '.join(lacking)}{because}"


def of_unknown_outcome(
    unsettled: Iterable[Intent], updates: Iterable[OrderUpdate], resting: Collection[str]
) -> Iterator[Intent]:
    """Intents of which nobody can say whether they rest, filled or never arrived.

    Args:
        updates: newest first.
        resting: client order ids that the venue listed.
    """
    answers: dict[str, Answer] = {}
    for update in updates:
        answers.setdefault(update.client_order_id, update.answer)
    for intent in unsettled:
        known = intent.client_order_id in resting
        if not known and answers.get(intent.client_order_id, Answer.UNKNOWN) is Answer.UNKNOWN:
            yield intent
