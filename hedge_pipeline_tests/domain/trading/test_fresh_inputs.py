"""What may act on what, cell by cell."""

import pytest

from hedge_pipeline.domain.trading.fresh_inputs import NEEDS, Action, Source, missing

STOP = {Source.POSITIONS, Source.ORDERS, Source.INSTRUMENTS}
DECIDED = {
    Action.CANCEL_ENTRY: set(),
    Action.PLACE_STOP: STOP,
    Action.REPRICE_TAKE_PROFIT: STOP | {Source.MARKS},
    Action.FLATTEN: {Source.POSITIONS},
    Action.OPEN: set(Source),
}
"""Of the rules, written a second time."""


@pytest.mark.parametrize("source", Source, ids=str)
@pytest.mark.parametrize("action", Action, ids=str)
def test_each_cell_of_the_table(action: Action, source: Source):
    everything_else = frozenset(Source) - {source}

    assert (missing(action, everything_else) == (source,)) is (source in DECIDED[action])


def test_nothing_gates_a_cancellation_and_everything_gates_an_opening():
    assert missing(Action.CANCEL_ENTRY, frozenset()) == ()
    assert missing(Action.OPEN, frozenset()) == tuple(Source)
    assert all(missing(action, frozenset(Source)) == () for action in NEEDS)
