"""The graph as the desk sees it: who depends on whom, and which checks each job carries."""

import dagster as dg

from hedge_pipeline.defs.trading import GATED

CHAIN = {"accounts", "marks", "instruments", "income", "nav_snapshots", "peak_states", "gate_decisions"}


def test_trading_depends_directly_on_every_gated_asset(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    parents = graph.get(dg.AssetKey("trading_permissions")).parent_keys
    assert (
        {key.to_user_string() for key in parents} == CHAIN == {asset.key.to_user_string() for asset in GATED}
    )


def test_the_trading_job_carries_every_blocking_check_of_what_it_depends_on(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    blocking = {key for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    due = {key for key in blocking if key.asset_key.to_user_string() in CHAIN}
    assert due, "there are blocking checks"
    layer = definitions.resolve_job_def("trading_job").asset_layer
    assert due <= set(
        layer.selected_asset_check_keys
        if hasattr(layer, "selected_asset_check_keys")
        else layer.asset_graph.asset_check_keys
    )


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
