"""Taking over: a restored copy begins to act as a store of its own, and the documents of a lost store find a new writer.

Two stores of one past must not both act, and nothing here can see whether the other still does: a person says that it does
not. Whatever the copy was latched by keeps it HALTED until somebody re-arms.
"""

import re
import secrets
from dataclasses import dataclass

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.errors import CommandRefused, ConcurrentAppend
from hedge_pipeline.domain.verdicts import Command
from hedge_pipeline.operations.signing import signed

_WRITER = re.compile(r"[0-9a-f]{16}")
_DETAIL = "takes over what store {} wrote"
_TAKEN = re.compile(_DETAIL.format(f"({_WRITER.pattern})") + ".*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """Whose place the store of this fund has taken."""

    writer: str
    """Id of the store whose documents may be written from now on."""
    store_id: str
    """Under which they are."""


def take_over(fund: Fund, *, actor: str, reason: str, writer: str | None = None) -> TakenOver:
    """Let a restored copy act under an id of its own; or, with ``writer``, let this store write what a lost one published.

    Raises:
        CommandRefused: there is nothing to take over, or nobody or no reason is named.
    """
    if writer is not None:
        return _take_over_documents(fund, writer, actor=actor, reason=reason)
    copied_at = fund.store.copied_at
    if copied_at is None:
        raise CommandRefused(
            "this store is no copy, so there is nothing to take over; `--writer ID` is for documents of a store that is lost"
        )
    old, new = fund.store.store_id, secrets.token_hex(8)
    detail = f"{_DETAIL.format(old)}, of which this is a copy of {copied_at.isoformat()}; its own id is {new}"
    command = signed(fund, kind="take_over", actor=actor, reason=reason, detail=detail)
    try:
        fund.store.take_over(command, store_id=new)
    except ConcurrentAppend:
        raise CommandRefused("somebody else has just taken this store over") from None
    return TakenOver(writer=old, store_id=new)


def _take_over_documents(fund: Fund, writer: str, *, actor: str, reason: str) -> TakenOver:
    refuse_a_copy(fund, "takes over nothing else")
    if not _WRITER.fullmatch(writer):
        raise CommandRefused(
            f"writer: {writer!r} is no store's id: 16 of 0-9 and a-f, as its documents carry it"
        )
    if writer in own_writers(fund):
        raise CommandRefused(f"writer: what store {writer} wrote is this store's to write already")
    detail = f"{_DETAIL.format(writer)}, which is lost"
    fund.store.append(signed(fund, kind="take_over", actor=actor, reason=reason, detail=detail))
    return TakenOver(writer=writer, store_id=fund.store.store_id)


def own_writers(fund: Fund) -> frozenset[str]:
    """Ids whose documents this store may write: its own, and those it took over. A copy may write nobody's."""
    if fund.store.copied_at is not None:
        return frozenset()
    orders = fund.store.rows(Command, fund.account, kind="take_over")
    taken = (_TAKEN.fullmatch(order.detail) for order in orders)
    return frozenset({fund.store.store_id, *(found[1] for found in taken if found)})


def refuse_a_copy(fund: Fund, what: str) -> None:
    """Keep an order from a store that may not act.

    Raises:
        CommandRefused: this store is a copy.
    """
    copied_at = fund.store.copied_at
    if copied_at is not None:
        raise CommandRefused(
            f"this store is a copy made at {copied_at.isoformat()} and {what}: see that the original has stopped for "
            "good, then `hedge take-over`"
        )
