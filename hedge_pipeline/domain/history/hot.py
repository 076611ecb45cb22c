"""Hot tables: those that grow with every beat, whose rows may leave the state store once history holds their day."""

from typing import Any

from hedge_pipeline.domain.account import AccountReading, IncomeReading, MarksReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.prices import PricesReading
from hedge_pipeline.domain.publication.publications import Publication
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow, RegimeRow
from hedge_pipeline.domain.trading.readings import CandlesReading, FillsReading, OrdersReading, TermsReading
from hedge_pipeline.domain.verdicts import GateDecision

HOT: dict[type[Any], str] = {
    AccountReading: "accounts",
    MarksReading: "marks",
    InstrumentsReading: "instruments",
    IncomeReading: "income_reads",
    PricesReading: "prices",
    ReservesValuation: "reserves_valuations",
    NavSnapshot: "nav_snapshots",
    PeakState: "peak_states",
    GateDecision: "gate_decisions",
    Publication: "publications",
    OrdersReading: "open_orders",
    FillsReading: "fill_reads",
    TermsReading: "symbol_terms",
    CandlesReading: "candles",
    RegimeRow: "regimes",
    LadderRow: "ladders",
    PlanRow: "order_plans",
    ExitCover: "exits",
}
"""By the name of the table. Every other table is read in whole by some step, or is a person's word: it never shrinks.

So are fills, intents and order executions: what is held today is explained by fills of any age, and whose an order is and
where what it entered is to be left is told by its intent and its updates, however long ago it was sent."""
