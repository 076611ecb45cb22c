"""Standing down: nobody will look after the account for a while, so its dead-man's switch is stopped and what rests stays."""

from hedge_pipeline.cycle.desks import desk_of
from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.execution import disarm


def stand_down(fund: Fund) -> tuple[str, ...]:
    """Why that failed, a line per symbol; nothing: no countdown runs. The next protection cycle starts it again where it must run."""
    cover, desk = fund.latest(ExitCover), desk_of(fund)
    symbols = {strategy.symbol for strategy in fund.trading.strategies} | {*(cover.armed if cover else ())}
    return tuple(
        f"the countdown of {symbol} could not be stopped: {failure}"
        for symbol in sorted(symbols)
        if (failure := disarm(desk, symbol)) is not None
    )
