"""The predecessor's NAVs keep their own stamps, and what it did not write is refused by field."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.predecessor.navs import (
    NavSeen,
    nav_confirmed,
    nav_document,
    nav_log,
    new_rows,
    peak_state,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TS = 1_763_000_000.5
STAMP = datetime.fromtimestamp(TS, UTC)


def written(content: Any) -> Any:
    """As it is read from a file."""
    return json.loads(json.dumps(content), parse_float=Decimal)


def confirmed(**changed: Any) -> Any:
    content = {
        "ts": TS,
        "nav": 6210.25,
        "nav_usd": 6210.25,
        "sources_ok": True,
        "source_health": {"balances_ok": True, "positions_ok": True},
        "stale_flags": {"balances_ok": False, "positions_ok": False},
        "detail": {"futures_wallet_usdt": 6200.0, "unrealized_pnl": 10.25},
    }
    return written({**content, **changed})


def state(**changed: Any) -> Any:
    content = {
        "day": "2025-11-13",
        "peak": 9100.0,
        "peak_equity": 9100.0,
        "nav": 6210.25,
        "nav_usd": 6210.25,
        "realized_pnl_today": -3.5,
        "dd_abs": 2889.75,
        "dd_pct": 31.755,
        "updated_at": STAMP.isoformat(),
        "ts": TS,
        "reset_timezone": "UTC",
        "strategies": {"hedge": 9100.0},
    }
    return written({**content, **changed})


def test_a_log_is_read_exactly_and_in_order():
    log = written([{"t": TS + 60, "nav": 6211.10}, {"t": TS, "nav": 6210.25}, {"t": TS, "nav": 6210.25}])

    assert nav_log("nav_log.json", log, NOW).navs == (
        NavSeen(as_of=STAMP, nav=Decimal("6210.25")),
        NavSeen(as_of=STAMP + timedelta(seconds=60), nav=Decimal("6211.1")),
    )


@pytest.mark.parametrize(
    ("log", "where"),
    [
        ({"t": TS, "nav": 1.0}, "is no JSON list"),
        ([1], r"\[0\]: is no JSON object"),
        ([{"t": TS}], r"\[0\].nav: is missing"),
        ([{"nav": 5.0}], r"\[0\].t: is missing"),
        ([{"t": TS, "nav": 5.0}, {"t": TS + 1, "nav": 0}], r"\[1\].nav: 0 is not above zero"),
        ([{"t": TS, "nav": "much"}], r"\[0\].nav: 'much' is no number"),
        ([{"t": TS, "nav": True}], r"\[0\].nav: True is no number"),
        ([{"t": TS * 1000, "nav": 5.0}], r"\[0\].t: .*no instant"),
        ([{"t": 1e9, "nav": 5.0}], r"\[0\].t: 2001.*before 2015"),
        ([{"t": NOW.timestamp() + 60, "nav": 5.0}], r"\[0\].t: .*in the future"),
        ([{"t": TS, "nav": 5.0}, {"t": TS, "nav": 6.0}], r"\[1\].nav: 6.0 and 5.0 at one instant"),
    ],
)
def test_a_log_that_is_not_as_written_names_the_entry(log: Any, where: str):
    with pytest.raises(SourceMalformed, match=rf"nav_log.json: {where}"):
        nav_log("nav_log.json", written(log), NOW)


@pytest.mark.finding("X-11")
def test_a_confirmed_nav_keeps_its_own_stamp():
    (seen,) = nav_confirmed("nav_confirmed.json", confirmed(), NOW).navs

    assert (seen.as_of, seen.nav) == (STAMP, Decimal("6210.25"))


@pytest.mark.finding("X-11")
def test_a_nav_kept_past_a_failure_has_no_instant_and_is_not_taken_over():
    failed = confirmed(
        sources_ok=False,
        source_health={"balances_ok": True, "positions_ok": False},
        stale_flags={"balances_ok": False, "positions_ok": True},
        stale_ts=TS,
    )

    told = nav_confirmed("nav_confirmed.json", failed, NOW)

    assert told.navs == ()
    assert "not taken over" in told.notes[0]


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"nav_usd": 6000.0}, "nav_usd: .*is not nav"),
        ({"sources_ok": "yes"}, "sources_ok: .*neither true nor false"),
        (
            {"source_health": {"balances_ok": False, "positions_ok": True}},
            "sources_ok: contradicts source_health",
        ),
        ({"stale_flags": {"balances_ok": True, "positions_ok": True}}, "stale_flags: is not the negation"),
        ({"ts": "soon"}, "ts: 'soon' is no instant"),
        ({"nav": None, "nav_usd": None}, "nav: None is no number"),
    ],
)
def test_a_confirmed_nav_that_contradicts_itself_is_refused(changed: dict[str, Any], where: str):
    with pytest.raises(SourceMalformed, match=rf"nav_confirmed.json: {where}"):
        nav_confirmed("nav_confirmed.json", confirmed(**changed), NOW)


def test_a_peak_state_tells_nav_and_peak_and_no_days_pnl():
    told = peak_state("peak_state.json", state(), NOW)

    assert told.navs == (NavSeen(as_of=STAMP, nav=Decimal("6210.25"), peak=Decimal(9100)),)
    assert "PnL is not taken over" in told.notes[0]


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"peak": 6000.0, "peak_equity": 6000.0}, "peak: .*is below nav"),
        ({"peak_equity": 9000.0}, "peak_equity: .*is not peak"),
        ({"updated_at": (STAMP + timedelta(hours=1)).isoformat()}, "updated_at: .*is not ts"),
        ({"peak": 0.0}, "peak: 0.0 is not above zero"),
    ],
)
def test_a_peak_state_that_contradicts_itself_is_refused(changed: dict[str, Any], where: str):
    with pytest.raises(SourceMalformed, match=rf"peak_state.json: {where}"):
        peak_state("peak_state.json", state(**changed), NOW)


@pytest.mark.parametrize(
    "content",
    [
        {"series": [{"t": TS, "nav": 6210.25}], "updated": STAMP.isoformat()},
        {"series": [{"t": STAMP.isoformat(), "nav": 6210.25, "equity": 6210.25, "total_equity": 8000.0}]},
        {"series": [{"t": STAMP.replace(tzinfo=None).isoformat(), "equity": 6210.25}]},
    ],
    ids=["state_publish", "sync_state", "sync_daemon"],
)
def test_the_nav_document_of_any_of_its_writers_is_read(content: Any):
    assert nav_document("hedge/dev/state/nav", written(content), NOW).navs == (
        NavSeen(as_of=STAMP, nav=Decimal("6210.25")),
    )


def test_the_peak_beside_a_series_belongs_to_its_last_point():
    content = {"series": [{"t": TS - 60, "nav": 6000.0}, {"t": TS, "nav": 6210.25}], "peak_equity": 9100.0}

    first, last = nav_document("hedge/dev/state/nav", written(content), NOW).navs

    assert [first.peak, last.peak] == [None, Decimal(9100)]


def test_a_document_of_zeros_tells_nothing():
    content = {"series": [], "total_equity": 0, "peak_equity": 0, "drawdown": 0}

    assert nav_document("hedge/dev/state/nav", written(content), NOW).navs == ()


@pytest.mark.finding("X-11")
def test_importing_later_changes_no_stamp():
    told = nav_log("nav_log.json", written([{"t": TS, "nav": 6210.25}]), NOW)

    for at in (NOW, NOW + timedelta(days=30)):
        (row,) = new_rows("main", "nav_log.json", told, frozenset(), at)
        assert (row.as_of, row.recorded_at) == (STAMP, at)
    assert (
        list(new_rows("main", "nav_log.json", told, frozenset({(STAMP, Decimal("6210.25"), None)}), NOW))
        == []
    )
