"""Each limit is shown as written, as the code read it and as it would be here; percent or fraction is a person's word."""

from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.predecessor.limit_rules import RULES, Unit
from hedge_pipeline.domain.predecessor.limits import LimitFound, risk_limits, settings_lines
from hedge_pipeline.settings.checking import known_keys
from hedge_pipeline.settings.model import SECTIONS
from hedge_pipeline.settings.unknown import RENAMED

SHIPPED: dict[str, Any] = {
    "max_leverage": 4, "max_symbol_exposure_pct": Decimal("0.15"), "max_nav_drawdown_pct": Decimal("0.20"),
    "daily_loss_limit_pct": Decimal("0.10"), "nav_freshness_seconds": 90, "fail_closed_on_nav_stale": True,
    "reset_timezone": "UTC", "min_notional_usd": 5, "quote_symbols": ["USDT", "USDC"], "restricted_symbols": [],
    "per_symbol": {
        "BTCUSDT": {"max_nav_pct": Decimal("0.08"), "max_notional_usd": 80000, "max_leverage": 3},
    },
    "non_prod": {"require_dry_run": True},
}  # fmt: skip


def by_key(content: dict[str, Any], **said: Any) -> dict[str, LimitFound]:
    return {limit.key: limit for limit in risk_limits("risk_limits.json", content, **said)}


@pytest.mark.finding("X-1")
def test_a_figure_that_may_be_either_waits_for_a_person():
    limit = by_key(SHIPPED)["daily_loss_limit_pct"]

    assert limit.setting is None
    assert limit.ambiguous == ("0.001", "0.1")
    assert limit.note is not None
    assert "0.1 %" in limit.note
    assert "10 %" in limit.note
    assert "risk.daily_loss.halt" not in settings_lines([limit])


@pytest.mark.finding("X-1")
@pytest.mark.parametrize(
    ("value", "said", "expected"),
    [
        (Decimal("0.10"), {"fraction": ["daily_loss_limit_pct"]}, "0.1"),
        (Decimal("0.10"), {"percent": ["daily_loss_limit_pct"]}, "0.001"),
        (1, {"fraction": ["daily_loss_limit_pct"]}, "1"),
        (1, {"percent": ["daily_loss_limit_pct"]}, "0.01"),
        (2, {}, "0.02"),
        (Decimal("2.5"), {"percent": ["daily_loss_limit_pct"]}, "0.025"),
    ],
)
def test_what_was_said_decides_and_more_than_one_can_only_be_percent(value: Any, said: Any, expected: str):
    limit = by_key({"daily_loss_limit_pct": value}, **said)["daily_loss_limit_pct"]

    assert (limit.becomes, limit.setting, limit.ambiguous) == ("risk.daily_loss.halt", expected, None)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            {"percent": ["daily_loss_limit_pct"], "fraction": ["daily_loss_limit_pct"]},
            "both|percent and a fraction",
        ),
        ({"percent": ["daily_los_limit_pct"]}, "is no key of this file"),
    ],
)
def test_what_is_said_must_make_sense(said: Any, why: str):
    with pytest.raises(SourceMalformed, match=why):
        by_key(SHIPPED, **said)


def test_a_fraction_above_one_is_refused():
    with pytest.raises(SourceMalformed, match="more than everything"):
        by_key({"daily_loss_limit_pct": 2}, fraction=["daily_loss_limit_pct"])


@pytest.mark.finding("X-2")
def test_every_key_is_accounted_for_and_what_nothing_enforced_says_so():
    found = by_key({**SHIPPED, "invented": 1, "global": {"max_trade_nav_pct": 2, "max_leverage": 20}})

    assert found.keys() >= {
        "per_symbol.BTCUSDT.max_notional_usd", "non_prod.require_dry_run", "restricted_symbols", "invented",
    }  # fmt: skip
    for key in (
        "max_symbol_exposure_pct", "min_notional_usd", "per_symbol.BTCUSDT.max_notional_usd", "quote_symbols",
        "per_symbol.BTCUSDT.max_nav_pct", "non_prod.require_dry_run", "max_leverage",
    ):  # fmt: skip
        assert "never enforced" in found[key].enforced, key
    assert "unknown" in found["invented"].enforced
    assert found["global.max_leverage"].enforced == "refused higher leverage"
    assert found["per_symbol.BTCUSDT.max_leverage"].enforced == "refused higher leverage"


def test_the_shipped_file_becomes_settings_of_ours():
    said = ["daily_loss_limit_pct", "max_nav_drawdown_pct"]
    lines = settings_lines(risk_limits("risk_limits.json", SHIPPED, fraction=said))

    assert lines == {
        "freshness.nav": '"90s"', "fund.reset_timezone": '"UTC"', "risk.daily_loss.halt": "0.1",
        "risk.daily_loss.reduce": "0.066667", "risk.daily_loss.warn": "0.033333", "risk.drawdown.flatten": "0.25",
        "risk.drawdown.halt": "0.2", "risk.drawdown.reduce": "0.15", "risk.drawdown.warn": "0.1",
    }  # fmt: skip


def test_a_limit_that_nothing_enforced_is_shown_and_left_to_a_person():
    found = by_key(SHIPPED)

    assert (found["max_leverage"].becomes, found["max_leverage"].setting) == ("venue.max_leverage", "4")
    assert "venue.max_leverage" not in settings_lines(found.values())
    assert settings_lines(by_key({"global": {"max_leverage": 20}}).values()) == {"venue.max_leverage": "20"}


def test_a_guard_that_was_off_is_told():
    found = by_key({"fail_closed_on_nav_stale": False, "daily_loss_limit_pct": 0, "nav_freshness_seconds": 0})

    assert all("not possible here" in (limit.note or "") for limit in found.values())
    assert settings_lines(found.values()) == {}


@pytest.mark.parametrize("value", ["NaN", "a lot", None, [1], True])
def test_a_limit_that_is_no_number_is_refused(value: Any):
    with pytest.raises(SourceMalformed, match=r"risk_limits\.json: daily_loss_limit_pct"):
        by_key({"daily_loss_limit_pct": value})


def test_every_setting_named_exists_and_agrees_with_what_the_loader_advises():
    known = known_keys(SECTIONS)
    for key, rule in RULES.items():
        assert rule.becomes is None or rule.becomes in known, key
        if key in RENAMED and rule.becomes is not None:
            assert RENAMED[key] == rule.becomes
        assert (rule.unit is Unit.PERCENT) == ("_pct" in key), key
