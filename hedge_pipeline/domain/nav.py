"""Net asset value: what the fund is worth, bottom-up, or why that is not known."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.sources import SourceHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class NavPart:
    """One asset's share of trading NAV."""

    asset: str
    wallet_balance: Decimal
    unrealized_pnl: Decimal
    rate: Decimal | None
    """Price of one unit in the numeraire; ``None``: unpriced."""
    value: Decimal | None
    """In the numeraire. ``None``: unpriced."""
    counted: bool
    """Vouchers and bonuses are listed and not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a snapshot, or that its reader must know."""

    code: str
    """``source_failed``, ``missing``, ``incomplete``, ``unreconciled``, ``spread``, ``stale`` or ``future``."""
    source: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletResidual:
    """Wallet identity of one asset, in native units: change = income + residual."""

    asset: str
    change: Decimal
    income: Decimal
    residual: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomeBaseline:
    """The last reconciled wallet and which income rows it contains.

    Rows are inside iff ``occurred_at <= through_at`` and their store row id ``<= through_seq``; so a row that
    arrives late is still outside, whatever its stamp. Rows up to ``origin_at`` were in the first wallet seen.
    """

    origin_at: datetime
    """The venue's time of the first wallet ever read."""

    wallet: tuple[tuple[str, Decimal], ...]
    """Wallet balance by asset."""
    through_at: datetime
    through_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFlow:
    """A flow that some ledger has not finished with; carried from snapshot to snapshot."""

    flow_key: str
    asset: str
    amount: Decimal
    """Native units, into the account positive."""
    value: Decimal
    """In the numeraire, at the snapshot that saw it."""
    price_per_unit: Decimal | None
    """NAV per unit before it, at that snapshot; ``None`` before any units exist."""
    nav_before: Decimal | None
    """Trading NAV before it, at that snapshot: its units are the share ``value`` has of this, whenever they move."""
    nav_ordinal: int
    """The snapshot that saw it."""
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InTransit:
    """Money that has left one of treasury and venue and not yet reached the other."""

    instruction_id: str
    asset: str
    amount: Decimal
    """Native units; negative when the arrival was seen before the departure."""
    since: datetime
    value_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NavSnapshot:
    """One valuation of one account and of the fund around it: a row of ``nav_snapshots``.

    Written for every attempt. ``accepted`` alone may move a high-water mark or open the gate.
    """

    account: str
    ordinal: int
    """1, 2, 3 … per account; the chain the ledgers advance along."""
    attempted_at: datetime
    recorded_at: datetime
    as_of: datetime | None
    """The oldest of its sources' instants; ``None`` if any is unknown."""
    complete: bool
    """Every required source answered and every asset of the account is priced."""
    reconciled: bool
    """Identities of the venue's answer and of the wallet were checked and hold, and the sources are of one time."""
    accepted: bool
    """Complete, reconciled, fresh and not from the future."""
    problems: tuple[Problem, ...]
    """Why it is not accepted; empty exactly when it is."""
    labels: tuple[Problem, ...]
    """What a reader of an accepted value must know: unannounced inflows, an unexplained change of the treasury."""
    numeraire: str
    numeraire_usd: Decimal | None
    trading_nav: Decimal | None
    """In the numeraire; ``None``: unknown."""
    nav_usd: Decimal | None
    parts: tuple[NavPart, ...]
    account_units: Decimal | None
    """``None`` before inception."""
    nav_per_unit: Decimal | None
    """Trading NAV per account unit, in the numeraire.

    ``None`` unless accepted and units exist, and while a flow is unclassified: until somebody says whether it was a
    loss or a redemption, neither the mark nor the day's open nor a drawdown can be told.
    """
    treasury_usd: Decimal
    reserves_usd: Decimal
    in_transit_usd: Decimal
    aum_usd: Decimal | None
    """Reporting NAV; a lower bound unless ``aum_complete``."""
    aum_complete: bool
    aum_problems: tuple[str, ...]
    fund_units: Decimal | None
    fund_nav_per_unit: Decimal | None
    """``None`` unless accepted and ``aum_complete``."""
    residuals: tuple[WalletResidual, ...]
    unreconciled_since: datetime | None
    """Since when the wallet is not explained by its income. A source that fails meanwhile does not end it."""
    baseline: IncomeBaseline | None
    unclassified: tuple[OpenFlow, ...]
    """Outflows nobody announced, and inflows at a NAV per unit ≤ 0: units have not moved for them."""
    unpriced_fund_flows: tuple[OpenFlow, ...]
    """Subscriptions and redemptions waiting for the first complete reporting NAV."""
    in_transit: tuple[InTransit, ...]
    treasury_quantities: tuple[tuple[str, Decimal], ...] | None
    """Last known treasury holdings by asset, to see its legs of transfers."""
    last_good_nav_usd: Decimal | None
    last_good_nav_per_unit: Decimal | None
    last_good_fund_nav_per_unit: Decimal | None
    last_good_as_of: datetime | None
    """``as_of`` of the last accepted snapshot, this one included."""
    source_stamps: tuple[tuple[str, datetime], ...]
    """Last instant at which each source was good."""
    sources: tuple[SourceHealth, ...]

    @property
    def stale(self) -> bool:
        """This attempt did not produce a value that may be used."""
        return not self.accepted
