"""What assets, checks and sensors are handed: the fund, one per process."""

from functools import cache

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.settings import load_settings


@dg.resource(
    description="The fund that the environment describes when it is first needed; loading definitions reads nothing."
)
def fund_of_the_environment(_context: dg.InitResourceContext) -> Fund:
    return _fund_of_this_process()


@cache
def _fund_of_this_process() -> Fund:
    from hedge_pipeline.composition import (
        build_fund,  # drivers: a fifth of a second that loading definitions need not pay
    )

    return build_fund(load_settings())
