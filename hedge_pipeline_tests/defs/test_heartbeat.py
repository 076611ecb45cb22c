"""A beat does what a run of the same assets would do, without the run."""

from typing import Any, cast

import dagster as dg
import pytest

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.heartbeat import beat

FUND = cast("Fund", {"computed": []})


def asset(name: str, *deps: str) -> dg.AssetsDefinition:
    @dg.asset(name=name, deps=list(deps))
    def compute(fund: dg.ResourceParam[Any]) -> dg.MaterializeResult[None]:
        fund["computed"].append(name)
        return dg.MaterializeResult(metadata={"name": name})

    return compute


def check(of: str, *, holds: bool, blocking: bool) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=of, name=f"{of}_holds", blocking=blocking)
    def evaluate(fund: dg.ResourceParam[Any]) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=holds, severity=dg.AssetCheckSeverity.ERROR, description="why", metadata={"age_s": 1.0}
        )

    return evaluate


CHAIN = [asset("a"), asset("b", "a"), asset("c", "b"), asset("d", "a")]


@pytest.fixture(autouse=True)
def nothing_computed() -> None:
    cast("Any", FUND)["computed"].clear()


def computed() -> list[str]:
    return list(cast("Any", FUND)["computed"])


def test_assets_are_computed_and_checked_in_order_and_all_of_it_is_reported() -> None:
    seen = beat(FUND, CHAIN, [check("b", holds=True, blocking=True), check("a", holds=True, blocking=False)])

    assert computed() == ["a", "b", "c", "d"]
    assert seen.failed == ()
    assert [
        event.check_name if isinstance(event, dg.AssetCheckEvaluation) else event.asset_key.to_user_string()
        for event in seen.events
    ] == ["a", "a_holds", "b", "b_holds", "c", "d"]


def test_an_evaluation_is_reported_as_it_was_returned() -> None:
    _, verdict = beat(FUND, CHAIN[:1], [check("a", holds=False, blocking=True)]).events

    assert isinstance(verdict, dg.AssetCheckEvaluation)
    assert (verdict.passed, verdict.blocking, verdict.description) == (False, True, "why")
    assert verdict.severity is dg.AssetCheckSeverity.ERROR
    assert verdict.metadata["age_s"].value == 1.0


def test_a_failed_blocking_check_keeps_direct_dependents_alone_from_being_computed() -> None:
    seen = beat(FUND, CHAIN, [check("b", holds=False, blocking=True)])

    assert computed() == ["a", "b", "d"]
    assert seen.failed == ("b:b_holds",)


def test_a_failed_check_that_does_not_block_is_reported_alone() -> None:
    seen = beat(FUND, CHAIN, [check("a", holds=False, blocking=False)])

    assert computed() == ["a", "b", "c", "d"]
    assert seen.failed == ()


def test_what_raises_ends_the_beat() -> None:
    @dg.asset
    def broken(fund: dg.ResourceParam[Any]) -> None:
        raise RuntimeError("the store is locked")

    with pytest.raises(RuntimeError, match="the store is locked"):
        beat(FUND, [CHAIN[0], broken, CHAIN[1]], [])
    assert computed() == ["a"]


def test_a_run_computes_the_same() -> None:
    checks = [check("b", holds=False, blocking=True)]
    definitions = dg.Definitions(assets=CHAIN, asset_checks=checks, resources={"fund": FUND})
    job = definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, raise_on_error=False)
    in_a_run = sorted(computed())
    cast("Any", FUND)["computed"].clear()

    beat(FUND, CHAIN, checks)

    assert sorted(computed()) == in_a_run
