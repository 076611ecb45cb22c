"""Run authority: on whose word a plan is carried out.

Orders leave from one place alone, the run of the trading job that has just judged and planned. An asset launched by itself, a
backfill, a repeated run or one that waited in a queue has none of that behind it, whatever the store still holds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

TRADING_JOB = "trading_job"
BY_HAND = "hedge run"
"""The command that does a whole trading cycle by itself, in its own process."""
MOST_AGE = timedelta(minutes=1)
"""Of the run, since it was launched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAuthority:
    """The run that asks for orders to be sent. Made by the trading job's own asset, from its own run."""

    run_id: str
    job_name: str
    launched_at: datetime
    """By our wall clock."""
    repeats: str | None
    """The run that this one executes again; ``None``: it is a run of its own."""


def authority_refusal(authority: RunAuthority | None, now: datetime, *, by_hand: bool = False) -> str | None:
    """Why this run sends nothing, in one line; ``None``: it may.

    Args:
        now: our wall clock.
        by_hand: whether `hedge run` counts as the trading job.
    """
    if authority is None:
        return f"orders are sent by {TRADING_JOB} alone, and nobody said that this is one"
    if authority.job_name != TRADING_JOB and not (by_hand and authority.job_name == BY_HAND):
        return (
            f"orders are sent by {TRADING_JOB} alone: this is run {authority.run_id} of {authority.job_name}"
        )
    if authority.repeats is not None:
        return (
            f"run {authority.run_id} executes run {authority.repeats} again, whose bar is over: "
            f"launch {TRADING_JOB} anew"
        )
    age = now - authority.launched_at
    if not timedelta(0) <= age <= MOST_AGE:
        return (
            f"run {authority.run_id} was launched {age.total_seconds():g} s ago, allowed are "
            f"{MOST_AGE.total_seconds():g}: launch {TRADING_JOB} anew"
        )
    return None
