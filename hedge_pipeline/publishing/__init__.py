"""Publishing: what the fund knows, projected to its public documents, with what became of each recorded.

Nothing here touches valuation or the gate: it reads what they stored, and a failure of it is a row, a count and in time an
incident. Everything can be published again from the store.
"""

from hedge_pipeline.publishing.attempt import publish
from hedge_pipeline.publishing.comparing import Difference, differences, verify
from hedge_pipeline.publishing.points import POINTS_AT_ONCE

__all__ = ["POINTS_AT_ONCE", "Difference", "differences", "publish", "verify"]
