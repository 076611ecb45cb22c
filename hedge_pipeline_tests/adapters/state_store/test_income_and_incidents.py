"""Income and incidents: what a store refuses to know twice, and what it lets end."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import ConcurrentAppend, InvalidState
from hedge_pipeline.domain.verdicts import Command, Incident
from hedge_pipeline_tests.adapters.state_store.examples import NOON, incident, income, plain


class TestIncome:
    def test_known_rows_are_passed_over_and_new_ones_counted(self, store: SqlStateStore):
        assert store.append_new_income([]) == 0
        assert store.append_new_income([income(1), income(2)]) == 2
        assert store.append_new_income([income(1), income(2), income(3)]) == 1
        assert store.append_new_income([income(1)]) == 0

        assert store.rows(IncomeRow, "main") == [income(1), income(2), income(3)]

    def test_a_row_named_twice_in_one_answer_is_one_row(self, store: SqlStateStore):
        assert store.append_new_income([income(1), income(2), income(1)]) == 2

    @pytest.mark.parametrize(
        "name", ["income_type", "tran_id", "trade_id", "asset", "symbol", "occurred_at", "account"]
    )
    def test_every_part_of_the_key_tells_rows_apart(self, store: SqlStateStore, name: str):
        other = NOON + timedelta(microseconds=1) if name == "occurred_at" else "other"

        assert store.append_new_income([income(0), income(0, **{name: other})]) == 2

    def test_only_the_first_sight_of_a_row_is_kept(self, store: SqlStateStore):
        store.append_new_income([income(1, recorded_at=NOON)])
        store.append_new_income([income(1, recorded_at=NOON + timedelta(minutes=1))])

        assert store.rows(IncomeRow, "main") == [income(1, recorded_at=NOON)]

    @pytest.mark.parametrize("at_once", [True, False], ids=["in one answer", "in two answers"])
    def test_an_amount_that_changed_is_refused_by_its_key(self, store: SqlStateStore, *, at_once: bool):
        first, changed = income(7), income(7, amount=Decimal("1.50000001"))
        if not at_once:
            store.append_new_income([first])

        with pytest.raises(InvalidState, match=r"'7'.*1\.50000001 and stated 1\.5"):
            store.append_new_income([income(6), first, changed])

        assert store.latest(IncomeRow, "main", tran_id="6") is None, "nothing of that answer is kept"

    def test_the_same_amount_written_otherwise_has_not_changed(self, store: SqlStateStore):
        store.append_new_income([income(1, amount=Decimal("1.5"))])

        assert store.append_new_income([income(1, amount=Decimal("1.500"))]) == 0

    def test_a_known_row_cannot_be_appended_a_second_time(self, store: SqlStateStore):
        store.append(income(1))

        with pytest.raises(InvalidState, match="refused"):
            store.append(income(1))

    def test_rows_outside_a_baseline_are_the_later_ones_and_the_late_ones(self, store: SqlStateStore):
        store.append_new_income([income(1), income(5), income(9)])
        ((through_seq, _),) = store.income_outside(
            "main", through_at=NOON + timedelta(minutes=5), through_seq=99
        )
        store.append_new_income([income(2), income(10), income(1, account="hedge")])

        outside = store.income_outside(
            "main", through_at=NOON + timedelta(minutes=5), through_seq=through_seq
        )

        assert [row for _, row in outside] == [income(2), income(9), income(10)]
        assert [seq > through_seq for seq, _ in outside] == [True, False, True]

    def test_the_stamp_of_the_baseline_itself_is_inside(self, store: SqlStateStore):
        store.append_new_income([income(5)])

        assert store.income_outside("main", through_at=NOON + timedelta(minutes=5), through_seq=1) == []
        assert store.income_outside("main", through_at=NOON + timedelta(minutes=5), through_seq=0) == [
            (1, income(5))
        ]


class TestIncidents:
    def test_one_incident_per_key_is_open(self, store: SqlStateStore):
        store.append(incident("nav_is_fresh"), incident("drawdown"), incident("drawdown", account="hedge"))

        with pytest.raises(ConcurrentAppend, match="drawdown of main is open already"):
            store.append(incident("drawdown", opened_at=NOON + timedelta(hours=1)))

        assert store.open_incidents("main") == [incident("nav_is_fresh"), incident("drawdown")]

    def test_a_closed_incident_stays_in_the_record_and_may_come_again_at_once(self, store: SqlStateStore):
        first, again = incident("drawdown"), incident("drawdown", opened_at=NOON + timedelta(hours=2))
        over = replace(first, closed_at=NOON + timedelta(hours=1), closed_by="recovered")
        store.append(first)

        store.append(again, closing=[over])

        assert store.rows(Incident, "main") == [over, again]
        assert store.open_incidents("main") == [again]

    def test_only_the_incident_that_was_looked_at_is_closed(self, store: SqlStateStore):
        seen, now_open = incident("drawdown"), incident("drawdown", opened_at=NOON + timedelta(hours=2))
        over = replace(seen, closed_at=NOON, closed_by="recovered")
        store.append(seen)
        store.append(now_open, closing=[over])

        with pytest.raises(ConcurrentAppend, match="drawdown of main is not open any more"):
            store.append(plain(Command, account="main"), closing=[over])

        assert store.open_incidents("main") == [now_open]
        assert store.latest(Command, "main") is None

    @pytest.mark.parametrize(
        "missing", [{"closed_at": None}, {"closed_by": None}, {"closed_by": ""}], ids=str
    )
    def test_to_close_an_incident_takes_when_and_by_whom(self, store: SqlStateStore, missing: dict[str, Any]):
        store.append(incident("drawdown"))

        with pytest.raises(InvalidState, match="drawdown: to close it takes closed_at and closed_by"):
            store.append(closing=[replace(incident("drawdown", closed_at=NOON, closed_by="me"), **missing)])

        assert store.open_incidents("main") == [incident("drawdown")]
