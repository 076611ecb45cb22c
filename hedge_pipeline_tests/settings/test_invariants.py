"""What must hold before anything starts: each invariant, broken alone."""

import pytest

from hedge_pipeline.settings import Settings, startup_invariants
from hedge_pipeline_tests.settings.conftest import (
    DEMO,
    KILL_SWITCH,
    LIVE,
    READ_KEY,
    READ_SECRET,
    TRADE_KEY,
    TRADE_SECRET,
    Load,
    Refused,
)

STAND_INS = (
    "BACKTEST_MODE",
    "paper",
    "paper-read",
    "changeme",
    "CHANGE_ME_BEFORE_GOING_LIVE",
    "your_api_key_example",
    "testnet-rk7Qm2Zx9Lr4Tn8Wd1Va",
    "0000000000000000000000",
    "aBaBaBaBaBaBaBaBaBaB",
    "short",
)


@pytest.fixture
def live(load: Load) -> Settings:
    return load(*KILL_SWITCH, env=LIVE)


@pytest.mark.finding("S3-CFG-2")
def test_settings_that_load_break_no_invariant(load: Load, live: Settings):
    for settings in (live, load(), load(env=DEMO)):
        assert startup_invariants(settings) == ()


@pytest.mark.finding("S3-HEDGE-1", "S3-CFG-2")
@pytest.mark.parametrize(
    "environment", [{}, {"HEDGE_ENV": "staging"}, DEMO, LIVE], ids=["paper", "staging", "demo", "live"]
)
def test_without_hedge_mode_nothing_starts(refused: Refused, environment: dict[str, str]):
    lines = KILL_SWITCH if environment is LIVE else ()

    told = refused(*lines, "venue.hedge_mode = false", env=environment)

    assert "venue.hedge_mode = false" in told
    assert "switch the account to hedge mode" in told


@pytest.mark.finding("S3-CFG-1", "S3-CFG-2")
@pytest.mark.parametrize("name", ["HEDGE_VENUE_READ_KEY", "HEDGE_VENUE_READ_SECRET"])
@pytest.mark.parametrize("value", STAND_INS)
def test_a_stand_in_is_no_key(refused: Refused, name: str, value: str):
    for lines, environment in ((KILL_SWITCH, LIVE), ((), DEMO)):
        told = refused(*lines, env={**environment, name: value})

        assert f"{name} = ***" in told


@pytest.mark.finding("S3-CFG-1", "S3-CFG-2")
@pytest.mark.parametrize("value", STAND_INS)
def test_a_stand_in_is_no_trading_key_either(refused: Refused, value: str):
    pair = {"HEDGE_VENUE_TRADE_KEY": value, "HEDGE_VENUE_TRADE_SECRET": TRADE_SECRET}

    assert "HEDGE_VENUE_TRADE_KEY = ***" in refused(*KILL_SWITCH, env={**LIVE, **pair})


@pytest.mark.finding("S3-CFG-2")
@pytest.mark.parametrize("environment", [LIVE, DEMO], ids=["live", "demo"])
def test_a_venue_is_not_read_without_a_key(refused: Refused, environment: dict[str, str]):
    keyless = {name: value for name, value in environment.items() if "VENUE" not in name}
    lines = KILL_SWITCH if environment is LIVE else ()

    assert "HEDGE_VENUE_READ_KEY: is missing" in refused(*lines, env=keyless)


@pytest.mark.parametrize("missing", ["KEY", "SECRET"])
@pytest.mark.parametrize("pair", ["HEDGE_VENUE_READ", "HEDGE_VENUE_TRADE"])
def test_half_a_key_is_refused(refused: Refused, pair: str, missing: str):
    environment = {**LIVE, "HEDGE_VENUE_TRADE_KEY": TRADE_KEY, "HEDGE_VENUE_TRADE_SECRET": TRADE_SECRET}
    del environment[f"{pair}_{missing}"]

    assert f"{pair}_{missing}" in refused(*KILL_SWITCH, env=environment)


def test_the_trading_key_is_another_key(refused: Refused, load: Load):
    same = {"HEDGE_VENUE_TRADE_KEY": READ_KEY, "HEDGE_VENUE_TRADE_SECRET": READ_SECRET}
    other = {"HEDGE_VENUE_TRADE_KEY": TRADE_KEY, "HEDGE_VENUE_TRADE_SECRET": TRADE_SECRET}

    assert "HEDGE_VENUE_TRADE_KEY" in refused(*KILL_SWITCH, env={**LIVE, **same})
    trade = load(*KILL_SWITCH, env={**LIVE, **other}).secrets.venue_trade
    assert trade is not None
    assert trade.key.get_secret_value() == TRADE_KEY


@pytest.mark.finding("S3-OPS-1", "S3-CFG-2")
def test_live_without_a_kill_switch_does_not_start(refused: Refused):
    told = refused(env=LIVE)

    assert "kill_switch: is missing" in told
    assert "write a table [kill_switch]" in told


@pytest.mark.finding("S3-OPS-1", "S3-CFG-2")
@pytest.mark.parametrize("line", KILL_SWITCH)
def test_live_takes_no_threshold_of_the_kill_switch_from_a_default(refused: Refused, line: str):
    key = line.partition(" ")[0]

    assert f"{key}: is missing" in refused(
        *(other for other in KILL_SWITCH if other != line), env=LIVE
    ).replace(" (profile live)", "")


@pytest.mark.finding("S3-OPS-1")
def test_the_thresholds_a_person_wrote_are_the_ones_in_use(load: Load):
    written = [line for line in KILL_SWITCH if "max_loss" not in line]

    settings = load(*written, "kill_switch.max_loss_amount_usdt = 777", env=LIVE)

    assert settings.public()["kill_switch"]["max_loss_amount_usdt"] == "777"


@pytest.mark.finding("S3-CFG-2")
@pytest.mark.parametrize(
    "key",
    [
        "kill_switch.enabled",
        "strategy.risk_management.enable_position_validation",
        "strategy.risk_management.enable_circuit_breaker",
        "strategy.risk_management.enable_drawdown_protection",
    ],
)
def test_no_protection_is_off_in_live(load: Load, refused: Refused, key: str):
    lines = [line for line in KILL_SWITCH if key not in line]

    assert f"{key} = false" in refused(*lines, f"{key} = false", env=LIVE)
    load(f"{key} = false")


@pytest.mark.finding("S3-CFG-2")
def test_a_forgotten_server_is_told(live: Settings):
    serverless = live.model_copy(
        update={"venue": live.venue.model_copy(update={"base_url": None, "spot_url": None})}
    )

    assert [fault.key for fault in startup_invariants(serverless)] == ["venue.base_url", "venue.spot_url"]


@pytest.mark.finding("S3-CFG-2")
@pytest.mark.parametrize("environment", [DEMO, LIVE], ids=["demo", "live"])
def test_trading_is_off_until_it_is_switched_on_and_then_needs_its_own_key(
    refused: Refused, load: Load, environment: dict[str, str]
):
    lines = KILL_SWITCH if environment is LIVE else ()
    without_key = {name: value for name, value in environment.items() if "TRADE" not in name}

    assert not load(*lines, env=environment).trading_policy().enabled

    told = refused(*lines, "trading.enabled = true", "strategy.exit.sl_steps = 9", env=without_key)
    assert "HEDGE_VENUE_TRADE_KEY" in told


def test_a_grid_whose_first_stop_lies_before_its_last_rung_is_refused_once_it_is_to_trade(refused: Refused):
    told = refused(
        "trading.enabled = true",
        env=DEMO | {"HEDGE_VENUE_TRADE_KEY": TRADE_KEY, "HEDGE_VENUE_TRADE_SECRET": TRADE_SECRET},
    )

    assert "grid_levels_long = 8: is more than sl_steps + 1, 5" in told


def test_what_was_switched_on_for_demo_does_not_trade_live(refused: Refused, load: Load):
    lines = (*KILL_SWITCH, "trading.enabled = true", "strategy.exit.sl_steps = 9")
    environment = LIVE | {"HEDGE_VENUE_TRADE_KEY": TRADE_KEY, "HEDGE_VENUE_TRADE_SECRET": TRADE_SECRET}

    assert "trading.live = false: is not said beside trading.enabled" in refused(*lines, env=environment)
    assert load(*lines, "trading.live = true", env=environment).trading_policy().enabled
