"""The heartbeat: assets and their checks evaluated in the warm code server, reported without starting a run.

A run costs seconds of a core; a valuation costs a fraction of one. So between records the sensors call the very same
asset and check functions and report what they return; a run is asked for when something is wrong or changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import dagster as dg

from hedge_pipeline.cycle import Fund

if TYPE_CHECKING:
    from dagster._core.definitions.decorators.op_decorator import DecoratedOpFunction

Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


@dataclass(frozen=True)
class Beat:
    """What one beat saw, ready to report."""

    events: tuple[Event, ...]
    failed: tuple[str, ...]
    """Failed blocking checks, as ``asset:check``."""


def beat(
    fund: Fund, assets: Sequence[dg.AssetsDefinition], checks: Sequence[dg.AssetChecksDefinition]
) -> Beat:
    """Compute each asset and evaluate its checks, in order. What raises ends the beat.

    A failed blocking check keeps the assets that depend on its own directly from being computed, as in a run.
    """
    events: list[Event] = []
    failed: list[str] = []
    blocked: set[dg.AssetKey] = set()
    for asset in assets:
        if blocked & {dep.asset_key for spec in asset.specs for dep in spec.deps}:
            continue
        key = asset.key
        events.append(dg.AssetMaterialization(asset_key=key, metadata=_returned(asset, fund).metadata))
        for check in checks:
            spec = next(iter(check.check_specs))
            if spec.asset_key != key:
                continue
            verdict = _returned(check, fund)
            events.append(
                dg.AssetCheckEvaluation(
                    asset_key=key,
                    check_name=spec.name,
                    passed=verdict.passed,
                    metadata=verdict.metadata,
                    severity=verdict.severity,
                    description=verdict.description,
                    blocking=spec.blocking,
                )
            )
            if spec.blocking and not verdict.passed:
                failed.append(f"{key.to_user_string()}:{spec.name}")
                blocked.add(key)
    return Beat(events=tuple(events), failed=tuple(failed))


def _returned(definition: dg.AssetsDefinition, fund: Fund) -> Any:
    """What the function of an asset or check returns.

    Calling the definition instead makes a Dagster instance for every call, which costs more than valuing the fund.
    """
    function = cast("DecoratedOpFunction", definition.op.compute_fn)
    return function.decorated_fn(fund=fund)
