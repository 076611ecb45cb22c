"""Every bound of every setting, on both sides of it."""

from typing import NamedTuple

import pytest

from hedge_pipeline.settings.checking import known_keys
from hedge_pipeline.settings.model import SECTIONS
from hedge_pipeline_tests.settings.conftest import Load, Refused


class Bound(NamedTuple):
    key: str
    accepted: tuple[str, ...]
    refused: tuple[str, ...]
    beside: tuple[str, ...] = ()
    """Lines that let the extreme values stand with their neighbors."""


NOT_A_NUMBER = ("true", '"1"', "nan", "inf", "-1", "1e99", "[]", "1979-05-27")
NOT_WHOLE = (*NOT_A_NUMBER, "1.5")
NOT_A_DURATION = ('""', "90", "true", '"90"', '"-1s"', '"0s"', '"1 fortnight"', '"1.5s"', '"90 %"')
NOT_A_BOOLEAN = ("1", "0", '"true"', '"yes"')


def number(key: str, accepted: tuple[str, ...], refused: tuple[str, ...], *beside: str) -> Bound:
    return Bound(key, accepted, (*refused, *NOT_A_NUMBER), beside)


def whole(key: str, low: int, high: int, *beside: str) -> Bound:
    return Bound(key, (str(low), str(high)), (str(low - 1), str(high + 1), *NOT_WHOLE), beside)


def duration(key: str, longest: str, too_long: str, *beside: str, shortest: str = '"1ms"') -> Bound:
    return Bound(key, (shortest, longest), (too_long, *NOT_A_DURATION), beside)


def boolean(key: str) -> Bound:
    return Bound(key, ("true", "false"), NOT_A_BOOLEAN)


GRID, EXECUTION, POSITION = "strategy.grid", "strategy.execution", "strategy.position"
BREAKERS = "strategy.risk_management"
LONG_NAV = 'freshness.nav = "10min"'
OFF = "trading.enabled = false"
NO_DURATION = tuple(text for text in NOT_A_DURATION if text != '"0s"')


def cooldown(key: str) -> Bound:
    """A duration that may be none."""
    return Bound(key, ('"0s"', '"1h"'), ('"61min"', *NO_DURATION))


BOUNDS = (
    Bound(
        "history.start",
        ("2017-01-01", "2100-01-01"),
        ("2016-12-31", "2100-01-02", '"2026-01-01"', "2026-01-01T00:00:00Z", "1", "true"),
    ),
    whole("history.hot_days", 2, 366),
    whole("history.least_free_mib", 64, 1_048_576),
    Bound(
        "fund.account",
        ('"a"', '"main_2"', f'"{"a" * 32}"'),
        ('""', '"Main"', '"2a"', '"a b"', f'"{"a" * 33}"', "1"),
    ),
    Bound(
        "fund.reset_timezone",
        ('"UTC"', '"Asia/Tokyo"'),
        ('""', '"Mars/Olympus"', '"../etc/passwd"', '"/etc"', "1"),
    ),
    Bound("fund.holdings_folder", ('"holdings"', '"/srv/fund"'), ('""', "1")),
    duration("cadence.valuation", '"5min"', '"301s"', LONG_NAV, 'freshness.peak = "10min"'),
    Bound(
        "cadence.record",
        ('"* * * * *"', '"*/5 0-6 1,15 1-12/2 7"'),
        (
            '""',
            '"* * * *"',
            '"60 * * * *"',
            '"*/0 * * * *"',
            '"5-1 * * * *"',
            '"@daily"',
            '"* * * * MON"',
            "5",
        ),
    ),
    duration("cadence.reserves", '"1h"', '"61min"', shortest='"10s"'),
    duration("freshness.nav", '"10min"', '"601s"', 'freshness.source_spread = "1s"', shortest='"31s"'),
    duration("freshness.peak", '"10min"', '"601s"', shortest='"31s"'),
    duration("freshness.marks", '"10min"', '"601s"'),
    duration("freshness.source_spread", '"1min"', '"61s"'),
    duration("freshness.future_tolerance", '"5s"', '"5001ms"'),
    duration("freshness.round_trip", '"10s"', '"11s"'),
    duration("freshness.clock_offset_reduce", '"2s"', '"2001ms"'),
    duration("freshness.instruments", '"24h"', '"1441min"'),
    duration("freshness.income_final", '"10min"', '"601s"', 'freshness.reconcile_grace = "15min"'),
    duration("freshness.income_overlap", '"24h"', '"1441min"', shortest='"60s"'),
    duration("freshness.reconcile_grace", '"15min"', '"901s"', shortest='"61s"'),
    duration("freshness.transit", '"7d"', '"169h"'),
    number("risk.drawdown.warn", ("0.000001", "0.149"), ("0", "0.15", "1.01", "10")),
    number("risk.drawdown.reduce", ("0.101", "0.199"), ("0", "0.10", "0.20", "15")),
    number("risk.drawdown.halt", ("0.151", "0.249"), ("0", "0.15", "0.25", "20")),
    number("risk.drawdown.flatten", ("0.201", "0.30"), ("0", "0.20", "0.301", "25")),
    number("risk.daily_loss.warn", ("0.000001", "0.099"), ("0", "0.10", "5")),
    number("risk.daily_loss.reduce", ("0.051", "0.149"), ("0", "0.05", "0.15", "10")),
    number("risk.daily_loss.halt", ("0.101", "1"), ("0", "0.10", "1.01", "15")),
    number("risk.hard_ceiling", ("0.25", "0.50"), ("0", "0.249", "0.501", "30")),
    number("risk.depeg", ("0.000001", "0.10"), ("0", "0.101", "1")),
    number("risk.tripwire", ("0.000001", "0.25"), ("0", "0.251", "5")),
    whole("risk.confirmations_needed", 1, 10, "risk.confirmations_window = 10"),
    whole("risk.confirmations_window", 1, 10, "risk.confirmations_needed = 1"),
    whole("risk.recovery_cycles", 1, 100),
    whole("risk.cooldown_minutes", 0, 1440),
    number("risk.jump_factor", ("1.01", "10"), ("0", "1", "10.1")),
    number("risk.jump_step", ("0.000001", "0.50"), ("0", "0.501", "20")),
    boolean("risk.reserves_halt_trading"),
    number("risk.mark_tolerance", ("0.000001", "0.05"), ("0", "0.051", "1")),
    Bound(
        "venue.base_url",
        ('"http://127.0.0.1:8080"', '"http://localhost/"', '"https://[::1]:1"'),
        ('""', '"127.0.0.1"', '"ftp://127.0.0.1"', '"http://127.0.0.1/fapi"', '"http://127.0.0.1?x=1"', "1"),
    ),
    Bound(
        "venue.spot_url",
        ('"http://127.0.0.1:8080"',),
        ('""', '"https://api.binance.com"', '"http://127.0.0.1:0"'),
    ),
    whole("venue.recv_window_ms", 1000, 5000, 'freshness.clock_offset_reduce = "400ms"'),
    whole("venue.timeout_s", 1, 60),
    Bound(
        "venue.symbols",
        ('["BTCUSDT"]', '["ETHUSDT", "BTCUSDT"]'),
        ("[]", '"BTCUSDT"', '["btcusdt"]', '["BTCUSDT", "BTCUSDT"]', '["BTC/USDT"]', "[1]", '["ETHUSDT"]'),
    ),
    Bound("venue.numeraire", ('"USDC"',), ('""', '"usdt"', "1")),
    Bound("venue.uncounted_assets", ("[]", '["BNFCR"]'), ('["BNFCR", "BNFCR"]', '"BNFCR"', '[""]')),
    number("venue.weight_fraction", ("0.01", "0.80"), ("0", "0.81", "80")),
    Bound("venue.hedge_mode", ("true",), ("false", *NOT_A_BOOLEAN)),
    Bound("venue.margin_type", ('"CROSSED"', '"ISOLATED"'), ('"CROSS"', '"crossed"', '""', "1")),
    whole("venue.leverage", 1, 125, "venue.max_leverage = 125"),
    whole("venue.max_leverage", 1, 125, "venue.leverage = 1"),
    number("venue.minimum_order_notional_usd", ("0.01", "99999"), ("0", "100000")),
    number("venue.maximum_order_notional_usd", ("5.01", "1e9"), ("0", "5")),
    Bound(
        "prices.coingecko_url", ('"http://127.0.0.1:9"', '"https://api.coingecko.com"'), ('""', '"coingecko"')
    ),
    whole("prices.timeout_s", 1, 60),
    duration("prices.crypto", '"1h"', '"61min"', shortest='"61s"'),
    duration("prices.fx", '"4d"', '"97h"'),
    duration("prices.equity", '"7d"', '"169h"'),
    duration("prices.manual", '"31d"', '"32d"'),
    duration("prices.future", '"5s"', '"5001ms"'),
    number("prices.jump", ("0.000001", "1"), ("0", "1.01", "20")),
    number("prices.cross_check", ("0.000001", "0.99"), ("0", "1")),
    number("prices.cross_check_share", ("0", "0.99"), ("1", "10")),
    Bound("publication.project", ('"hedge-x"',), ("1", '""')),
    Bound("publication.production_project", ('"hedge-prod"',), ("1", '""')),
    Bound("publication.database", ('"(default)"', '"hedge"'), ("1", '""')),
    duration("cadence.publication", '"5min"', '"301s"', shortest='"5s"'),
    Bound("strategy.name", ('"g"', f'"{"g" * 40}"'), ('""', f'"{"g" * 41}"', "1")),
    Bound("strategy.symbol", ('"ETHUSDT"',), ('"SOLUSDT"', '"BTCUSDT-PERP"', '""', "1")),
    number(f"{GRID}.grid_step_bps", ("5", "1000"), ("0", "4.99", "1000.1")),
    whole(f"{GRID}.grid_levels_long", 1, 100, OFF),
    whole(f"{GRID}.grid_levels_short", 1, 100, OFF),
    number(f"{GRID}.base_qty", ("0.00001", "1000"), ("0",)),
    number(f"{GRID}.qty_scale", ("0.01", "3"), ("0", "3.01")),
    whole("strategy.exit.tp_steps", 1, 100, "strategy.exit.sl_steps = 34"),
    whole("strategy.exit.sl_steps", 1, 100, OFF),
    number("strategy.rebalance.recenter_trigger_bps", ("0.1", "10000"), ("0", "10001")),
    number("strategy.rebalance.max_inventory_quote", ("0.01", "1e9"), ("0",)),
    boolean(f"{EXECUTION}.maker_only"),
    boolean(f"{EXECUTION}.use_post_only_retries"),
    whole(f"{EXECUTION}.retry_attempts", 0, 10),
    whole(f"{EXECUTION}.retry_delay_ms", 0, 5000),
    number(f"{EXECUTION}.retry_max_price_deviation_bps", ("0", "1000"), ("1000.1",)),
    whole(f"{EXECUTION}.balance_check_interval_seconds", 5, 600),
    number(f"{EXECUTION}.tp_sl_adjustment_buffer_bps", ("1", "50"), ("0.9", "50.1")),
    whole(f"{EXECUTION}.max_bar_staleness_seconds", 30, 3600, OFF),
    number(f"{EXECUTION}.order_diff_price_tolerance_bps", ("0", "50"), ("50.1",)),
    number(f"{EXECUTION}.order_diff_quantity_tolerance", ("0", "0.5"), ("0.51", "1")),
    whole("strategy.funding.funding_window_minutes", 60, 1440),
    number("strategy.funding.funding_max_cost_bps", ("0", "100"), ("100.1",)),
    whole("strategy.regime.adx_len", 5, 100),
    whole("strategy.regime.atr_len", 5, 100),
    whole("strategy.regime.ema_fast", 5, 200, "strategy.regime.ema_slow = 201"),
    whole("strategy.regime.ema_slow", 10, 500, "strategy.regime.ema_fast = 9"),
    number("strategy.regime.hysteresis_bps", ("0", "1000"), ("1000.1",)),
    number("strategy.regime.adx_trend_threshold", ("0", "100"), ("100.1",)),
    number(f"{POSITION}.max_position_size", ("0.001", "1000"), ("0",)),
    number(f"{POSITION}.max_leverage_used", ("0.1", "125"), ("0", "125.1")),
    number(f"{POSITION}.emergency_liquidation_buffer", ("0.05", "1"), ("0", "0.049", "1.01", "15")),
    number(f"{POSITION}.max_position_fraction", ("0.1", "1"), ("0", "0.099", "1.01", "95")),
    Bound("strategy.policy.strategy", ('"core-and-scalp"', '"throttled-counter"'), ('"core"', '""', "1")),
    whole("strategy.policy.counter_levels", 0, 20),
    number("strategy.policy.counter_qty_scale", ("0", "1"), ("1.01", "50")),
    whole(f"{BREAKERS}.max_errors_per_minute", 1, 100),
    whole(f"{BREAKERS}.circuit_breaker_cooldown_seconds", 60, 3600),
    whole(f"{BREAKERS}.circuit_breaker_window_seconds", 10, 600),
    number(f"{BREAKERS}.max_drawdown", ("0.01", "0.50"), ("0", "0.009", "0.501", "20")),
    boolean(f"{BREAKERS}.enable_position_validation"),
    boolean(f"{BREAKERS}.enable_circuit_breaker"),
    boolean(f"{BREAKERS}.enable_drawdown_protection"),
    boolean("kill_switch.enabled"),
    whole("kill_switch.check_interval_seconds", 1, 60),
    number("kill_switch.max_drawdown", ("0.001", "0.50"), ("0", "0.0009", "0.501", "5")),
    number("kill_switch.max_funding_cost_bps", ("1", "100"), ("0.9", "100.1")),
    number("kill_switch.max_margin_ratio", ("0.5", "0.90"), ("0.49", "0.901", "0.95", "80")),
    number("kill_switch.max_loss_amount_usdt", ("0.01", "1e9"), ("0",)),
    number("kill_switch.daily_loss_limit_usdt", ("0.01", "1000"), ("0", "1000.01")),
    number("kill_switch.max_position_usdt", ("0.01", "1e9"), ("0",)),
    duration("cadence.protection", '"1min"', '"61s"', 'trading.countdown = "3min"', shortest='"5s"'),
    duration("strategy.bar", '"1h"', '"61min"', OFF, shortest='"1min"'),
    boolean("trading.enabled"),
    boolean("trading.live"),
    Bound("trading.found_positions", ('"adopt"', '"refuse"'), ('"leave"', '""', "true")),
    duration("trading.countdown", '"10min"', '"601s"', 'cadence.protection = "5s"', shortest='"15s"'),
    number("trading.max_order_exposure", ("0.000001", "1"), ("0", "1.01", "10")),
    number("trading.max_account_exposure", ("0.01", "20"), ("0", "20.1")),
    whole("trading.max_open_sides", 1, 200),
    number("trading.max_margin_ratio", ("0.000001", "0.999"), ("0", "1", "50")),
    duration("trading.delivery_notice", '"30d"', '"721h"', shortest='"1h"'),
    cooldown("trading.fill_cooldown"),
    cooldown("trading.stop_cooldown"),
    whole("trading.burst_orders", 1, 1200),
    duration("trading.burst_window", '"1h"', '"61min"', shortest='"1s"'),
    whole("trading.symbol_orders", 1, 100_000),
    duration("trading.symbol_window", '"1h"', '"61min"', shortest='"1min"'),
    number("trading.stress_atr_multiple", ("0.01", "100"), ("0", "100.1")),
    number("trading.stress_least_move", ("0.000001", "0.999"), ("0", "1", "10")),
    number("trading.backstop_distance", ("0.000001", "0.999"), ("0", "1", "2")),
    number("trading.rest_stop_distance", ("0.000001", "0.999"), ("0", "1", "5")),
    number("trading.rest_take_profit_distance", ("0.000001", "0.999"), ("0", "1", "5")),
    whole("trading.retry_steps", 1, 100),
    whole("trading.lookups", 1, 10),
)


@pytest.mark.finding("S3-CFG-R", "S2-RISK-1")
@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.key)
def test_values_on_the_right_side_of_their_bounds_are_accepted(load: Load, bound: Bound):
    for value in bound.accepted:
        load(f"{bound.key} = {value}", *bound.beside)


@pytest.mark.finding("S3-CFG-R", "S2-RISK-1")
@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.key)
def test_values_on_the_wrong_side_of_their_bounds_are_refused_by_name(refused: Refused, bound: Bound):
    for value in bound.refused:
        told = refused(f"{bound.key} = {value}", *bound.beside)

        assert bound.key.rpartition(".")[2] in told, value
        assert "; " in told, "a remedy follows the fault"


@pytest.mark.finding("S2-RISK-1")
@pytest.mark.parametrize("value", ['"0s"', '"-1s"'])
def test_the_age_of_nav_is_limited_whatever_the_cadence(refused: Refused, value: str):
    assert "more than 0s and at most 10min" in refused(f"freshness.nav = {value}")


@pytest.mark.finding("S3-CFG-R", "X-2")
def test_every_setting_has_its_bounds_in_the_table():
    assert sorted(bound.key for bound in BOUNDS) == sorted(known_keys(SECTIONS))


@pytest.mark.finding("S3-CFG-R")
@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["strategy.exit.tp_steps = 16"], "strategy.exit.tp_steps"),
        (["strategy.regime.ema_fast = 30"], "strategy.regime.ema_fast"),
        (
            ['strategy.policy.strategy = "core-and-scalp"', "strategy.policy.counter_levels = 0"],
            "counter_levels",
        ),
        (
            ['strategy.policy.strategy = "core-and-scalp"', "strategy.policy.counter_qty_scale = 0"],
            "counter_qty_scale",
        ),
        (["kill_switch.daily_loss_limit_usdt = 1001"], "kill_switch.daily_loss_limit_usdt"),
        (["strategy.grid.grid_levels_long = 7"], "strategy.grid.grid_levels_long"),
        (["strategy.exit.sl_steps = 4"], "strategy.grid.grid_levels_short"),
        (['strategy.bar = "301s"'], "strategy.bar"),
        (['trading.countdown = "29s"'], "trading.countdown"),
        (["risk.drawdown.flatten = 0.31"], "risk.hard_ceiling"),
        (["risk.drawdown.reduce = 0.10"], "risk.drawdown.reduce"),
        (["risk.daily_loss.halt = 0.10"], "risk.daily_loss.halt"),
        (["risk.confirmations_needed = 4"], "risk.confirmations_needed"),
        (["venue.leverage = 21"], "venue.leverage"),
        (['freshness.nav = "30s"'], "freshness.nav"),
        (['freshness.peak = "30s"'], "freshness.peak"),
        (['freshness.source_spread = "40s"', 'freshness.nav = "31s"'], "freshness.source_spread"),
        (['freshness.income_overlap = "59s"'], "freshness.income_overlap"),
        (['freshness.reconcile_grace = "60s"'], "freshness.reconcile_grace"),
        (["venue.recv_window_ms = 2000"], "freshness.clock_offset_reduce"),
    ],
)
def test_values_that_contradict_each_other_are_refused(refused: Refused, lines: list[str], told: str):
    assert told in refused(*lines)


@pytest.mark.finding("S3-CFG-R")
@pytest.mark.parametrize(
    "lines",
    [
        ["strategy.exit.tp_steps = 15"],
        ["strategy.regime.ema_fast = 29"],
        ['strategy.policy.strategy = "core-and-scalp"', "strategy.policy.counter_levels = 1"],
        ['strategy.policy.strategy = "throttled-counter"', "strategy.policy.counter_levels = 0"],
        ["kill_switch.daily_loss_limit_usdt = 1000"],
        ["risk.drawdown.flatten = 0.30"],
        ["strategy.grid.grid_levels_long = 6", "strategy.grid.grid_levels_short = 6"],
        ['strategy.bar = "5min"'],
        ['trading.countdown = "30s"'],
    ],
)
def test_values_at_the_edge_of_contradiction_are_accepted(load: Load, lines: list[str]):
    load(*lines)
