"""A state store with a long past: one accepted valuation and peak state per minute along a seeded walk of NAV per unit."""

import random
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from hedge_pipeline.adapters.state_store import SqlStateStore
from hedge_pipeline.adapters.state_store.row_codec import row_codec
from hedge_pipeline.adapters.state_store.statements import Statements
from hedge_pipeline.domain.drawdown import PeakState, loss_fraction, next_mark
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline_tests import examples

MINUTE = timedelta(minutes=1)
UNITS = Decimal(100_000)
AT_ONCE = 20_000


def nav_walk(seed: int) -> Iterator[Decimal]:
    """NAV per unit, 12 places, steps of at most 0.05 %."""
    chance, value = random.Random(seed), 10**12
    while True:
        yield Decimal(value).scaleb(-12)
        value += value * chance.randint(-500, 501) // 1_000_000


def fill(
    store: SqlStateStore,
    limits: RiskLimits,
    *,
    start: datetime,
    minutes: int,
    every: timedelta = MINUTE,
    seed: int = 7,
) -> None:
    """Append ``minutes`` snapshots and peak states of the account ``main``, ``every`` so often, the first one an inception."""
    zone = ZoneInfo(limits.reset_timezone)
    rows = _rows(limits, zone, start, minutes, every, seed)
    statements = Statements(store.dialect)
    snapshots, peaks = _encoder(store, NavSnapshot), _encoder(store, PeakState)
    while chunk := list(islice(rows, AT_ONCE)):
        with store._database.writing() as connection:
            cursor = connection.cursor()
            cursor.executemany(statements.insert(NavSnapshot), [snapshots(nav) for nav, _ in chunk])
            cursor.executemany(statements.insert(PeakState), [peaks(peak) for _, peak in chunk])


def _encoder(store: SqlStateStore, row_class: Any) -> Any:
    """Changed columns of a template, because encoding every row anew would take as long as everything else."""
    codec = row_codec(row_class, store.dialect.name)
    template = examples.nav_snapshot() if row_class is NavSnapshot else examples.peak_state()
    values = codec.encode(_slim(template))
    names = [field.name for field in fields(row_class)]

    def encode(changed: dict[str, Any]) -> list[Any]:
        row = values.copy()
        for name, value in changed.items():
            row[names.index(name)] = codec.encode_one(name, value)
        return row

    return encode


def _slim(row: Any) -> Any:
    return replace(row, sources=(), source_stamps=()) if isinstance(row, NavSnapshot) else row


def _rows(
    limits: RiskLimits, zone: ZoneInfo, start: datetime, minutes: int, every: timedelta, seed: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    mark, pending, previous = Decimal(0), None, Decimal(0)
    for number, per_unit in enumerate(islice(nav_walk(seed), minutes)):
        as_of, nav = start + number * every + timedelta(seconds=2), per_unit * UNITS
        if number:
            mark, pending = next_mark(
                mark, pending, previous, per_unit, jump_factor=limits.jump_factor, jump_step=limits.jump_step
            )
        else:
            mark = per_unit
        previous, drawdown = per_unit, loss_fraction(per_unit, mark)
        yield (
            {
                "ordinal": number + 1,
                "attempted_at": as_of,
                "recorded_at": as_of + timedelta(seconds=1),
                "as_of": as_of,
                "trading_nav": nav,
                "nav_usd": nav,
                "aum_usd": nav,
                "account_units": UNITS,
                "nav_per_unit": per_unit,
            },
            {
                "ordinal": number + 1,
                "recorded_at": as_of + timedelta(seconds=1),
                "as_of": as_of,
                "nav_ordinal": number + 1,
                "nav_per_unit": per_unit,
                "high_water_mark": mark,
                "drawdown": drawdown,
                "day": as_of.astimezone(zone).date(),
                "origin": "snapshot" if number else "inception",
                "origin_detail": "" if number else "generated",
            },
        )
