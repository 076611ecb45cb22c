"""Orders and fills: what rests until the venue has told, and what was executed once for ever."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore
from hedge_pipeline.domain.errors import ConcurrentAppend, InvalidState
from hedge_pipeline.domain.market_data import Side
from hedge_pipeline.domain.trading.intents import Intent, OrderUpdate
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow, RegimeRow
from hedge_pipeline.domain.trading.readings import CandlesReading, FillOrigin, LedgerFill
from hedge_pipeline.domain.verdicts import Command
from hedge_pipeline_tests.adapters.state_store.examples import NOON, fill, intent, plain, update

OURS: dict[str, Any] = {"origin": FillOrigin.OURS, "client_order_id": "order-1"}


def unknown(number: int, **given: Any) -> LedgerFill:
    return fill(number, **{"origin": FillOrigin.UNKNOWN, **given})


class TestUnsettled:
    def test_an_intent_without_an_update_is_unsettled(self, store: SqlStateStore):
        first, second = intent(1), intent(2)
        store.append(first, second, intent(3, account="hedge"))

        assert store.unsettled("main") == [first, second]

    def test_an_update_that_does_not_settle_it_changes_nothing(self, store: SqlStateStore):
        store.append(intent(1))
        store.append(update(intent(1)), update(intent(1)))

        assert store.unsettled("main") == [intent(1)]

    def test_one_that_settles_it_does_whatever_comes_later(self, store: SqlStateStore):
        store.append(intent(1), intent(2))
        store.append(update(intent(1)), update(intent(1), settled=True), update(intent(1)))

        assert store.unsettled("main") == [intent(2)]
        assert store.rows(Intent, "main") == [intent(1), intent(2)], "it is in the record as before"

    def test_an_order_of_the_same_id_on_another_account_stays_unsettled(self, store: SqlStateStore):
        store.append(intent(1), intent(1, account="hedge"))
        store.append(update(intent(1), settled=True))

        assert store.unsettled("hedge") == [intent(1, account="hedge")]

    def test_an_order_can_be_sent_and_answered_in_one_transaction(self, store: SqlStateStore):
        store.append(intent(1), update(intent(1), settled=True), intent(2))

        assert store.unsettled("main") == [intent(2)]

    def test_an_update_of_an_order_that_nobody_intended_is_kept(self, store: SqlStateStore):
        store.append(update(intent(9), settled=True))

        assert store.latest(OrderUpdate, "main", client_order_id="order-9") is not None

    def test_what_is_undone_settles_nothing(self, store: SqlStateStore):
        store.append(intent(1))

        with pytest.raises(ConcurrentAppend):
            store.append(update(intent(1), settled=True), intent(1))

        assert store.unsettled("main") == [intent(1)]
        assert store.rows(OrderUpdate, "main") == []

    def test_an_intent_is_stored_once_so_an_order_is_sent_once(self, store: SqlStateStore):
        store.append(intent(1))

        with pytest.raises(
            ConcurrentAppend, match="intents: order-2 of main, order-1 of main is there already"
        ):
            store.append(plain(Command, account="main"), intent(2), intent(1))

        assert store.latest(Command, "main") is None

    def test_settled_intents_cost_nothing(self, store: SqlStateStore, engine: str):
        statement = store._statements.unsettled

        plan = _plan(store, engine, statement.sql, statement.values({"account": "main"}))

        assert "ix_intents_unsettled" in plan


def test_a_stored_order_that_contradicts_itself_names_its_table(store: SqlStateStore, engine: str):
    store.append(intent(1))
    with store._database.writing() as connection:
        path, cast = ("'$.kind'", "json_set") if engine == "sqlite" else ("'{kind}'", "jsonb_set")
        value = "'tp'" if engine == "sqlite" else "'\"tp\"'"
        connection.execute(f'UPDATE intents SET "order" = {cast}("order", {path}, {value})')

    with pytest.raises(InvalidState, match=r"^intents\.order: values that do not go together in a NewOrder$"):
        store.unsettled("main")


class TestFills:
    def test_known_fills_are_passed_over_and_new_ones_counted(self, store: SqlStateStore):
        assert store.append_new_fills([]) == 0
        assert store.append_new_fills([fill(1), fill(2)]) == 2
        assert store.append_new_fills([fill(1), fill(2), fill(3), fill(3)]) == 1

        assert store.rows(LedgerFill, "main") == [fill(1), fill(2), fill(3)]

    @pytest.mark.parametrize("name", ["account", "symbol", "fill_id"])
    def test_every_part_of_the_key_tells_fills_apart(self, store: SqlStateStore, name: str):
        assert store.append_new_fills([fill(0), fill(0, **{name: "other"})]) == 2

    def test_only_the_first_sight_of_a_fill_is_kept(self, store: SqlStateStore):
        store.append_new_fills([fill(1)])
        store.append_new_fills([fill(1, recorded_at=NOON + timedelta(minutes=1))])

        assert store.rows(LedgerFill, "main") == [fill(1)]

    def test_whose_a_fill_was_may_be_told_later_and_it_still_counts_once(self, store: SqlStateStore):
        store.append_new_fills([unknown(1), unknown(2)])

        assert store.append_new_fills([fill(1, **OURS)]) == 0

        assert store.rows(LedgerFill, "main") == [fill(1, **OURS), unknown(2)]
        assert store.rows(LedgerFill, "main", origin=FillOrigin.UNKNOWN) == [unknown(2)]

    def test_a_fill_named_twice_in_one_answer_is_taken_as_it_is_known_best(self, store: SqlStateStore):
        assert store.append_new_fills([unknown(1), fill(1, **OURS), unknown(1)]) == 1
        assert store.append_new_fills([unknown(2)]) == 1
        assert store.append_new_fills([unknown(2), fill(2, **OURS), fill(2, origin=FillOrigin.FOREIGN)]) == 0

        assert store.rows(LedgerFill, "main") == [fill(1, **OURS), fill(2, **OURS)]

    @pytest.mark.parametrize("origin", [FillOrigin.UNKNOWN, FillOrigin.FOREIGN])
    def test_a_known_origin_stays(self, store: SqlStateStore, origin: FillOrigin):
        store.append_new_fills([fill(1, **OURS)])

        assert store.append_new_fills([fill(1, origin=origin)]) == 0

        assert store.rows(LedgerFill, "main") == [fill(1, **OURS)]

    @pytest.mark.parametrize("at_once", [True, False], ids=["in one answer", "in two answers"])
    @pytest.mark.parametrize(
        ("fact", "value"),
        [
            ("price", Decimal("1.50000001")),
            ("quantity", Decimal("-1.5")),
            ("side", Side.SELL),
            ("commission", Decimal(0)),
            ("venue_order_id", "y"),
            ("filled_at", NOON),
        ],
    )
    def test_a_fact_that_changed_is_refused_by_its_key_and_name(
        self, store: SqlStateStore, fact: str, value: Any, *, at_once: bool
    ):
        first = unknown(7)
        changed = replace(first, **{**OURS, fact: value})
        if not at_once:
            store.append_new_fills([first])

        with pytest.raises(InvalidState, match=rf"'7'.* as its {fact} and stated "):
            store.append_new_fills([fill(6), first, changed])

        assert store.latest(LedgerFill, "main", fill_id="6") is None, "nothing of that answer is kept"
        assert store.rows(LedgerFill, "main") == ([] if at_once else [first])

    def test_the_same_amounts_written_otherwise_have_not_changed(self, store: SqlStateStore):
        store.append_new_fills([fill(1, price=Decimal("1.5"))])

        assert store.append_new_fills([fill(1, price=Decimal("1.500"))]) == 0

    def test_a_known_fill_cannot_be_appended_a_second_time(self, store: SqlStateStore):
        store.append(fill(1))

        with pytest.raises(InvalidState, match="refused"):
            store.append(fill(1))


@pytest.mark.parametrize(
    ("row_class", "equal", "index"),
    [
        (OrderUpdate, ("client_order_id",), "ix_order_executions_client_order_id"),
        (OrderUpdate, ("symbol", "venue_order_id"), "ix_order_executions_venue_order_id"),
        (Intent, ("symbol",), "ix_intents_symbol"),
        (LedgerFill, ("symbol",), "ix_fills_symbol"),
        (LedgerFill, ("origin",), "ix_fills_origin"),
        (LedgerFill, ("origin", "symbol"), "ix_fills_symbol_origin"),
        (LedgerFill, ("symbol", "venue_order_id"), "ix_fills_symbol_venue_order_id"),
        (CandlesReading, ("symbol",), "ix_candles_symbol"),
        (LadderRow, ("symbol",), "ix_ladders_symbol"),
        (PlanRow, ("symbol",), "ix_order_plans_symbol"),
        (RegimeRow, ("symbol",), "ix_regimes_symbol"),
    ],
)
def test_the_newest_of_very_many_is_found_at_once(
    store: SqlStateStore, engine: str, row_class: Any, equal: tuple[str, ...], index: str
):
    statement = store._statements.select(row_class, equal=equal, unknown=(), newest_first=True, limit=1)

    plan = _plan(
        store, engine, statement.sql, statement.values({"account": "main", **dict.fromkeys(equal, "x")})
    )

    assert f"{index} " in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_an_intent_is_found_by_its_key(store: SqlStateStore, engine: str):
    store.append(*(intent(number) for number in range(500)))
    with store._database.writing() as connection:
        connection.execute("ANALYZE intents")  # as the server does by itself in time
    statement = store._statements.select(
        Intent, equal=("client_order_id",), unknown=(), newest_first=True, limit=1
    )

    plan = _plan(store, engine, statement.sql, statement.values({"account": "main", "client_order_id": "x"}))

    assert "uq_intents_key" in plan or "autoindex_intents" in plan


def _plan(store: SqlStateStore, engine: str, sql: str, values: list[Any]) -> str:
    """How the engine would answer, if the table were large."""
    if engine == "sqlite":
        return str(store._database.read(f"EXPLAIN QUERY PLAN {sql}", values))
    with store._database.writing() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        connection.execute("SET LOCAL enable_bitmapscan = off")
        return str(connection.execute(f"EXPLAIN {sql}", values).fetchall())
