"""From settings to a fund: what they say is what is built, and nothing outside is touched before it is needed."""

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from hedge_pipeline import cycle, local
from hedge_pipeline.composition import build_fund, open_fund, open_store, uses_local_servers
from hedge_pipeline.domain.errors import InvalidSettings, StoreUnavailable
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline.local import PathOptions
from hedge_pipeline.outside import Outside
from hedge_pipeline.settings import Settings, load_settings
from hedge_pipeline_tests.stage import MovedClock

REAL_KEY = {"HEDGE_VENUE_READ_KEY": "aB3dE5fG7hJ9kL1m" * 4, "HEDGE_VENUE_READ_SECRET": "zY8xW6vU4tS2rQ1p" * 4}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "home"
    yield place
    local.end_children()
    local.down(place)
    local._venues.found.pop(place, None)


def paper(home: Path, **more: str) -> Settings:
    return load_settings({"HEDGE_HOME": str(home), **more})


def demo(home: Path) -> Settings:
    return load_settings({"HEDGE_HOME": str(home), "HEDGE_PROFILE": "demo", **REAL_KEY})


def test_building_a_fund_starts_nothing_and_reads_nothing_outside(home: Path):
    fund = build_fund(paper(home))

    assert cycle.judge(fund).state is TradingState.HALTED
    assert sorted(entry.name for entry in home.iterdir() if "state" not in entry.name) == []


def test_judging_needs_no_driver_of_the_outside(home: Path):
    build_fund(paper(home))
    program = (
        "import sys\n"
        "from hedge_pipeline import cycle\n"
        "from hedge_pipeline.composition import open_fund\n"
        "from hedge_pipeline.settings import load_settings\n"
        "cycle.judge(open_fund(load_settings({'HEDGE_HOME': sys.argv[1]}), read_only=True))\n"
        "heavy = {'ccxt', 'pandas', 'pandera', 'dagster', 'alembic', 'httpx', 'aiohttp', 'google'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(home)], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_only_paper_declares_its_own_baseline_and_does_with_one_person(home: Path):
    in_paper, elsewhere = build_fund(paper(home)), build_fund(demo(home.with_name("another")))

    assert (in_paper.self_inception, in_paper.two_people) == (True, False)
    assert (elsewhere.self_inception, elsewhere.two_people) == (False, True)


def test_the_fund_is_judged_by_the_settings_own_figures(home: Path):
    home.mkdir()
    (home / "hedge.toml").write_text('[risk.drawdown]\nhalt = 0.17\n[fund]\naccount = "second"\n')
    settings = paper(home)

    fund = build_fund(settings)

    assert fund.limits.drawdown.halt == Decimal("0.17")
    assert fund.limits.fingerprint() == settings.limits().fingerprint()
    assert fund.account == "second"


def test_a_store_is_opened_as_it_is_or_not_at_all(home: Path):
    with pytest.raises(StoreUnavailable, match="there is none"):
        open_fund(paper(home), read_only=False)

    assert not home.exists()


def test_who_only_looks_cannot_write(home: Path):
    writer = build_fund(paper(home))
    cycle.decide(writer)
    reader = open_fund(paper(home), read_only=True)

    assert cycle.judge(reader).state is TradingState.HALTED
    with pytest.raises(StoreUnavailable):
        cycle.decide(reader)


def test_paper_without_addresses_uses_local_servers_and_others_never_do(home: Path):
    assert uses_local_servers(paper(home))
    assert not uses_local_servers(demo(home))


@pytest.mark.live_stack
def test_a_process_follows_the_local_servers_when_they_move(home: Path):
    local.up(home, PathOptions())
    outside = Outside(paper(home), MovedClock())
    assert outside.read_account().balances
    local.down(home)

    dead = outside.read_account()
    assert dead.balances is None
    assert not any(source.ok for source in dead.sources)

    local.up(home, PathOptions())
    assert outside.read_account().balances


@pytest.mark.finding("X-7")
def test_a_paper_funds_rows_are_never_taken_for_another_funds_history(home: Path) -> None:
    paper = load_settings({"HEDGE_HOME": str(home)})
    open_store(paper, create=True).close()
    for other in ({"HEDGE_PROFILE": "demo", **REAL_KEY}, {"HEDGE_ENV": "staging"}):
        with pytest.raises(InvalidSettings, match="was made for paper × dev"):
            open_store(load_settings({"HEDGE_HOME": str(home), **other}), create=True)
    open_store(paper, create=False).close()


def test_a_venue_that_cannot_be_started_is_a_failed_source_of_every_kind(home: Path) -> None:
    (home / "paper" / "venue").mkdir(parents=True)
    (home / "paper" / "venue" / "state.json").write_text("{")
    fund = build_fund(paper(home))

    decision = cycle.run_cycle(fund)

    assert decision.state is TradingState.HALTED
    snapshot = fund.latest(NavSnapshot)
    assert snapshot is not None, "the attempt is a row"
    failed = {problem.source for problem in snapshot.problems}
    assert {"clock", "balances", "positions", "marks", "income"} <= failed
    assert all(
        "did not start" in problem.message for problem in snapshot.problems if problem.source == "clock"
    )
