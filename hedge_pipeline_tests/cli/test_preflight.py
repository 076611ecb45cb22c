"""`hedge preflight` looks at everything a valuation stands on, and every fault comes with its remedy."""

from pathlib import Path

import pytest

from hedge_pipeline_tests.cli.conftest import Hedge

pytestmark = pytest.mark.live_stack

LOOKED_AT = [
    "configuration", "secrets", "disk, home", "disk, Dagster", "file modes", "state store", "read key", "trade key", "balances", "positions", "modes", "clock", "hedge mode", "marks",
    "asset_rates", "instruments", "income", "holdings", "spot", "coingecko",
    "target", "publication", "writer", "writing",
]  # fmt: skip


KEYS = "/sapi/v1/account/apiRestrictions"


def lines(output: str, verdict: str) -> dict[str, str]:
    """Lines of this verdict by what was looked at."""
    found = [line[6:] for line in output.splitlines() if line.startswith(verdict)]
    return {line[:14].strip(): line[15:] for line in found}


def test_in_a_new_home_everything_is_looked_at_and_well(hedge: Hedge, home: Path):
    answer = hedge("preflight")

    assert answer.exit_code == 0, answer.output
    assert list(lines(answer.output, "FAIL")) == []
    assert set(LOOKED_AT) <= set(lines(answer.output, "ok"))
    assert "round trip" in lines(answer.output, "ok")["clock"]


def test_it_makes_no_store(hedge: Hedge, home: Path):
    hedge("preflight")

    assert not (home / "state.sqlite").exists()


@pytest.mark.parametrize(
    ("fault", "fails"),
    [
        (
            ("respond", "/fapi/v3/account", "status=401", 'body={"code":-2015,"msg":"Invalid API-key"}'),
            "balances",
        ),
        (("drop", "/fapi/v3/positionRisk"), "positions"),
        (("drop", "/fapi/v1/income"), "income"),
        (("drop", "/fapi/v1/premiumIndex"), "marks"),
        (("replace_field", KEYS, "path=enableWithdrawals", "value=true"), "read key"),
        (("replace_field", KEYS, "path=ipRestrict", "value=false"), "trade key"),
        (("respond", KEYS, "status=401", 'body={"code":-2015,"msg":"Invalid API-key"}'), "read key"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_source_that_fails_is_named_with_its_remedy(
    hedge: Hedge, home: Path, fault: tuple[str, ...], fails: str
):
    hedge("local", "up")
    hedge("local", "fault", *fault)

    answer = hedge("preflight")

    assert answer.exit_code == 1
    assert fails in lines(answer.output, "FAIL")
    assert "to do: " in answer.output


def test_a_netting_account_is_a_fault(hedge: Hedge, home: Path):
    hedge("local", "up")
    hedge(
        "local",
        "fault",
        "replace_field",
        "/fapi/v1/positionSide/dual",
        "path=dualSidePosition",
        "value=false",
    )
    hedge("local", "fault", "replace_field", "/fapi/v1/accountConfig", "path=dualSidePosition", "value=false")

    answer = hedge("preflight")

    assert answer.exit_code == 1
    assert "hedge mode" in lines(answer.output, "FAIL")
    assert "switch the account to hedge mode" in answer.output


def test_a_wrong_setting_is_told_before_anything_is_started(hedge: Hedge, home: Path):
    home.mkdir()
    (home / "hedge.toml").write_text("[risk.drawdown]\nhalt = 20\n")

    answer = hedge("preflight")

    assert answer.exit_code == 1
    assert "risk.drawdown.halt" in answer.output
    assert not (home / "paper").exists()


def test_a_holdings_file_that_cannot_be_believed_is_named(hedge: Hedge, home: Path):
    home.mkdir()
    (home / "treasury.toml").write_text("[holdings]\nBTC = 0.35\n")

    answer = hedge("preflight")

    assert answer.exit_code == 1
    assert "BTC" in lines(answer.output, "FAIL")["holdings"]


def test_a_store_of_another_program_is_a_fault(hedge: Hedge, home: Path):
    home.mkdir()
    (home / "state.sqlite").write_bytes(b"not a database" * 100)

    answer = hedge("preflight")

    assert answer.exit_code == 1
    assert "state store" in lines(answer.output, "FAIL")
