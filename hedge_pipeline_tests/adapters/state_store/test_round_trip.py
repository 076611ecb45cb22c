"""What goes into the store comes out of it, exactly, or is refused with the name of the field."""

import itertools
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.adapters.state_store.scalars import instant_text
from hedge_pipeline.adapters.state_store.tables import TABLES
from hedge_pipeline.domain.account import AccountReading, IncomeRow
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.flows import Flow
from hedge_pipeline.domain.nav import NavPart, NavSnapshot
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.verdicts import Breach, BreachKind, Command, GateDecision, TradingState
from hedge_pipeline_tests.adapters.state_store.examples import NOON, anything, income, money, plain

_accounts = map(str, itertools.count(1))


@pytest.mark.parametrize("row_class", TABLES, ids=lambda row_class: row_class.__name__)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_row_comes_back_as_it_went_in(
    lasting_store: SqlStateStore, row_class: type[Any], data: st.DataObject
):
    row = replace(data.draw(anything(row_class)), account=next(_accounts))

    lasting_store.append(row)

    assert lasting_store.latest(row_class, row.account) == row


@given(amount=money)
def test_money_comes_back_to_the_last_digit_and_in_one_form(lasting_store: SqlStateStore, amount: Decimal):
    account = next(_accounts)
    lasting_store.append(income(1, account=account, amount=amount))

    found = lasting_store.latest(IncomeRow, account)

    assert found is not None
    assert found.amount == amount
    assert str(found.amount) == str(Decimal(f"{found.amount:f}")), "no exponent was kept"
    assert found.amount.as_tuple().exponent == 0 or found.amount.as_tuple().digits[-1], "nor a trailing zero"
    assert found.amount or not found.amount.is_signed()


@given(st.datetimes(), st.timedeltas(min_value=timedelta(hours=-14), max_value=timedelta(hours=14)))
def test_an_instant_comes_back_in_utc_whatever_zone_it_came_in(
    lasting_store: SqlStateStore, wall: datetime, offset: timedelta
):
    instant = wall.replace(year=2026, tzinfo=timezone(timedelta(minutes=offset // timedelta(minutes=1))))
    account = next(_accounts)
    lasting_store.append(income(1, account=account, occurred_at=instant))

    found = lasting_store.latest(IncomeRow, account)

    assert found is not None
    assert found.occurred_at == instant
    assert found.occurred_at.tzinfo is UTC


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2))
def test_texts_of_instants_sort_as_instants_and_are_of_one_width(instants: list[datetime]):
    texts = [instant_text(instant) for instant in instants]

    assert sorted(texts) == [instant_text(instant) for instant in sorted(instants)]
    assert {len(text) for text in texts} == {32}


@pytest.mark.finding("S1-NAV-4")
def test_each_sources_health_is_part_of_the_record(store: SqlStateStore):
    sources = (
        SourceHealth(source="balances", ok=True, as_of=NOON),
        SourceHealth(source="positions", ok=False, as_of=None, error="timed out after 5 s"),
    )
    store.append(plain(AccountReading, account="main", sources=sources))

    found = store.latest(AccountReading, "main")

    assert found is not None
    assert found.sources == sources


def breach(**given: Any) -> Breach:
    return plain(Breach, **{"kind": BreachKind.LIMIT, "ceiling": TradingState.REDUCING, **given})


def test_a_rank_is_stored_by_name_so_that_its_number_may_change(store: SqlStateStore):
    store.append(plain(GateDecision, account="main", state=TradingState.HALTED, breaches=(breach(),)))

    ((state, breaches),) = store._database.read("SELECT state, breaches FROM gate_decisions", [])

    assert state == "HALTED"
    assert "REDUCING" in breaches


def part(**given: Any) -> NavPart:
    return plain(NavPart, **{"asset": "USDT", **given})


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (plain(PeakState, high_water_mark=Decimal("NaN")), "peak_states.high_water_mark"),
        (plain(PeakState, drawdown=Decimal("Infinity")), "peak_states.drawdown"),
        (plain(PeakState, drawdown=0.1), "peak_states.drawdown"),
        (plain(PeakState, drawdown=None), "peak_states.drawdown"),
        (plain(PeakState, daily_loss=Decimal("1E+999999")), "peak_states.daily_loss"),
        (plain(PeakState, daily_loss=Decimal("1E-999999")), "peak_states.daily_loss"),
        (plain(PeakState, daily_loss=Decimal("1" * 900)), "peak_states.daily_loss"),
        (plain(PeakState, as_of=datetime(2026, 1, 1)), "peak_states.as_of"),  # noqa: DTZ001  naive is the point
        (plain(PeakState, as_of="2026-01-01"), "peak_states.as_of"),
        (
            plain(PeakState, as_of=datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))),
            "peak_states.as_of",
        ),
        (plain(PeakState, day=NOON), "peak_states.day"),
        (plain(PeakState, ordinal=2**63), "peak_states.ordinal"),
        (plain(PeakState, ordinal=True), "peak_states.ordinal"),
        (plain(PeakState, origin="\0"), "peak_states.origin"),
        (plain(PeakState, origin="\ud800"), "peak_states.origin"),
        (plain(PeakState, origin=date(2026, 1, 1)), "peak_states.origin"),
        (plain(GateDecision, dormant=0), "gate_decisions.dormant"),
        (plain(GateDecision, state=0), "gate_decisions.state"),
        (plain(Flow, purpose="loss"), "flows.purpose"),
        (plain(NavSnapshot, parts=[]), "nav_snapshots.parts"),
        (plain(NavSnapshot, parts=(part(), part(value=Decimal("NaN")))), "nav_snapshots.parts.1.value"),
        (plain(NavSnapshot, source_stamps=(("marks", None),)), "nav_snapshots.source_stamps.0.1"),
        (plain(NavSnapshot, source_stamps=(("marks", NOON, 1),)), "nav_snapshots.source_stamps.0"),
        (plain(NavSnapshot, sources=(part(),)), "nav_snapshots.sources.0"),
        (plain(GateDecision, breaches=(breach(age=1),)), "gate_decisions.breaches.0.age"),
    ],
)
def test_a_value_that_is_none_of_its_type_is_refused_by_name(store: SqlStateStore, row: Any, field: str):
    with pytest.raises(InvalidState) as refused:
        store.append(plain(Command, account="main"), row)

    assert str(refused.value).startswith(f"{field}: ")
    assert store.latest(Command, "main") is None, "the rows beside it were not appended either"


@pytest.mark.finding("S3-SEC-R")
def test_text_that_looks_like_sql_is_stored_as_text(store: SqlStateStore):
    reason = "'); DROP TABLE commands; --"
    store.append(plain(Command, account=reason, reason=reason, kind='{"a": "%s ? :x"}'))

    found = store.latest(Command, reason, reason=reason)

    assert found is not None
    assert found.reason == reason
    assert found.kind == '{"a": "%s ? :x"}'


@pytest.mark.parametrize(
    ("column", "stored", "complaint"),
    [
        ("as_of", "yesterday", "nav_snapshots.as_of: "),
        ("nav_usd", "NaN", "nav_snapshots.nav_usd: "),
        ("nav_usd", "12,5", "nav_snapshots.nav_usd: "),
        ("parts", "{}", "nav_snapshots.parts: "),
        ("parts", '[{"asset": "USDT"}]', "nav_snapshots.parts.0: "),
        ("parts", "[", "nav_snapshots.parts: "),
        ("source_stamps", '[["marks", 5]]', "nav_snapshots.source_stamps.0.1: "),
        ("accepted", 2, "nav_snapshots.accepted: "),
    ],
)
def test_what_was_changed_behind_our_back_is_not_believed(
    tmp_path: Path, column: str, stored: Any, complaint: str
):
    store = open_state_store(f"sqlite:///{tmp_path}/state.db", create=True)
    store.append(plain(NavSnapshot, account="main"))
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute(f"UPDATE nav_snapshots SET {column} = ?", [stored])
    connection.close()

    with pytest.raises(InvalidState) as refused:
        store.latest(NavSnapshot, "main")

    assert str(refused.value).startswith(complaint)
    store.close()
