"""The data dictionary: what each table's columns mean and what every row promises. Read first.

One pandera model per row class: a column per field, in order, with unit, sign and clock in its description, and the
promises between columns as checks whose names say what holds. Rows are checked as the values they are: money stays
Decimal. Importing this imports pandas and pandera, so callers do it where they need it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import pandas as pd
import pandera.pandas as pa

from hedge_pipeline.domain.account import AccountReading, IncomeReading, IncomeRow, MarksReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.flows import Flow, FlowClassification, FlowInstruction
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.predecessor.navs import ImportedNav
from hedge_pipeline.domain.prices import PricesReading
from hedge_pipeline.domain.publication.publications import Publication
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.schemas.control import Commands, GateDecisions, Incidents, Waivers
from hedge_pipeline.domain.schemas.fitting import misfits, shown
from hedge_pipeline.domain.schemas.flows import FlowClassifications, FlowInstructions, Flows
from hedge_pipeline.domain.schemas.imports import ImportedNavs
from hedge_pipeline.domain.schemas.publications import Publications
from hedge_pipeline.domain.schemas.readings import Accounts, Income, IncomeReads, Instruments, Marks, Prices
from hedge_pipeline.domain.schemas.trading import (
    Adoptions,
    Exits,
    Intents,
    Ladders,
    OrderExecutions,
    OrderPlans,
    Regimes,
)
from hedge_pipeline.domain.schemas.trading_readings import (
    Candles,
    FillReads,
    Fills,
    OpenOrders,
    SymbolTerms,
)
from hedge_pipeline.domain.schemas.valuations import NavSnapshots, PeakStates, ReservesValuations
from hedge_pipeline.domain.trading.exit_cover import Adoption, ExitCover
from hedge_pipeline.domain.trading.intents import Intent, OrderUpdate
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow, RegimeRow
from hedge_pipeline.domain.trading.readings import (
    CandlesReading,
    FillsReading,
    LedgerFill,
    OrdersReading,
    TermsReading,
)
from hedge_pipeline.domain.verdicts import Command, GateDecision, Incident, Waiver

SCHEMAS: dict[type[Any], type[pa.DataFrameModel]] = {
    AccountReading: Accounts,
    MarksReading: Marks,
    InstrumentsReading: Instruments,
    IncomeRow: Income,
    IncomeReading: IncomeReads,
    PricesReading: Prices,
    ReservesValuation: ReservesValuations,
    NavSnapshot: NavSnapshots,
    PeakState: PeakStates,
    GateDecision: GateDecisions,
    Incident: Incidents,
    Command: Commands,
    Waiver: Waivers,
    Flow: Flows,
    FlowInstruction: FlowInstructions,
    FlowClassification: FlowClassifications,
    Publication: Publications,
    ImportedNav: ImportedNavs,
    OrdersReading: OpenOrders,
    FillsReading: FillReads,
    LedgerFill: Fills,
    TermsReading: SymbolTerms,
    CandlesReading: Candles,
    RegimeRow: Regimes,
    LadderRow: Ladders,
    PlanRow: OrderPlans,
    Intent: Intents,
    OrderUpdate: OrderExecutions,
    ExitCover: Exits,
    Adoption: Adoptions,
}
"""One row class, one model."""


class Failure(NamedTuple):
    """One promise that one row does not keep."""

    row: int
    """Its number among those of its table."""
    column: str
    """Empty when the promise is between columns."""
    check: str
    value: str = ""
    """What stands there, text only by its length; empty when the promise is between columns."""

    def __str__(self) -> str:
        return (
            f"{self.column}: {self.check}: {self.value}" if self.column else f"{self.check}: row {self.row}"
        )


def frame_of(row_class: type[Any], rows: Sequence[Any]) -> pd.DataFrame:
    """The rows as they are, one column per field.

    Shape: in the order given, every column of type object.
    """
    return pd.DataFrame(
        {
            field.name: pd.Series([getattr(row, field.name) for row in rows], dtype=object)
            for field in fields(row_class)
        }
    )


def validate(rows: Sequence[Any]) -> list[Failure]:
    """Every promise that is not kept, of rows of any tables.

    A row with a value that is not of its field's type is told by that alone.
    """
    return [
        failure
        for row_class in dict.fromkeys(map(type, rows))
        for failure in _failures(row_class, [row for row in rows if type(row) is row_class])
    ]


def _failures(row_class: type[Any], rows: Sequence[Any]) -> Iterator[Failure]:
    sound: list[int] = []
    for number, row in enumerate(rows):
        found = list(misfits(row))
        for path, wanted, value in found:
            yield Failure(number, path.partition(".")[0], f"{path} is a {wanted}", shown(value))
        if not found:
            sound.append(number)
    try:
        SCHEMAS[row_class].validate(frame_of(row_class, [rows[number] for number in sound]), lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        between = cases["schema_context"] == "DataFrameSchema"
        for case in cases[~between].itertuples():
            row = sound[int(case.index)]
            yield Failure(row, str(case.column), str(case.check), shown(getattr(rows[row], str(case.column))))
        for case in cases[between].drop_duplicates(["check", "index"]).itertuples():
            yield Failure(sound[int(case.index)], "", str(case.check))
