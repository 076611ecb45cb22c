"""A predecessor is taken over whole, once, with its own stamps; a plan touches nothing, and without it nothing is overwritten."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.adapters import predecessor_files
from hedge_pipeline.adapters.holdings import HoldingsFiles
from hedge_pipeline.domain.errors import CommandRefused, SourceUnavailable
from hedge_pipeline.domain.predecessor.documents import Found
from hedge_pipeline.domain.predecessor.navs import ImportedNav
from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline.domain.schemas import validate
from hedge_pipeline.domain.verdicts import Command
from hedge_pipeline.operations import propose_peak, rearm, rebuild_peak
from hedge_pipeline.operations.importing import ImportPlan, apply_import, plan_import
from hedge_pipeline.operations.remembering import peak_path
from hedge_pipeline.publishing import publish
from hedge_pipeline.settings import load_settings
from hedge_pipeline_tests.domain.predecessor.test_limits import SHIPPED
from hedge_pipeline_tests.fakes import ManualClock, MemoryPublisher, MemoryStage, memory_stage

SAID = {"fraction": ["daily_loss_limit_pct", "max_nav_drawdown_pct"]}


@dataclass
class Import:
    """A fund, what its predecessor left behind, and where ours is written."""

    stage: MemoryStage
    left: Path
    folder: Path

    @property
    def publisher(self) -> MemoryPublisher:
        assert isinstance(self.stage.fund.publisher, MemoryPublisher)
        return self.stage.fund.publisher

    def write(self, place: str, content: Any) -> None:
        file = self.left / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content, default=str))

    def plan(self, *paths: Path, firestore: bool = False, **said: Any) -> ImportPlan:
        return plan_import(
            self.stage.fund,
            predecessor_files.read(paths or (self.left,)),
            folder=self.folder,
            settings_file=self.folder / "hedge.toml",
            symbols=("BTCUSDT",) if firestore else None,
            **(said or SAID),
        )

    def apply(self, plan: ImportPlan, **how: Any) -> tuple[str, ...]:
        return apply_import(self.stage.fund, plan, actor="ada", reason="the new system", **how)

    def orders(self) -> list[Command]:
        return [row for row in self.stage.fund.store.rows(Command, "main") if row.kind == "import"]


@pytest.fixture
def importing(tmp_path: Path) -> Iterator[Import]:
    """A fund of 100,000 USDT; a month ago its predecessor had seen 125,000, and later it said so everywhere."""
    home = tmp_path / "home"
    home.mkdir()
    stage = memory_stage(home)
    stage.fund = replace(stage.fund, self_inception=False)
    stage.beat(2)
    built = Import(stage=stage, left=tmp_path / "old", folder=tmp_path / "ours")
    now = stage.clock.at.timestamp()
    built.write(
        "logs/nav_log.json",
        [{"t": now - 86_400 * 30, "nav": 125_000.0}, {"t": now - 3600, "nav": 100_500.25}],
    )
    built.write(
        "logs/cache/peak_state.json",
        {
            "day": "2026-11-20", "peak": 130_000.0, "peak_equity": 130_000.0, "nav": 100_000.0, "nav_usd": 100_000.0,
            "realized_pnl_today": 0.0, "dd_abs": 30_000.0, "dd_pct": 23.1, "ts": now - 60, "reset_timezone": "UTC",
        },
    )  # fmt: skip
    built.write(
        "logs/cache/nav_confirmed.json",
        {"ts": now - 60, "nav": 100_000.0, "nav_usd": 100_000.0, "sources_ok": True},
    )
    built.write("config/reserves.json", {"USDC": 1200, "XAUT": 0.5, "BTC": 0.013})
    built.write("config/treasury.json", {"BTC": 0.035, "XAUT": 0.59})
    limits = {key: float(value) if isinstance(value, Decimal) else value for key, value in SHIPPED.items()}
    built.write("config/risk_limits.json", {**limits, "per_symbol": {}})
    yield built
    stage.close()


def everything(importing: Import) -> tuple[Any, ...]:
    fund = importing.stage.fund
    return (
        fund.store.rows(ImportedNav, "main"),
        fund.store.rows(Command, "main"),
        {file.name: file.read_text() for file in importing.folder.glob("*")}
        if importing.folder.exists()
        else {},
        {path: dict(fields) for path, fields in importing.publisher.documents.items()},
    )


def unversioned(importing: Import) -> dict[str, dict[str, Any]]:
    """What three writers of the predecessor left on the server."""
    now = importing.stage.clock.at
    documents: dict[str, dict[str, Any]] = {
        "hedge/dev/state/nav": {"series": [{"t": now.timestamp() - 86_400, "nav": 101_000.5}], "peak_equity": 131_000.0},
        "hedge/dev/state/positions": {"rows": [{"symbol": "BTCUSDT", "qty": 0.1}], "updated": now.isoformat()},
        peak_path("dev"): {
            "peak": 130_000.0, "peak_equity": 130_000.0, "nav": 100_000.0, "nav_usd": 100_000.0,
            "ts": now.timestamp() - 60, "updated_at": now - timedelta(seconds=60),
        },
        "hedge_leaderboard/assets": {"rows": []},
        "hedge/dev/state/exits_BTCUSDT_LONG": {"plan": {"tp": 1.0}},
    }  # fmt: skip
    importing.publisher.documents.update({path: dict(fields) for path, fields in documents.items()})
    return documents


def test_a_plan_touches_nothing(importing: Import):
    unversioned(importing)
    before = everything(importing)

    plan = importing.plan(firestore=True)

    assert plan.changes
    assert everything(importing) == before


def test_an_import_twice_changes_nothing(importing: Import):
    unversioned(importing)
    assert importing.apply(importing.plan(firestore=True))
    before = everything(importing)
    importing.stage.clock.pass_by(3600)

    again = importing.plan(firestore=True)

    assert not again.changes
    assert importing.apply(again) == ()
    assert everything(importing) == before
    assert len(importing.orders()) == 1


@pytest.mark.finding("X-11")
def test_navs_keep_their_own_stamps_whenever_they_are_imported(importing: Import):
    importing.stage.clock.pass_by(7200)
    now = importing.stage.clock.at
    importing.apply(importing.plan())

    rows = importing.stage.fund.store.rows(ImportedNav, "main")
    assert {row.source for row in rows} == {"nav_log.json", "nav_confirmed.json", "peak_state.json"}
    assert all(row.as_of <= now - timedelta(seconds=7200 + 60) for row in rows)
    assert {row.recorded_at for row in rows} == {now}
    assert validate(rows) == []
    (order,) = importing.orders()
    assert order.actor == "ada"
    assert "2 NAVs of nav_log.json" in order.detail


def test_a_log_that_grew_is_imported_from_where_it_stopped(importing: Import):
    importing.apply(importing.plan())
    log = json.loads((importing.left / "logs/nav_log.json").read_text())
    importing.write("logs/nav_log.json", [*log, {"t": log[-1]["t"] + 60, "nav": 100_400.0}])

    (nav,) = [found for found in importing.plan().navs if found.new]

    assert [row.nav for row in nav.new] == [Decimal(100_400)]


def test_what_was_imported_is_a_source_of_the_mark_and_a_person_may_leave_it_out(importing: Import):
    importing.apply(importing.plan())
    fund = importing.stage.fund
    importing.stage.beat()

    plan = propose_peak(fund)

    by_source = {found.source: found for found in plan.candidates}
    assert by_source["imported nav_log.json"].value == Decimal("1.25")
    assert by_source["imported peak_state.json"].value == Decimal("1.3")
    assert "withdrawn" in (by_source["imported peak_state.json"].doubt or "")
    assert by_source["imported nav_log.json"].doubt is None, "the venue still tells of every flow since"
    assert (plan.source, plan.high_water_mark) == ("imported peak_state.json", Decimal("1.3"))

    with pytest.raises(CommandRefused, match="only a doubtful source"):
        propose_peak(fund, without=["imported nav_log.json"])
    state = rebuild_peak(fund, actor="ada", reason="moved", without=["imported peak_state.json"])
    assert state.high_water_mark == Decimal("1.25")
    assert "imported peak_state.json 1.3" in state.origin_detail
    assert "(left out)" in state.origin_detail


def test_money_paid_in_since_is_taken_out_of_an_imported_nav(importing: Import):
    importing.stage.venue.move("TRANSFER", 50_000)
    importing.stage.beat(2)
    importing.apply(importing.plan())

    by_source = {found.source: found.value for found in propose_peak(importing.stage.fund).candidates}

    assert by_source["imported nav_log.json"] == pytest.approx(Decimal("1.25"), abs=Decimal("1e-9"))


@pytest.mark.finding("S2-RES-3")
@pytest.mark.parametrize("stated", [None, {}, {"BTC": 1}], ids=["no file", "an empty one", "one that holds"])
def test_a_missing_file_of_reserves_is_not_an_empty_one(importing: Import, stated: dict[str, Any] | None):
    (importing.left / "config/reserves.json").unlink()
    if stated is not None:
        importing.write("config/reserves.json", stated)

    importing.apply(importing.plan())

    read = HoldingsFiles(folder=importing.folder, clock=ManualClock()).read()
    assert read.reserves_configured is (stated is not None)


def test_holdings_are_written_where_there_are_none(importing: Import):
    importing.apply(importing.plan())

    read = HoldingsFiles(folder=importing.folder, clock=ManualClock()).read()

    assert {(held.place, held.asset): held.quantity for held in read.holdings} == {
        ("treasury", "BTC"): Decimal("0.035"), ("treasury", "XAUT"): Decimal("0.59"),
        ("reserves", "USDC"): Decimal(1200), ("reserves", "XAUT"): Decimal("0.5"),
        ("reserves", "BTC"): Decimal("0.013"),
    }  # fmt: skip


def test_a_holdings_file_that_says_something_else_stays_unless_told(importing: Import):
    importing.folder.mkdir()
    ours = importing.folder / "treasury.toml"
    ours.write_text('[holdings]\nBTC = "7"\n')

    with pytest.raises(CommandRefused, match=r"treasury\.toml.*--replace"):
        importing.apply(importing.plan())
    assert ours.read_text() == '[holdings]\nBTC = "7"\n'
    assert importing.orders() == []

    importing.apply(importing.plan(), replace=True)
    assert "0.035" in ours.read_text()
    assert (importing.folder / "treasury.toml.bak").read_text() == '[holdings]\nBTC = "7"\n'
    ours.write_text("")
    importing.apply(importing.plan(), replace=True)
    assert (importing.folder / "treasury.toml.bak2").read_text() == ""
    assert (importing.folder / "treasury.toml.bak").read_text() != "", "the first is kept too"


@pytest.mark.finding("X-1")
def test_limits_wait_for_a_person_then_become_settings_that_load(importing: Import):
    with pytest.raises(CommandRefused, match=r"daily_loss_limit_pct.*--percent KEY or --fraction KEY"):
        importing.apply(importing.plan(percent=[], fraction=["max_nav_drawdown_pct"]))
    assert not (importing.folder / "hedge.toml").exists()

    importing.apply(importing.plan())

    settings = load_settings({}, config_file=importing.folder / "hedge.toml")
    assert settings.risk.daily_loss.halt == Decimal("0.1")
    assert settings.risk.drawdown.halt == Decimal("0.2")


def test_limits_that_contradict_ours_are_refused_before_anything_is_written(importing: Import):
    importing.write("config/risk_limits.json", {"max_nav_drawdown_pct": 60})

    with pytest.raises(CommandRefused, match=r"no settings of ours(.|\n)*hard_ceiling"):
        importing.apply(importing.plan(percent=["max_nav_drawdown_pct"]))

    assert importing.stage.fund.store.rows(ImportedNav, "main") == []
    assert not (importing.folder / "hedge.toml").exists()


def test_a_settings_file_that_somebody_wrote_is_never_written_into(importing: Import):
    importing.folder.mkdir()
    (importing.folder / "hedge.toml").write_text("[risk.drawdown]\nhalt = 0.2\n")

    plan = importing.plan()
    importing.apply(plan)

    assert (importing.folder / "hedge.toml").read_text() == "[risk.drawdown]\nhalt = 0.2\n"
    assert "risk.drawdown.halt" not in plan.settings.missing
    assert plan.settings.missing["risk.daily_loss.halt"] == "0.1"


def test_without_an_import_the_predecessors_documents_are_refused_untouched(importing: Import):
    left = unversioned(importing)
    rebuild_peak(importing.stage.fund, actor="ada", reason="first", accept_unread=True)
    importing.stage.beat(2)

    told = {document.path: document.outcome for document in publish(importing.stage.fund).documents}

    assert {told[path] for path in told if path in left} == {Outcome.REFUSED}
    assert {path: importing.publisher.documents[path] for path in left} == left


def test_imported_documents_are_archived_and_then_ours_take_their_place(importing: Import):
    left = unversioned(importing)
    plan = importing.plan(firestore=True)
    assert set(plan.unversioned) == set(left)

    importing.apply(plan)

    for path, fields in left.items():
        copy = importing.publisher.documents[importing.publisher.documents[path]["archived_to"]]
        assert copy["content"] == fields, path
        assert copy["original_path"] == path
    rows = importing.stage.fund.store.rows(ImportedNav, "main")
    assert {row.source for row in rows} >= {"hedge/dev/state/nav", peak_path("dev")}
    importing.stage.beat()
    rebuild_peak(importing.stage.fund, actor="ada", reason="taken over")
    importing.stage.beat(2)
    rearm_if_needed(importing)
    told = {document.path: document.outcome for document in publish(importing.stage.fund).documents}
    assert told[peak_path("dev")] is Outcome.WRITTEN
    assert importing.publisher.documents[peak_path("dev")]["schema_version"] == 1


def rearm_if_needed(importing: Import) -> None:
    if any(incident.key == "peak_rebuilt" for incident in importing.stage.fund.store.open_incidents("main")):
        try:
            rearm(importing.stage.fund, actor="ada", reason="reviewed")
        except CommandRefused as refusal:
            assert "drawdown" in str(refusal)  # noqa: PT017 the predecessor's peak lies far above


def test_documents_of_others_are_left_alone(importing: Import):
    ours = {"schema_version": 1, "writer_id": "0123456789abcdef", "env": "dev"}
    importing.publisher.documents["hedge/dev/state/nav"] = dict(ours)

    plan = importing.plan(firestore=True)

    standing = {found.path: found.found for found in plan.documents}
    assert standing["hedge/dev/state/nav"] is Found.VERSIONED
    assert standing["hedge/dev/state/leaderboard"] is Found.ABSENT
    assert plan.unversioned == ()


def test_a_document_that_cannot_be_understood_is_archived_all_the_same(importing: Import):
    importing.publisher.documents[peak_path("dev")] = {"peak": "high"}

    plan = importing.plan(firestore=True)

    assert any(peak_path("dev") in note for note in plan.notes)
    importing.apply(plan)
    assert "archived_to" in importing.publisher.documents[peak_path("dev")]


def test_a_server_that_does_not_answer_is_told_and_nothing_is_done(importing: Import):
    unversioned(importing)
    importing.publisher.failing.add("*")

    with pytest.raises(SourceUnavailable):
        importing.plan(firestore=True)
