"""Execution: the one place that sends, cancels and looks up orders.

What is about to be sent is stored before, and every answer after, so that a process which dies between the two leaves an
intent that anybody can look up. Opening takes a permit and spends it; reducing takes proof that it reduces; canceling takes
nothing.
"""

from hedge_pipeline.execution.arming import arm, disarm, set_leverage
from hedge_pipeline.execution.canceling import cancel
from hedge_pipeline.execution.desk import Desk
from hedge_pipeline.execution.opening import open_entries
from hedge_pipeline.execution.reducing import ExitPrices, reduce
from hedge_pipeline.execution.settling import settle, unacknowledged, unknown_symbols

__all__ = [
    "Desk",
    "ExitPrices",
    "arm",
    "cancel",
    "disarm",
    "open_entries",
    "reduce",
    "set_leverage",
    "settle",
    "unacknowledged",
    "unknown_symbols",
]
