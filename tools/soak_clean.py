"""Whether anything stands in the way of a protection cycle: only then does it owe what it promises."""

from hedge_pipeline.paper.effects import Delay, RateLimit
from tools import soak_wire
from tools.soak_stage import SoakStage

ROOM, CEILING = 600, 1920
"""Request weight of a protection cycle, at most, and what a minute has for it."""
CANCELING = {
    "GET /fapi/v1/time",
    "GET /fapi/v1/order",
    "DELETE /fapi/v1/order",
    "DELETE /fapi/v1/batchOrders",
}
"""What a cancellation takes."""


def can_be_held(stage: SoakStage) -> bool:
    """Whether nothing stands in the way of a protection cycle."""
    has_room = soak_wire.has_room(ROOM, CEILING, stage.clock.monotonic())
    return stage.listening and has_room and not list(stage.venue.faults)


def can_cancel(stage: SoakStage) -> bool:
    """Whether cancellations get through."""
    has_room = soak_wire.has_room(ROOM, CEILING, stage.clock.monotonic())
    return (
        stage.listening
        and has_room
        and not any(
            standing.endpoint in CANCELING or isinstance(standing.effect, Delay | RateLimit)
            for standing in stage.venue.faults
        )
    )
