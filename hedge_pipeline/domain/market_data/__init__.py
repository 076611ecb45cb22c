"""Facts of the market and of the account as history, from the venue or from recorded files: one normalization for both.

``rows`` names the facts, ``kinds`` their columns and what each may hold, ``report`` what was found wrong. All three are
cheap to import; ``normalization`` imports pandas, so callers import it where they need it. Nothing is filled: what is
missing stays missing and is counted.
"""

from hedge_pipeline.domain.market_data.kinds import (
    CANDLES,
    FILLS,
    FUNDING_RATES,
    KINDS,
    MARKS,
    STEPS,
    TRADES,
    Kind,
    Unit,
)
from hedge_pipeline.domain.market_data.report import (
    TOLERANCE,
    Effect,
    Example,
    Fault,
    Finding,
    Report,
    require,
)
from hedge_pipeline.domain.market_data.retention import RetentionGap, retention_gap
from hedge_pipeline.domain.market_data.rows import (
    Candle,
    Fill,
    FundingRate,
    RecordedCandle,
    RecordedFundingRate,
    Side,
)

__all__ = [
    "CANDLES",
    "FILLS",
    "FUNDING_RATES",
    "KINDS",
    "MARKS",
    "STEPS",
    "TOLERANCE",
    "TRADES",
    "Candle",
    "Effect",
    "Example",
    "Fault",
    "Fill",
    "Finding",
    "FundingRate",
    "Kind",
    "RecordedCandle",
    "RecordedFundingRate",
    "Report",
    "RetentionGap",
    "Side",
    "Unit",
    "require",
    "retention_gap",
]
