"""A key nobody reads is an error that names the key that was meant."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hedge_pipeline.settings.checking import known_keys
from hedge_pipeline.settings.model import SECTIONS
from hedge_pipeline.settings.unknown import RENAMED, remedy_for
from hedge_pipeline_tests.settings.conftest import Refused

KNOWN = known_keys(SECTIONS)


@pytest.mark.finding("X-2", "S3-CFG-R")
@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("risk.depegg = 0.01", "risk.depegg = 0.01"),
        ("risk.depegg = 0.01", "did you mean risk.depeg?"),
        ("risk.drawdown.hallt = 0.2", "did you mean risk.drawdown.halt?"),
        ("riks.depeg = 0.01", "did you mean risk?"),
        ("depeg = 0.01", "did you mean risk.depeg?"),
        ("grid.base_qty = 0.1", "did you mean strategy.grid?"),
        ("strategy.grid.base_quantity = 0.1", "did you mean strategy.grid.base_qty?"),
        ("venue.hedgemode = true", "did you mean venue.hedge_mode?"),
        ("venue.testnet = true", "HEDGE_PROFILE=demo selects"),
        ("dry_run = true", "HEDGE_PROFILE=paper"),
        ('profile = "live"', "HEDGE_PROFILE selects it"),
        ('env = "prod"', "HEDGE_ENV selects it"),
        ("nav_freshness_seconds = 90", "did you mean freshness.nav?"),
        ("zzz = 1", "nothing reads it"),
        ("risk.zzz.yyy = 1", "risk.zzz"),
    ],
)
def test_an_unknown_key_is_refused_by_its_whole_path_and_the_nearest_is_told(
    refused: Refused, written: str, told: str
):
    assert told in refused(written)


@pytest.mark.finding("X-2")
@pytest.mark.parametrize(
    "written",
    [
        "daily_loss_limit_pct = 0.10",
        "max_nav_drawdown_pct = 0.20",
        "min_notional_usd = 5",
        "max_symbol_exposure_pct = 0.15",
        "max_leverage = 4",
        'quote_symbols = ["USDT", "USDC"]',
        "restricted_symbols = []",
        "drawdown_alert_pct = 10",
        "per_symbol.BTCUSDT.max_notional_usd = 80000",
        "per_symbol.BTCUSDT.max_nav_pct = 0.08",
        "non_prod.require_dry_run = true",
        "fail_closed_on_nav_stale = true",
    ],
)
def test_the_keys_that_were_silently_ignored_are_errors(refused: Refused, written: str):
    assert written.partition(" ")[0].partition(".")[0] in refused(written)


@pytest.mark.finding("S2-RISK-1")
@pytest.mark.parametrize("value", ["true", "false"])
def test_failing_closed_is_not_an_option(refused: Refused, value: str):
    told = refused(f"freshness.fail_closed_on_nav_stale = {value}")

    assert "a stale NAV always closes the gate" in told


@pytest.mark.finding("X-2")
def test_an_unknown_variable_of_ours_is_refused_without_its_value(refused: Refused):
    told = refused(env={"HEDGE_PROFIL": "live", "HEDGE_VENUE_READ_KEYY": "d0ntshow"})

    assert "did you mean HEDGE_PROFILE?" in told
    assert "did you mean HEDGE_VENUE_READ_KEY?" in told
    assert "d0ntshow" not in told


def test_every_old_name_leads_to_a_setting_that_exists():
    assert set(RENAMED.values()) <= set(KNOWN)


@pytest.mark.finding("X-2")
@given(key=st.sampled_from(KNOWN), data=st.data())
def test_one_letter_too_few_still_leads_to_the_key_that_was_meant(key: str, data: st.DataObject):
    section, _, name = key.rpartition(".")
    assume(len(name) >= 6)
    at = data.draw(st.integers(0, len(name) - 1))
    misspelled = f"{section}.{name[:at]}{name[at + 1 :]}"
    assume(misspelled not in KNOWN)

    assert remedy_for(misspelled, KNOWN) == f"did you mean {key}?"
