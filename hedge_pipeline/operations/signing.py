"""Who orders, who agrees, and why: every order is signed, and some by two people."""

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.verdicts import Command

LONGEST_NAME = 100
LONGEST_REASON = 500


def signed(
    fund: Fund,
    *,
    kind: str,
    actor: str,
    reason: str,
    detail: str,
    approver: str | None = None,
    two_people: bool = False,
) -> Command:
    """The order as a row of ``commands``. With ``two_people`` a second person must agree, except in paper.

    Raises:
        CommandRefused: a name or the reason is missing or unusable, or the second person is.
    """
    actor, reason = _text("actor", actor, LONGEST_NAME), _text("reason", reason, LONGEST_REASON)
    approver = None if approver is None else _text("approver", approver, LONGEST_NAME)
    if approver is not None and approver.casefold() == actor.casefold():
        raise CommandRefused(f"approver: {approver} gives the order already; name a second person")
    if two_people and fund.two_people and approver is None:
        raise CommandRefused(
            "approver: outside paper this takes two people; name the second one with --approver"
        )
    return Command(
        account=fund.account,
        kind=kind,
        actor=actor,
        approver=approver,
        reason=reason,
        recorded_at=fund.clock.now(),
        detail=detail,
    )


def _text(name: str, value: str, longest: int) -> str:
    text = " ".join(value.split())
    if not text:
        raise CommandRefused(f"{name}: is empty; an order without one cannot be accounted for")
    if len(text) > longest or not text.isprintable():
        raise CommandRefused(f"{name}: is longer than {longest} characters or not printable")
    return text


def by(command: Command) -> str:
    """Who, as one writes it in a detail."""
    return command.actor if command.approver is None else f"{command.actor}, approved by {command.approver}"
