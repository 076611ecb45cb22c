"""What a venue remembers: everything, whenever and however it ended, and it says so when it cannot."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.state import StateDirectory, StateUnusable
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.paper.conftest import HOUR_MS, MINUTE_MS, NOON_MS, ManualClock

WORLD = World(seed=3)


def reopened(path: Path, now_ms: int, *, world: World = WORLD, pace: str = "1") -> Core:
    with StateDirectory(path) as kept:
        return open_core(world, now_ms=now_ms, kept=kept, pace=Decimal(pace))


def lived_in(path: Path, clock: ManualClock) -> Core:
    """A venue to which everything happened, kept at its end."""
    with StateDirectory(path) as kept:
        venue = PaperVenue(open_core(WORLD, now_ms=clock(), kept=kept), clock, memory=kept)
        clock.advance(5 * HOUR_MS)
        venue.act(lambda core, now_ms: core.deposit("USDT", Decimal("1.5"), now_ms=now_ms))
        venue.act(lambda core, now_ms: core.realize("BTCUSDT", Decimal(-20), now_ms=now_ms))
        venue.act(
            lambda core, now_ms: core.convert("USDC", Decimal(10), "USDT", Decimal("9.99"), now_ms=now_ms)
        )
        venue.act(
            lambda core, now_ms: core.charge_commission("BTCUSDT", "BNB", Decimal("0.01"), now_ms=now_ms)
        )
        venue.act(lambda core, now_ms: core.move_price("BTCUSDT", Decimal("0.9"), now_ms=now_ms))
        venue.act(lambda core, now_ms: core.set_mode(multi_assets=True, hedge_mode=False))
        clock.advance(10 * MINUTE_MS)
        venue.checkpoint()
        return venue.core


def test_everything_survives_a_restart(tmp_path: Path, clock: ManualClock):
    before = lived_in(tmp_path, clock)
    after = reopened(tmp_path, clock())

    assert after.ledger == before.ledger
    assert after.positions == before.positions
    assert (after.multi_assets, after.hedge_mode) == (True, False)
    assert after.funded_until_ms == before.funded_until_ms
    assert after.market.quote("BTCUSDT", clock()) == before.market.quote("BTCUSDT", clock())
    assert after.account(clock()) == before.account(clock())


def test_transaction_ids_go_on_where_they_stopped(tmp_path: Path, clock: ManualClock):
    lived_in(tmp_path, clock)
    core = reopened(tmp_path, clock())
    row = core.deposit("USDT", Decimal(1), now_ms=clock())

    assert row.tran_id > max(r.tran_id for r in core.ledger.rows[:-1])


def test_the_path_pauses_while_the_venue_is_stopped(tmp_path: Path, clock: ManualClock):
    before = lived_in(tmp_path, clock)
    stopped_at, price = clock(), before.market.quote("BTCUSDT", clock()).last_price
    clock.advance(3 * HOUR_MS)
    core = reopened(tmp_path, clock())

    assert core.market.path_at(clock()) == before.market.path_at(stopped_at)
    assert core.market.quote("BTCUSDT", clock()).last_price == price
    bars = core.market.bars(
        "BTCUSDT", "last", range(stopped_at, clock(), HOUR_MS), interval_ms=HOUR_MS, now_ms=clock()
    )
    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume) for _, bar in bars] == [
        (price, price, price, price, Decimal(0))
    ] * 3
    clock.advance(MINUTE_MS)
    assert core.market.path_at(clock()) == before.market.path_at(stopped_at) + MINUTE_MS


def test_history_is_the_same_after_a_restart(tmp_path: Path, clock: ManualClock):
    before = lived_in(tmp_path, clock)
    opens = range(clock() - 2 * HOUR_MS, clock(), MINUTE_MS)

    def bars(core: Core) -> Any:
        return core.market.bars("BTCUSDT", "last", opens, interval_ms=MINUTE_MS, now_ms=clock())

    walked = bars(before)
    assert bars(reopened(tmp_path, clock())) == walked


def test_funding_missed_while_stopped_is_charged_on_resume(tmp_path: Path, clock: ManualClock):
    before = lived_in(tmp_path, clock)
    rows = len(before.ledger.rows)
    clock.advance(24 * HOUR_MS)
    core = reopened(tmp_path, clock())
    missed = core.ledger.rows[rows:]

    # Every four hours SOL, every eight both sides of BTC and of ETH.
    assert len(missed) == 6 + 3 * 4
    assert {row.income_type for row in missed} == {"FUNDING_FEE"}
    assert [row.time_ms for row in missed] == sorted(row.time_ms for row in missed)
    for asset, balance in core.ledger.balances.items():
        explained = sum(row.amount for row in core.ledger.rows if row.asset == asset)
        assert balance == core.ledger.opening[asset] + explained


def test_the_pace_may_change_between_runs(tmp_path: Path, clock: ManualClock):
    before = lived_in(tmp_path, clock)
    walked = before.market.path_at(clock())
    core = reopened(tmp_path, clock(), pace="10")

    assert core.market.path_at(clock()) == walked
    assert core.market.path_at(clock() + MINUTE_MS) == walked + 10 * MINUTE_MS


def test_each_change_is_kept_before_it_can_be_seen(tmp_path: Path, clock: ManualClock):
    with StateDirectory(tmp_path) as kept:
        venue = PaperVenue(open_core(WORLD, now_ms=clock(), kept=kept), clock, memory=kept)
        venue.act(lambda core, now_ms: core.deposit("USDT", Decimal(7), now_ms=now_ms))

        assert [row["amount"] for row in json.loads(kept.file.read_text())["income"]] == ["7.00000000"]


def test_a_kill_before_the_file_is_replaced_leaves_the_state_before(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    before = lived_in(tmp_path, clock)
    rows = list(before.ledger.rows)

    def killed(path: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with StateDirectory(tmp_path) as kept, monkeypatch.context() as patched:
        core = open_core(WORLD, now_ms=clock(), kept=kept)
        core.deposit("USDT", Decimal(1000), now_ms=clock())
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            kept.save(core, clock())

    assert reopened(tmp_path, clock()).ledger.rows == rows


def test_a_state_is_held_by_one_venue_at_a_time(tmp_path: Path):
    with StateDirectory(tmp_path), pytest.raises(StateUnusable, match="another paper venue"):
        StateDirectory(tmp_path).__enter__()
    with StateDirectory(tmp_path):
        pass


def test_another_world_is_refused_by_name(tmp_path: Path, clock: ManualClock):
    lived_in(tmp_path, clock)

    with pytest.raises(StateUnusable, match="seed 3, not 4"):
        reopened(tmp_path, clock(), world=World(seed=4))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"version": 99, "world": {}}',
        json.dumps({"version": 1, "world": WORLD.identity}),
    ],
)
def test_an_unreadable_state_is_not_started_over(tmp_path: Path, text: str):
    (tmp_path / "state.json").write_text(text)

    with pytest.raises(StateUnusable, match="move it away"):
        reopened(tmp_path, NOON_MS)
    assert (tmp_path / "state.json").read_text() == text


def test_the_state_is_readable_by_its_owner_alone(tmp_path: Path, clock: ManualClock):
    lived_in(tmp_path, clock)

    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_a_clock_set_back_between_runs_neither_breaks_nor_charges_twice(tmp_path: Path, clock: ManualClock):
    before = lived_in(tmp_path, clock)
    core = reopened(tmp_path, clock() - HOUR_MS)
    core.advance(clock())

    assert core.ledger.rows == before.ledger.rows
    assert core.market.path_at(clock()) == before.market.path_at(clock())


def test_what_was_not_asked_for_is_taken_from_what_was_kept(tmp_path: Path, clock: ManualClock):
    lived_in(tmp_path, clock)
    with StateDirectory(tmp_path) as kept:
        world = kept.world()

    assert World.chosen(seed=None, recording=None, start=None, kept=world) == WORLD
    assert World.chosen(seed=9, recording=None, start=None, kept=world) == World(seed=9)
    assert World.chosen(seed=None, recording=None, start=None, kept=None) == World(seed=1)
    recorded = World(seed=2, recording=tmp_path, start=datetime(2025, 1, 1, tzinfo=UTC))
    assert World.chosen(seed=None, recording=None, start=None, kept=recorded.identity) == recorded


def test_a_clean_end_keeps_where_the_path_stands(tmp_path: Path, clock: ManualClock):
    with StateDirectory(tmp_path) as kept:
        venue = PaperVenue(open_core(WORLD, now_ms=clock(), kept=kept), clock, memory=kept)
        with serve(venue):
            clock.advance(17 * MINUTE_MS)

        assert json.loads(kept.file.read_text())["checkpoint_ms"] == clock()
