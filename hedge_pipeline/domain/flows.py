"""Money that comes and goes: which change of a balance is a flow, and whether somebody announced it."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.account import IncomeRow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FlowPurpose(StrEnum):
    """What a flow is, as a person declared it."""

    SUBSCRIPTION = "subscription"
    """Investors' money into the fund: changes fund units."""
    REDEMPTION = "redemption"
    """Investors' money out of the fund: changes fund units."""
    TREASURY_TRANSFER = "treasury_transfer"
    """Between the venue account and the treasury: fund units stay."""
    LOSS = "loss"
    """Money that is gone (only by classification): no units move, it is performance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowInstruction:
    """An announced flow: a row of ``flow_instructions``."""

    account: str
    instruction_id: str
    purpose: FlowPurpose
    asset: str
    amount: Decimal
    """Native units as the venue account sees it: into the account positive."""
    window_from: datetime
    window_until: datetime
    actor: str
    approver: str | None
    """A second person; required outside paper."""
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowClassification:
    """What a person says an unannounced flow was: a row of ``flow_classifications``."""

    account: str
    flow_key: str
    purpose: FlowPurpose
    actor: str
    approver: str | None
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One flow as the ledgers absorbed it: a row of ``flows``, written with its NAV snapshot."""

    account: str
    flow_key: str
    """Of the venue's income row, or ``treasury:…`` for a change of the treasury's holdings."""
    occurred_at: datetime
    recorded_at: datetime
    asset: str
    amount: Decimal
    """Native units, into the account positive."""
    value: Decimal | None
    """In the numeraire, at the snapshot that absorbed it; ``None``: a treasury leg in an asset the venue did not price."""
    purpose: FlowPurpose | None
    """``None``: nobody announced or classified it."""
    instruction_id: str | None
    nav_ordinal: int
    price_per_unit: Decimal | None
    """Account NAV per unit at which it counts; ``None`` before any units exist."""
    units: Decimal
    """Account units issued (+) or redeemed (−) for it; zero while an outflow is unclassified."""


class IncomeKind(StrEnum):
    """What an income row means for performance."""

    PERFORMANCE = "performance"
    FLOW = "flow"
    CONVERSION = "conversion"
    """One leg of an exchange inside the wallet: its spread is performance."""


INCOME_KINDS: dict[str, IncomeKind] = {
    **dict.fromkeys(
        (
            "REALIZED_PNL", "FUNDING_FEE", "SPECIAL_FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR",
            "REFERRAL_KICKBACK", "COMMISSION_REBATE", "API_REBATE", "FEE_RETURN", "CONTEST_REWARD",
            "BFUSD_REWARD", "WELCOME_BONUS", "DELIVERED_SETTELMENT", "POSITION_LIMIT_INCREASE_FEE",
        ),
        IncomeKind.PERFORMANCE,
    ),
    **dict.fromkeys(
        ("TRANSFER", "INTERNAL_TRANSFER", "CROSS_COLLATERAL_TRANSFER", "STRATEGY_UMFUTURES_TRANSFER"),
        IncomeKind.FLOW,
    ),
    **dict.fromkeys(("COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW", "AUTO_EXCHANGE"), IncomeKind.CONVERSION),
}  # fmt: skip
"""By the venue's word. A type that is not here fails the reconciliation visibly.

Source: Binance USD-M futures, Get Income History, ``incomeType``; ``DELIVERED_SETTELMENT`` is the venue's spelling.
"""


NATIVE_TOLERANCE = Decimal("1e-8")
"""Native units: the venue books eight decimals."""


def flow_key(row: IncomeRow) -> str:
    """Identity of an income row across reads: a transaction id is unique within its type only."""
    stamp = (row.occurred_at - _EPOCH) // timedelta(milliseconds=1)
    return ":".join((row.income_type, row.tran_id, row.trade_id, row.asset, row.symbol, str(stamp)))


def residual_key(asset: str, since: datetime, residual: Decimal) -> str:
    """Name under which a person can classify a balance change that no income row ever explained.

    The amount is part of it: what was said about one change says nothing about a larger one.
    """
    return f"residual:{asset}:{residual.normalize():f}:{since.isoformat()}"


def matching_instruction(
    instructions: Sequence[FlowInstruction],
    spent: AbstractSet[str],
    *,
    asset: str,
    amount: Decimal,
    at: datetime,
) -> FlowInstruction | None:
    """The first registered instruction that announced exactly this and is not spent."""
    for instruction in instructions:
        if (
            instruction.instruction_id not in spent
            and instruction.asset == asset
            and abs(instruction.amount - amount) <= NATIVE_TOLERANCE
            and instruction.window_from <= at <= instruction.window_until
        ):
            return instruction
    return None
