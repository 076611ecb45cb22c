"""What a request about an order came to, in the words of the journal.

An answer counts only if it names our order: the same client order id, symbol and directions. Whatever else comes back, a body of
somebody else's order included, says nothing about ours and leaves its outcome unknown. ``outcome`` is a failure, or a body: of
the request, or of the order's own part of the answer to several.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hedge_pipeline.adapters.ccxt_venue import order_payloads
from hedge_pipeline.adapters.ccxt_venue.outcomes import Failure, is_refusal
from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.orders import KnownOrder, NewOrder, OrderStatus
from hedge_pipeline.domain.trading.intents import Answer, Answered

STALE_STAMP = -1021
NO_SUCH_WORKING_ORDER = -2011
NO_SUCH_ORDER = -2013
DUPLICATE = -4116
"""An order of this client order id rests already."""
WOULD_TAKE = -5022
"""A post-only order that would have traded at once."""

Clean = Callable[[str], str]
"""Puts a text on one line and takes secrets out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which order a request was about."""

    client_order_id: str
    symbol: str
    conditional: bool
    clean: Clean

    def answered(
        self, answer: Answer, *, order: KnownOrder | None = None, code: int | None = None, message: str = ""
    ) -> Answered:
        return Answered(
            client_order_id=self.client_order_id,
            symbol=self.symbol,
            answer=answer,
            order=order,
            code=code,
            message=self.clean(message),
        )

    def failed(self, answer: Answer, failure: Failure) -> Answered:
        return self.answered(answer, code=failure.code, message=failure.reason)

    def stated(self, body: object) -> KnownOrder:
        """The order in a body.

        Raises:
            SourceMalformed: there is none, or it is another one.
        """
        known = (order_payloads.conditional if self.conditional else order_payloads.order)(body)
        return self.own(known)

    def own(self, known: KnownOrder) -> KnownOrder:
        if (known.client_order_id, known.symbol) != (self.client_order_id, self.symbol):
            raise SourceMalformed("order", f"is {known.client_order_id} of {known.symbol}, another one")
        return known


def placed(order: NewOrder, asked: Asked, outcome: object) -> Answered:
    if failure := _failure(outcome):
        if not failure.left:
            return asked.failed(Answer.DENIED, failure)
        return asked.failed(Answer.REJECTED if failure.refused else Answer.UNKNOWN, failure)
    try:
        known = asked.stated(outcome)
    except SourceMalformed as error:
        return asked.answered(Answer.UNKNOWN, message=str(error))
    if (known.side, known.position_side) != (order.side, order.position_side):
        message = f"the venue states it as {known.side} {known.position_side}"
        return asked.answered(Answer.UNKNOWN, message=message)
    if order.post_only and known.status is OrderStatus.EXPIRED and not known.filled_quantity:
        message = "it would have traded at once, so it expired (post-only)"
        return asked.answered(Answer.REJECTED, order=known, code=WOULD_TAKE, message=message)
    return asked.answered(Answer.ACCEPTED, order=known)


def canceled(order: KnownOrder, asked: Asked, outcome: object) -> Answered:
    """Nothing but the venue's word makes an order gone: one it refused to cancel, or was never asked to, may rest."""
    if failure := _failure(outcome):
        gone = failure.refused and failure.code == NO_SUCH_WORKING_ORDER
        return asked.failed(Answer.ABSENT if gone else Answer.UNKNOWN, failure)
    try:
        known = asked.own(_ended(order, outcome)) if asked.conditional else asked.stated(outcome)
        if order.venue_order_id not in {None, known.venue_order_id}:
            raise SourceMalformed("order", f"has the venue's id {known.venue_order_id}, another one")
    except SourceMalformed as error:
        return asked.answered(Answer.UNKNOWN, message=str(error))
    if known.status.is_working:
        return asked.answered(
            Answer.UNKNOWN, order=known, message=f"the venue still states it {known.status}"
        )
    return asked.answered(Answer.CANCELED, order=known)


def looked_up(asked: Asked, outcome: object) -> Answered:
    if failure := _failure(outcome):
        absent = failure.refused and failure.code == NO_SUCH_ORDER
        return asked.failed(Answer.ABSENT if absent else Answer.UNKNOWN, failure)
    try:
        return asked.answered(Answer.ACCEPTED, order=asked.stated(outcome))
    except SourceMalformed as error:
        return asked.answered(Answer.UNKNOWN, message=str(error))


def _ended(order: KnownOrder, body: object) -> KnownOrder:
    venue_order_id, client_order_id = order_payloads.ended_conditional(body)
    return replace(
        order,
        client_order_id=client_order_id,
        venue_order_id=venue_order_id,
        status=OrderStatus.CANCELED,
    )


def _failure(outcome: object) -> Failure | None:
    """A part of an answer to several may be a refusal itself."""
    if isinstance(outcome, Failure):
        return outcome
    refusal = order_payloads.refusal(outcome)
    if refusal is None:
        return None
    return Failure(
        reason=f"{refusal.code}: {refusal.msg}", refused=is_refusal(400, refusal.code), code=refusal.code
    )
