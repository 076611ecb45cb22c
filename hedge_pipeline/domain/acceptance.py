"""What makes a snapshot unacceptable: a source that failed, a price that is missing, sums that disagree, facts of
another time. Every reason is told, each with its source.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.consistency import disagreements
from hedge_pipeline.domain.flows import INCOME_KINDS, IncomeKind, residual_key
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import NavPart, Problem
from hedge_pipeline.domain.readings import Readings
from hedge_pipeline.domain.venue_flows import Residual
from hedge_pipeline.domain.wallet import WalletCheck, check_wallet

REQUIRED_SOURCES = ("clock", "balances", "positions", "modes", "marks", "asset_rates", "income")
"""A snapshot without any one of them is not complete."""
INCOMPLETE = frozenset({"missing", "source_failed", "incomplete"})
CONTRADICTORY = frozenset({"unreconciled", "spread"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletVerdict:
    """Whether the change of the wallet is explained: by income rows, or by a person for what no row explains."""

    read_at: datetime
    """The venue's time when the balances had arrived."""
    balances: dict[str, Decimal]
    check: WalletCheck
    classified: tuple[Residual, ...]

    @property
    def explained(self) -> bool:
        return self.check.holds or bool(self.classified)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is wrong with a snapshot, and what could be checked at all."""

    problems: tuple[Problem, ...]
    sums_agree: bool | None
    """Whether the venue's answers agree with one another; ``None``: some of them are unknown."""
    wallet: WalletVerdict | None
    """``None`` while the wallet, the income list or the venue's time is unknown."""

    @property
    def complete(self) -> bool:
        return not any(problem.code in INCOMPLETE for problem in self.problems)

    @property
    def reconciled(self) -> bool:
        """Unknown is not reconciled."""
        checked = self.sums_agree is not None and self.wallet is not None
        return checked and not any(problem.code in CONTRADICTORY for problem in self.problems)


def examine(
    readings: Readings,
    parts: tuple[NavPart, ...],
    limits: RiskLimits,
    *,
    numeraire: str,
    uncounted: frozenset[str],
    now: datetime,
) -> Findings:
    """Find every reason not to accept the snapshot. ``now`` is the venue's time."""
    contradictions = _contradictions(readings, limits, numeraire)
    wallet = _wallet(readings, limits)
    return Findings(
        problems=(
            *_failures(readings),
            *_unpriced(readings, parts, wallet, numeraire, uncounted),
            *(Problem(code="unreconciled", source="balances", message=text) for text in contradictions or ()),
            *_unexplained(wallet),
            *_untimely(readings.used_stamps(numeraire), limits, now),
        ),
        sums_agree=None if contradictions is None else not contradictions,
        wallet=wallet,
    )


def _failures(readings: Readings) -> Iterator[Problem]:
    health = {source.source: source for source in readings.sources()}
    for name in REQUIRED_SOURCES:
        if name not in health:
            yield Problem(code="missing", source=name, message="never read")
        elif not health[name].ok:
            yield Problem(code="source_failed", source=name, message=health[name].error or "no reason given")
        elif any(fact is None for fact in _facts(readings, name)):
            yield Problem(
                code="missing", source=name, message="counts as read, but a fact it states is missing"
            )


def _facts(readings: Readings, source: str) -> tuple[object, ...]:
    """What a source that is well has stated."""
    account, marks, income = readings.account, readings.marks, readings.income
    facts: dict[str, tuple[object, ...]] = {}
    if account is not None:
        facts |= {
            "clock": (account.clock,),
            "balances": (
                account.as_of,
                account.answered_at,
                account.balances,
                account.totals,
                account.account_positions,
            ),
            "positions": (account.positions,),
            "modes": (account.hedge_mode, account.multi_assets_mode),
        }
    if marks is not None:
        facts |= {"marks": (marks.marks,), "asset_rates": (marks.asset_rates,)}
    if income is not None:
        facts |= {"income": (income.as_of,)}
    return facts.get(source, (None,))


def _unpriced(
    readings: Readings,
    parts: tuple[NavPart, ...],
    wallet: WalletVerdict | None,
    numeraire: str,
    uncounted: frozenset[str],
) -> Iterator[Problem]:
    """Whatever is owned, held or flowed has a price, or nothing built on it is known."""
    account, marks, rates = readings.account, readings.marks, readings.rates(numeraire)
    if marks is not None and marks.asset_rates is not None:
        flowed = {
            row.asset
            for _, row in (wallet.check.inside if wallet else ())
            if INCOME_KINDS.get(row.income_type) is IncomeKind.FLOW
        } | {residual.asset for residual in (wallet.classified if wallet else ())}
        needed = {numeraire} | {part.asset for part in parts} | flowed
        for asset in sorted(needed - rates.keys() - uncounted):
            yield Problem(code="incomplete", source="asset_rates", message=f"{asset} has no price")
    if (
        account is not None
        and account.positions is not None
        and marks is not None
        and marks.marks is not None
    ):
        marked = {mark.symbol for mark in marks.marks}
        for symbol in sorted(
            {position.symbol for position in account.positions if position.quantity} - marked
        ):
            yield Problem(code="incomplete", source="marks", message=f"{symbol} is held and has no mark")


def _contradictions(readings: Readings, limits: RiskLimits, numeraire: str) -> list[str] | None:
    """``None`` while the account or the marks are not known in full: there is nothing to compare."""
    account, marks = readings.account, readings.marks
    if account is None or marks is None or marks.marks is None or marks.asset_rates is None:
        return None
    facts = (
        account.balances,
        account.totals,
        account.account_positions,
        account.positions,
        account.multi_assets_mode,
    )
    if any(fact is None for fact in facts):
        return None
    return list(disagreements(account, marks, numeraire=numeraire, mark_tolerance=limits.mark_tolerance))


def _wallet(readings: Readings, limits: RiskLimits) -> WalletVerdict | None:
    account, income = readings.account, readings.income
    if account is None or account.balances is None or account.answered_at is None or account.as_of is None:
        return None
    if income is None or not all(source.ok for source in income.sources):
        return None
    balances = {entry.asset: entry.wallet_balance for entry in account.balances}
    baseline = readings.previous.baseline if readings.previous else None
    if baseline is None:
        check = WalletCheck(holds=True, inside=(), residuals=(), faults=(), through_at=account.as_of)
    else:
        check = check_wallet(
            baseline,
            balances,
            readings.pending_income,
            # The venue's time is known to half a round trip: a row may seem later than the wallet that holds it.
            seen_until=account.answered_at + limits.freshness.future_tolerance,
            final_before=account.answered_at - limits.freshness.income_final,
        )
    return WalletVerdict(
        read_at=account.answered_at,
        balances=balances,
        check=check,
        classified=_classified(check, readings),
    )


def _classified(check: WalletCheck, readings: Readings) -> tuple[Residual, ...]:
    """Unexplained changes, if a person has classified every one of them; else nothing."""
    since = readings.previous.unreconciled_since if readings.previous else None
    if check.holds or check.faults or since is None:
        return ()
    residuals = tuple(
        Residual(
            flow_key=residual_key(entry.asset, since, entry.residual),
            asset=entry.asset,
            amount=entry.residual,
        )
        for entry in check.unexplained
    )
    said = readings.declared.classifications.keys()
    return residuals if all(residual.flow_key in said for residual in residuals) else ()


def _unexplained(wallet: WalletVerdict | None) -> Iterator[Problem]:
    if wallet is None or wallet.explained:
        return
    for message in wallet.check.faults:
        yield Problem(code="unreconciled", source="income", message=message)
    for entry in wallet.check.unexplained:
        yield Problem(
            code="unreconciled",
            source="income",
            message=f"{entry.asset} wallet changed by {entry.change}, its income rows sum to {entry.income}",
        )


def _untimely(stamps: dict[str, datetime], limits: RiskLimits, now: datetime) -> Iterator[Problem]:
    freshness = limits.freshness
    for source, stamp in stamps.items():
        limit = freshness.marks if source.startswith(("mark ", "rate ")) else freshness.nav
        if stamp - now > freshness.future_tolerance:
            yield Problem(
                code="future", source=source, message=f"dated {stamp - now} ahead of the venue's time"
            )
        elif now - stamp >= limit:
            yield Problem(code="stale", source=source, message=f"{now - stamp} old")
    if stamps:
        oldest = min(stamps, key=lambda name: stamps[name])
        apart = max(stamps.values()) - stamps[oldest]
        if apart > freshness.source_spread:
            yield Problem(code="spread", source=oldest, message=f"{apart} older than the newest source")
