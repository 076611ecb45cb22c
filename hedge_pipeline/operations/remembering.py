"""What is remembered of the account outside the store, in publications and history: a ledger of units, and its mark.

A published document is believed only as far as it says whose it is: of our environment and account, whole, and not from
the future.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.documents.models import PeakStateDocument, parse_document
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import CommandRefused, InvalidState
from hedge_pipeline.domain.flows import FlowClassification, FlowPurpose
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.resumption import LedgerRecord, Step, resumed
from hedge_pipeline.operations.taking_over import own_writers

ARCHIVED_TO = "archived_to"
"""Field of a document that was a predecessor's, and now only says where it lies."""


def peak_path(env: str) -> str:
    return f"hedge/{env}/risk/peak_state"


def published_record(fund: Fund) -> LedgerRecord | None:
    """What ``risk/peak_state`` says of our account; ``None``: nothing is published.

    Raises:
        SourceUnavailable: nobody answers.
        InvalidState: the document is not to be believed; says why.
    """
    path = peak_path(fund.env)
    fields = fund.publisher.read([path]).get(path)
    if fields is None or ARCHIVED_TO in fields:
        return None
    if not _is_versioned(fields):
        raise InvalidState(
            f"{path} is an unversioned document of a predecessor: take it over first, `hedge import --firestore`"
        )
    document = parse_document(path, fields, env=fund.env)
    if not isinstance(document, PeakStateDocument):
        raise InvalidState(f"{path} is no peak state")
    if document.account != fund.account:
        raise InvalidState(f"{path} tells of account {document.account}, not of {fund.account}")
    if document.as_of > fund.now() + fund.limits.freshness.future_tolerance:
        raise InvalidState(f"{path} is from the future: as_of {document.as_of.isoformat()}")
    if document.numeraire != fund.numeraire:
        raise InvalidState(f"{path} counts in {document.numeraire}, not in {fund.numeraire}")
    if document.nav_per_unit <= 0 or document.account_units <= 0:
        raise InvalidState(
            f"{path} has {document.account_units} units at {document.nav_per_unit}: no ledger goes on from there"
        )
    return LedgerRecord(
        same_ledger=document.writer_id in own_writers(fund) and fund.latest(PeakState) is not None,
        as_of=document.as_of,
        account_units=document.account_units,
        fund_units=document.fund_units,
        nav_per_unit=document.nav_per_unit,
        high_water_mark=document.high_water_mark,
        day=document.day,
        opened=(document.day_open_as_of, document.day_open),
    )


def _is_versioned(fields: Mapping[str, Any]) -> bool:
    return isinstance(fields.get("schema_version"), int) and isinstance(fields.get("writer_id"), str)


def history_record(fund: Fund) -> LedgerRecord | None:
    """The last minute in history that had units, with the highest NAV per unit or mark of all; ``None``: there is none.

    Raises:
        InvalidState: a file of history is damaged.
    """
    last = _last_minute(fund)
    if last is None or last.close is None or last.account_units is None or last.closed_at is None:
        return None
    highest = fund.history.highest_nav_per_unit(fund.account)
    own = fund.store.latest(PeakState, fund.account, nav_ordinal=last.nav_ordinal)
    return LedgerRecord(
        same_ledger=own is not None and own.as_of == last.closed_at,
        as_of=last.closed_at,
        account_units=last.account_units,
        fund_units=None,
        nav_per_unit=last.close,
        high_water_mark=max(
            last.close, last.high_water_mark or last.close, highest[0] if highest else last.close
        ),
        day=last.day,
        opened=None,
    )


def _last_minute(fund: Fund) -> Minute | None:
    for day in reversed(fund.history.days(Minute)):
        for minute in reversed(fund.history.rows(Minute, day) or []):
            if (
                minute.account == fund.account
                and minute.account_units
                and minute.close is not None
                and minute.close > 0
            ):
                found: Minute = minute
                return found
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """The ledger of a record, carried on to now."""

    record: LedgerRecord
    account_units: Decimal
    fund_units: Decimal | None
    """``None`` where flows since the record may have changed them."""
    unspoken: tuple[str, ...]
    """Keys of outflows since the record that nobody has said anything about: taken as losses."""


def resume(
    fund: Fund, record: LedgerRecord, steps: Sequence[Step], *, spoken: Mapping[str, FlowPurpose]
) -> Resumption:
    """Carry the record's units on through what was booked since; ``steps`` newest first.

    An outflow that nobody calls a redemption or a transfer is money lost: its units stay, so that the drawdown holds it.
    So near the record that it may be in it already, an inflow counts and an outflow does not: units are never too few.

    Raises:
        InvalidState: a unit was worth nothing at a flow since.
    """
    said = {row.flow_key: row.purpose for row in fund.store.rows(FlowClassification, fund.account)} | dict(
        spoken
    )
    nearly = record.as_of + fund.limits.freshness.source_spread
    absorbed: list[Step] = []
    unspoken: list[str] = []
    for step in reversed(steps):
        if step.at <= record.as_of:
            continue
        if step.is_flow and step.value < 0:
            purposes = {said.get(key) for key in step.keys}
            if None in purposes:
                unspoken += [key for key in step.keys if key not in said]
            if step.at <= nearly:
                continue
            if purposes & {None, FlowPurpose.LOSS}:
                step = Step(at=step.at, value=step.value, is_flow=False, keys=step.keys)  # noqa: PLW2901 as a loss
        absorbed.append(step)
    ledger = resumed(record, absorbed)
    if ledger is None or not ledger.account_units:
        raise InvalidState(
            f"a flow since {record.as_of.isoformat()} met units that were worth nothing, or left none: they do not go on from there"
        )
    return Resumption(
        record=record,
        account_units=ledger.account_units,
        fund_units=None if ledger.flowed else record.fund_units,
        unspoken=tuple(unspoken),
    )


def refuse_unspoken(resumption: Resumption | None) -> None:
    """Have a person say what left the account while no store remembered it.

    Raises:
        CommandRefused: names each outflow.
    """
    if resumption is not None and resumption.unspoken:
        raise CommandRefused(
            f"money left the account since {resumption.record.as_of.isoformat()} and what it was is not known "
            f"({', '.join(resumption.unspoken)}): say it of each, --redeemed KEY or --lost KEY"
        )
