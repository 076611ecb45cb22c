"""The graph as the desk sees it: who depends on whom, and which checks each job carries."""

import re

import dagster as dg
import pytest

from hedge_pipeline.definitions import build_definitions
from hedge_pipeline.defs.gated import GATED
from hedge_pipeline.defs.trading import TRADING, proofs
from tools import graph

CHAIN = {"accounts", "marks", "instruments", "income", "nav_snapshots", "peak_states", "gate_decisions"}


def test_the_graph_is_the_one_that_was_reviewed() -> None:
    """`make graph` writes the file anew."""
    assert graph.told(build_definitions(environment={})) == graph.FILE.read_text()


def parents_of(definitions: dg.Definitions, name: str) -> set[str]:
    graph = definitions.resolve_asset_graph()
    return {key.to_user_string() for key in graph.get(dg.AssetKey(name)).parent_keys}


def names(assets: list[dg.AssetsDefinition]) -> list[str]:
    return [asset.key.to_user_string() for asset in assets]


@pytest.mark.parametrize("asset", names(TRADING))
def test_every_trading_asset_depends_directly_on_every_gated_one(
    definitions: dg.Definitions, asset: str
) -> None:
    assert set(names(GATED)) == CHAIN
    assert parents_of(definitions, asset) >= CHAIN


def test_what_sends_depends_directly_on_every_step_before_it_and_on_protection(
    definitions: dg.Definitions,
) -> None:
    assert parents_of(definitions, "order_executions") == CHAIN | {*names(TRADING[:-1]), "exits"}


def test_the_trading_job_carries_every_blocking_check_of_what_it_depends_on(
    definitions: dg.Definitions,
) -> None:
    resolved = definitions.resolve_asset_graph()
    blocking = {key for key in resolved.asset_check_keys if resolved.get_check_spec(key).blocking}
    before = parents_of(definitions, "order_executions")
    due = {key for key in blocking if key.asset_key.to_user_string() in before}
    assert due == {spec.key for spec in proofs()}, "a run without one of these sends nothing"
    assert due <= definitions.resolve_job_def("trading_job").asset_layer.asset_graph.asset_check_keys


def test_protection_waits_for_nothing_that_can_be_blocked(definitions: dg.Definitions) -> None:
    resolved = definitions.resolve_asset_graph()
    blocked = {
        key.asset_key.to_user_string()
        for key in resolved.asset_check_keys
        if resolved.get_check_spec(key).blocking
    }
    ancestors, found = parents_of(definitions, "exits"), set[str]()
    while ancestors - found:
        found |= ancestors
        ancestors = set().union(*(parents_of(definitions, name) for name in found))
    assert found == {"accounts", "open_orders", "fills"}
    assert not found & blocked
    job = definitions.resolve_job_def("protection_job")
    assert {key.to_user_string() for key in job.asset_layer.selected_asset_keys} == {*found, "exits"}


def test_the_gate_job_holds_the_gate_alone(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("gate_job")
    assert {key.to_user_string() for key in job.asset_layer.selected_asset_keys} == {"gate_decisions"}


def test_every_asset_tells_an_operator_what_to_do(definitions: dg.Definitions) -> None:
    for asset in definitions.assets or ():
        assert isinstance(asset, dg.AssetsDefinition)
        spec = next(iter(asset.specs))
        assert spec.description
        assert spec.owners
        assert spec.kinds
        assert spec.group_name


def test_every_check_says_what_holds_and_what_to_expect(definitions: dg.Definitions) -> None:
    resolved = definitions.resolve_asset_graph()
    for key in resolved.asset_check_keys:
        description = resolved.get_check_spec(key).description
        assert description, key
        assert len(re.findall(r"[.?]( |$)", description)) >= 2, f"{key}: what holds, then how it clears"
