"""What people may order: halt, re-arm, set a baseline, announce and classify flows.

Framework-free functions on a fund, called alike by the command line and by whatever else takes orders. Each writes its
order as a row of ``commands`` in the same transaction as its effect, or refuses and says what would allow it.
"""

from hedge_pipeline.operations.baselines import Proposal, inception, propose_peak, rebuild_peak
from hedge_pipeline.operations.flows import classify_flow, register_flow
from hedge_pipeline.operations.halting import OPERATOR_HALT, halt
from hedge_pipeline.operations.rearming import LONGEST_WAIVER, WaiverRequest, rearm
from hedge_pipeline.operations.taking_over import TakenOver, own_writers, take_over

__all__ = [
    "LONGEST_WAIVER",
    "OPERATOR_HALT",
    "Proposal",
    "TakenOver",
    "WaiverRequest",
    "classify_flow",
    "halt",
    "inception",
    "own_writers",
    "propose_peak",
    "rearm",
    "rebuild_peak",
    "register_flow",
    "take_over",
]
