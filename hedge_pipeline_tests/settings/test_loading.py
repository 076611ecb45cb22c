"""Where settings come from, in which order, and what happens to files and directories that are not as expected."""

import json
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pydantic
import pytest

from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings import load_settings
from hedge_pipeline.settings.model import SECTIONS
from hedge_pipeline_tests.settings.conftest import DEMO, KILL_SWITCH, LIVE, Load, Refused


def test_a_persons_file_lies_over_the_profile(load: Load):
    settings = load("risk.drawdown.warn = 0.12", 'venue.symbols = ["BTCUSDT"]')

    assert settings.risk.drawdown.warn == Decimal("0.12")
    assert settings.risk.drawdown.reduce == Decimal("0.15"), "the rest of the table stands"
    assert settings.venue.symbols == ("BTCUSDT",), "a list is replaced"


def test_figures_are_the_decimals_that_were_written(load: Load):
    assert str(load("strategy.grid.base_qty = 0.10").strategy.grid.base_qty) == "0.10"


def test_the_file_named_in_the_call_wins_over_the_variable_and_the_home(tmp_path: Path):
    for name, warn in (("hedge.toml", "0.11"), ("variable.toml", "0.12"), ("call.toml", "0.13")):
        (tmp_path / name).write_text(f"risk.drawdown.warn = {warn}", encoding="utf-8")
    home = {"HEDGE_HOME": str(tmp_path)}
    named = {**home, "HEDGE_CONFIG": str(tmp_path / "variable.toml")}

    def warn_at(env: Mapping[str, str], file: Path | None = None) -> str:
        return str(load_settings(env, config_file=file).risk.drawdown.warn)

    assert warn_at(home) == "0.11"
    assert warn_at(named) == "0.12"
    assert warn_at(named, tmp_path / "call.toml") == "0.13"
    assert load_settings(named).config_file == tmp_path / "variable.toml"


def test_without_a_file_the_profile_stands_alone(tmp_path: Path):
    assert load_settings({"HEDGE_HOME": str(tmp_path)}).config_file is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "does not exist"),
        (b"risk = ?", "is not TOML; correct it at line 1, near risk"),
        (b"\xff", "is not TOML"),
        (b"a = 1\na = 2", "is not TOML"),
        (b"a = " + b"[" * 20_000, "is not TOML"),
        (b"risk = 5", "risk = 5"),
        (b"risk = [1]", "risk "),
        (b"risk.drawdown = 0.2", "risk.drawdown = 0.2"),
        (b"[[risk]]\ndepeg = 0.01", "risk "),
        (b"venue.symbols.BTCUSDT = 1", "venue.symbols"),
    ],
)
def test_a_spoiled_file_that_was_named_is_refused(tmp_path: Path, content: bytes | None, told: str):
    file = tmp_path / "named.toml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(InvalidSettings, match="wrong") as refusal:
        load_settings({"HEDGE_HOME": str(tmp_path), "HEDGE_CONFIG": str(file)})

    assert told in str(refusal.value)


def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path):
    with pytest.raises(InvalidSettings, match="cannot be read"):
        load_settings({"HEDGE_HOME": str(tmp_path), "HEDGE_CONFIG": str(tmp_path)})


@pytest.mark.finding("S3-CFG-R")
def test_every_fault_is_told_at_once_with_value_place_and_remedy(refused: Refused, tmp_path: Path):
    told = refused(
        "risk.hard_ceiling = 20",
        "risk.depegg = 0.01",
        'venue.margin_type = "CROSS"',
        "venue.timeout_s = true",
        "strategy.regime.ema_fast = 60",
        "strategy.exit.sl_steps = 0",
        'fund.holdings_folder = "${NOPE}"',
        "kill_switch.max_drawdown_pct = 5",
        "nonsense.a = 1",
        env={
            "HEDGE_PROFILE": "live",
            "HEDGE_ENV": "dev",
            "HEDGE_HOEM": "/",
            "HEDGE_STATE_URL": "mysql://h/d",
        },
    )

    for fault in (
        f"risk.hard_ceiling = 20 ({tmp_path / 'hedge.toml'}): is out of bounds; write a fraction more than 0",
        "risk.depegg = 0.01",
        "did you mean risk.depeg?",
        'venue.margin_type = "CROSS"',
        "venue.timeout_s = true",
        "strategy.regime.ema_fast",
        "strategy.exit.sl_steps = 0",
        "export NOPE",
        "kill_switch.max_drawdown = 0.05",
        "nonsense",
        "HEDGE_PROFILE × HEDGE_ENV = live × dev",
        "HEDGE_HOEM",
        "HEDGE_STATE_URL = ***",
        "HEDGE_VENUE_READ_KEY: is missing",
    ):
        assert fault in told, fault


@pytest.mark.parametrize(
    "broken",
    ["strategy.grid.base_qty = 0", "venue.timeout_s = 0", "strategy.grid.base_qty = 0\nvenue.timeout_s = 0"],
)
def test_a_section_that_is_wrong_accuses_no_other(refused: Refused, broken: str):
    told = refused('venue.symbols = ["SOLUSDT"]', 'strategy.symbol = "SOLUSDT"', broken)

    assert "strategy.symbol" not in told


def test_a_wrong_profile_still_tells_what_is_wrong_with_the_file(refused: Refused):
    told = refused("risk.depeg = 5", env={"HEDGE_PROFILE": "papr"})

    assert "did you mean paper?" in told
    assert "risk.depeg = 5" in told


@pytest.mark.parametrize(
    ("name", "value"), [("HEDGE_CONFIG", ""), ("HEDGE_STATE_URL", " "), ("HEDGE_SECRETS_FILE", "")]
)
def test_an_empty_variable_is_a_mistake(refused: Refused, name: str, value: str):
    assert f'{name} = ""' in refused(env={name: value})


def test_the_home_is_absolute_wherever_we_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    assert load_settings({"HEDGE_HOME": "here"}).home == tmp_path / "here"
    assert load_settings({}).home == tmp_path / ".hedge"


def test_the_home_of_a_checkout_is_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".git").mkdir()
    (tmp_path / "docs" / "adr").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "docs" / "adr")

    assert load_settings({}).home == tmp_path / ".hedge"


@pytest.mark.parametrize("value", ["~/hedge", "a\0b"])
def test_a_home_that_cannot_be_meant_is_refused(value: str):
    with pytest.raises(InvalidSettings, match="HEDGE_HOME"):
        load_settings({"HEDGE_HOME": value})


def test_a_file_in_place_of_the_home_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(InvalidSettings, match="is not a directory"):
        load_settings({"HEDGE_HOME": str(tmp_path / "file")})


def test_loading_writes_nothing(tmp_path: Path):
    load_settings({"HEDGE_HOME": str(tmp_path / "new")})

    assert list(tmp_path.iterdir()) == []


def test_holdings_lie_in_the_home_unless_they_are_elsewhere(load: Load, tmp_path: Path):
    assert load().holdings_folder == tmp_path
    assert load('fund.holdings_folder = "/srv/fund"').holdings_folder == Path("/srv/fund")


def test_the_state_lies_in_the_home_unless_it_is_elsewhere(load: Load, tmp_path: Path):
    assert load().state_url.get_secret_value() == f"sqlite:///{tmp_path}/state.sqlite"
    assert load().public()["state_url"] == f"sqlite:///{tmp_path}/state.sqlite"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h/d",
        "postgresql+psycopg://h:5433/d",
        "postgresql://u@/d?host=/run/pg",
        "sqlite:////srv/x.db",
    ],
)
def test_an_address_that_can_keep_state_is_taken_as_it_is(load: Load, url: str):
    assert load(env={"HEDGE_STATE_URL": url}).state_url.get_secret_value() == url


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///relative.db",
        "sqlite:////",
        "mysql://h/d",
        "postgresql://h",
        "postgresql://h:port/d",
        "postgresql://[h/d",
        "state.sqlite",
        "a",
    ],
)
def test_an_address_that_cannot_keep_state_is_refused(refused: Refused, url: str):
    assert "HEDGE_STATE_URL = ***" in refused(env={"HEDGE_STATE_URL": url})


def test_settings_are_frozen_all_the_way_down(load: Load):
    settings = load()

    for owner, name in ((settings, "profile"), (settings.risk, "depeg"), (settings.risk.drawdown, "halt")):
        with pytest.raises(pydantic.ValidationError):
            setattr(owner, name, None)
    assert isinstance(settings.venue.symbols, tuple)


def test_the_public_form_is_json_and_its_fingerprint_follows_the_content(load: Load):
    first, same, other = load(), load(), load("risk.depeg = 0.02")

    assert json.loads(json.dumps(first.public())) == first.public()
    assert first.fingerprint() == same.fingerprint()
    assert first.fingerprint() != other.fingerprint()
    assert len(first.fingerprint()) == 12


@pytest.mark.finding("X-2")
@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_every_section_is_an_attribute_of_the_settings(load: Load, name: str):
    assert isinstance(getattr(load(*KILL_SWITCH, env=LIVE), name), SECTIONS[name])


def test_what_ships_for_each_profile_is_what_its_predecessor_shipped(load: Load):
    paper, demo, live = load(), load(env=DEMO), load(*KILL_SWITCH, env=LIVE)

    steps = [int(settings.strategy.grid.grid_step_bps) for settings in (paper, demo, live)]
    levels = [settings.strategy.grid.grid_levels_long for settings in (paper, demo, live)]
    slow = [settings.strategy.regime.ema_slow for settings in (paper, demo, live)]
    assert (steps, levels, slow) == ([50, 25, 50], [6, 8, 10], [30, 21, 50])


def test_price_limits_reach_the_domain(load: Load):
    assert load('prices.crypto = "4min"').prices.limits().crypto.total_seconds() == 240


@pytest.mark.finding("S1-FS-1")
def test_importing_and_loading_pulls_in_nothing_heavy_and_reads_nothing_at_import(tmp_path: Path):
    program = """
import os, sys
os.environ["HEDGE_ENV"] = "read too early"
import hedge_pipeline.settings as settings
os.environ["HEDGE_ENV"] = "staging"
assert settings.load_settings().env == "staging"
heavy = {"ccxt", "pandas", "numpy", "dagster", "sqlalchemy", "duckdb", "aiohttp", "httpx", "google"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2], timeout=60)
