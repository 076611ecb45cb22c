"""What each way of failing leaves behind: the record, the failed checks, the verdict, the exit codes, the incident.

`make faults` prints it as a Markdown table. One fund and one venue serve all scenarios; every exit code is that of a run of
Dagster's command line.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hedge_pipeline import cycle
from hedge_pipeline.definitions import build_definitions
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline.paper.control import Control
from tools.stack import NAV_CHAIN, RESERVES, Stack, stack

ACCOUNT, POSITIONS, MARKS = "/fapi/v3/account", "/fapi/v3/positionRisk", "/fapi/v1/premiumIndex"
PRICES = "/api/v3/simple/price"
SPREAD_S = 12
"""Longer than the sources of a NAV may lie apart."""
FINAL_S = 65
"""Longer than a wallet may lag behind its income rows."""
RECOVERY_S = 120


@dataclass(frozen=True)
class Scenario:
    """One way of failing."""

    name: str
    set: Callable[[Control, Stack], object]
    wait_s: float = 0
    off_venue: bool = False
    """It concerns treasury and reserves, which are priced first."""


def _held(fund_folder: Stack, *assets: str) -> None:
    """Reserves of these; one that was never priced has no earlier price to go on with."""
    lines = [f'{asset} = "2"' for asset in assets]
    (fund_folder.home / "reserves.toml").write_text("\n".join(["[holdings]", *lines]))


def _respond(endpoint: str, status: int, body: str) -> Callable[[Control, Stack], object]:
    return lambda control, _: control.set_fault(endpoint, "respond", status=status, body=body)


def _replayed_marks(control: Control, _: Stack) -> None:
    control.set_fault(MARKS, "replay")
    control.move_price("BTCUSDT", "1.02")


def _replayed_account(control: Control, fund_folder: Stack) -> None:
    """What is asked with parameters is replayed from the first time it was asked."""
    control.set_fault(ACCOUNT, "replay")
    cycle.run_cycle(fund_folder.fund)
    control.deposit("USDT", "1000")


def _slow_provider(control: Control, fund_folder: Stack) -> None:
    _held(fund_folder, "USDC")
    control.set_fault(PRICES, "delay", seconds=30)


def _limited_provider(control: Control, fund_folder: Stack) -> None:
    _held(fund_folder, "XAUT")
    control.set_fault(PRICES, "rate_limit", retry_after_s=30)


SCENARIOS = (
    Scenario("positions failing", _respond(POSITIONS, 500, "down")),
    Scenario("balances failing", _respond(ACCOUNT, 503, "down")),
    Scenario("marks failing", _respond(MARKS, 500, "down")),
    Scenario("`200 {}` for the account", _respond(ACCOUNT, 200, "{}")),
    Scenario("HTML for the positions", _respond(POSITIONS, 200, "<html>maintenance</html>")),
    Scenario(
        "a missing field", lambda c, _: c.set_fault(ACCOUNT, "remove_field", path="assets.0.walletBalance")
    ),
    Scenario("a mark from the future", lambda c, _: c.set_fault(MARKS, "shift_time", seconds=5)),
    Scenario("old marks, replayed", _replayed_marks, wait_s=SPREAD_S),
    Scenario("an old account, a minute after a deposit", _replayed_account, wait_s=FINAL_S),
    Scenario("a clock 2 s off", lambda c, _: c.set_clock_offset(2)),
    Scenario("a provider does not answer", _slow_provider, off_venue=True),
    Scenario("a holding nobody prices", lambda _, fund_folder: _held(fund_folder, "GOLDBAR"), off_venue=True),
    # The last: the provider is then left alone for as long as it asked.
    Scenario("a provider answers 429", _limited_provider, off_venue=True),
)


@dataclass(frozen=True)
class Outcome:
    """What one scenario left behind."""

    name: str
    rows: int
    """NAV snapshots that its valuation wrote."""
    accepted: bool
    problems: tuple[str, ...]
    last_good_moved: bool
    """Whether what was last good changed although the attempt was not accepted."""
    aum_complete: bool
    failed_checks: tuple[str, ...]
    state: TradingState
    reasons: tuple[str, ...]
    """Of the breaches that keep something from trading."""
    exits: dict[str, int]
    """Exit code by run."""
    opened: tuple[str, ...]
    """Incidents."""
    left_open: tuple[str, ...] = ()
    """Those of them that recovery did not close."""


def outcomes(fund_folder: Stack, scenarios: Sequence[Scenario] = SCENARIOS) -> Iterator[Outcome]:
    """Each scenario on a healthy fund, in order."""
    recover(fund_folder)
    for scenario in scenarios:
        with fund_folder.control() as control:
            scenario.set(control, fund_folder)
        time.sleep(scenario.wait_s)
        outcome = _seen(fund_folder, scenario)
        with fund_folder.control() as control:
            control.clear_faults()
            control.set_clock_offset(0)
        _held(fund_folder)
        recover(fund_folder)
        still_open = {incident.key for incident in fund_folder.fund.store.open_incidents("main")}
        yield replace(outcome, left_open=tuple(sorted(still_open.intersection(outcome.opened))))


def recover(fund_folder: Stack) -> None:
    """Whole cycles until nothing is wrong any more.

    Raises:
        TimeoutError: something stays wrong.
    """
    deadline = time.monotonic() + RECOVERY_S
    while (decision := cycle.run_cycle(fund_folder.fund)).breaches:
        if time.monotonic() > deadline:
            told = ", ".join(f"{breach.reason}: {breach.message}" for breach in decision.breaches)
            raise TimeoutError(f"{RECOVERY_S} s after the fault was cleared: {decision.state.name}: {told}")
        time.sleep(1)


def _seen(fund_folder: Stack, scenario: Scenario) -> Outcome:
    fund = fund_folder.fund
    before = _latest(fund_folder)
    known = {incident.key for incident in fund.store.open_incidents("main")}
    runs: dict[str, Sequence[str]] = {"reserves": RESERVES} if scenario.off_venue else {}
    runs |= {"NAV": NAV_CHAIN, "gate": ("gate_decisions",)}
    exits = {name: fund_folder.materialize(assets).returncode for name, assets in runs.items()}
    snapshot, decision = _latest(fund_folder), fund.latest(GateDecision)
    if decision is None:
        raise RuntimeError("the gate's run wrote no decision")
    good_before = (before.last_good_as_of, before.last_good_nav_usd)
    good_now = (snapshot.last_good_as_of, snapshot.last_good_nav_usd)
    return Outcome(
        name=scenario.name,
        rows=snapshot.ordinal - before.ordinal,
        accepted=snapshot.accepted,
        problems=tuple(sorted({f"{problem.source} {problem.code}" for problem in snapshot.problems})),
        last_good_moved=not snapshot.accepted and good_now != good_before,
        aum_complete=snapshot.aum_complete,
        failed_checks=_failed_checks(fund_folder, [asset for assets in runs.values() for asset in assets]),
        state=decision.state,
        reasons=tuple(dict.fromkeys(b.reason for b in decision.breaches if b.ceiling < TradingState.ACTIVE)),
        exits=exits,
        opened=tuple(i.key for i in fund.store.open_incidents("main") if i.key not in known),
    )


def _latest(fund_folder: Stack) -> NavSnapshot:
    snapshot = fund_folder.fund.latest(NavSnapshot)
    if snapshot is None:
        raise RuntimeError("the fund has never been valued")
    return snapshot


def _failed_checks(fund_folder: Stack, assets: Sequence[str]) -> tuple[str, ...]:
    """Checks of these assets whose latest evaluation failed."""
    keys = [
        key
        for key in build_definitions(environment={}).resolve_asset_graph().asset_check_keys
        if key.asset_key.to_user_string() in assets
    ]
    with fund_folder.instance() as instance:
        found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    return tuple(sorted(key.name for key, record in found.items() if record.status.value == "FAILED"))


def table(found: Sequence[Outcome]) -> str:
    heads = ("fault", "`nav_snapshots`", "last good", "failed checks", "verdict", "exit codes", "incident")
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    for outcome in found:
        recorded = "accepted" if outcome.accepted else f"refused: {', '.join(outcome.problems)}"
        reporting = "; AUM a lower bound" if outcome.accepted and not outcome.aum_complete else ""
        cells = (
            outcome.name,
            f"{outcome.rows} row, {recorded}{reporting}",
            "MOVED" if outcome.last_good_moved else ("this one" if outcome.accepted else "kept"),
            ", ".join(f"`{check}`" for check in outcome.failed_checks) or "none",
            f"{outcome.state.name}" + (f": {', '.join(outcome.reasons)}" if outcome.reasons else ""),
            ", ".join(f"{name} {code}" for name, code in outcome.exits.items()),
            f"{', '.join(outcome.opened)}; {'STILL OPEN' if outcome.left_open else 'closed after recovery'}"
            if outcome.opened
            else "none",
        )
        lines.append(" | ".join(cells))
    return "\n".join(f"| {line} |" for line in lines)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        stack(Path(folder) / "checkout", files={"treasury.toml": "", "reserves.toml": ""}) as fund_folder,
    ):
        found = []
        for outcome in outcomes(fund_folder):
            print(f"{outcome.name}: {outcome.state.name}", flush=True)
            found.append(outcome)
        print(table(found))


if __name__ == "__main__":
    main()
