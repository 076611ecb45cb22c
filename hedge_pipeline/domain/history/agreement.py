"""Whether history says what was said live: the walked path of the drawdown beside the peak states of the same snapshots."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from hedge_pipeline.domain.history.days import Day
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.history.paths import DrawdownPoint


def disagreements(minutes: Sequence[Minute], points: Sequence[DrawdownPoint]) -> Iterator[str]:
    """Every minute whose live peak state is not the path's point to the last digit, in words."""
    walked = {point.minute: point for point in points}
    for minute in minutes:
        if minute.high_water_mark is None:
            continue  # no peak state absorbed its close
        point = walked.get(minute.minute)
        if point is None:
            yield f"{minute.minute:%Y-%m-%d %H:%M}: a live peak state and no point of the path"
        elif (point.high_water_mark, point.drawdown) != (minute.high_water_mark, minute.drawdown):
            yield (
                f"{minute.minute:%Y-%m-%d %H:%M}: mark {minute.high_water_mark} and drawdown {minute.drawdown} live,"
                f" {point.high_water_mark} and {point.drawdown} on the path"
            )


def left_over(day: Day) -> Decimal | None:
    """What the causes of a day's change do not add up to: zero; ``None``: its causes are unknown."""
    causes = (
        day.flows,
        day.realized_pnl,
        day.funding,
        day.commission,
        day.other_income,
        day.unrealized_pnl,
        day.revaluation,
    )
    if day.change is None or None in causes:
        return None
    return day.change - sum((cause for cause in causes if cause is not None), Decimal(0))
