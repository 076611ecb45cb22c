"""Fill origins: whose order was executed, told by the client order id it bears."""

from hedge_pipeline.domain.client_order_ids import Book, Owner, recognize
from hedge_pipeline.domain.trading.readings import FillOrigin

FORCED = (
    ("autoclose-", FillOrigin.LIQUIDATION),
    ("adl_autoclose", FillOrigin.DELEVERAGING),
    ("settlement_autoclose-", FillOrigin.SETTLEMENT),
)
"""What the ids of the venue's own orders begin with.

Source: Binance USD-M futures, User Data Streams, Event: Order Update, "special client order id".
"""
_ORIGINS = {
    Owner.OURS: FillOrigin.OURS,
    Owner.OTHER_BOOK: FillOrigin.OURS,
    Owner.OTHER_STORE: FillOrigin.OTHER_STORE,
    Owner.FOREIGN: FillOrigin.FOREIGN,
}


def origin_of(client_order_id: str | None, book: Book) -> FillOrigin:
    """``None``: nobody has told the id yet. Every book of the book's store is ours."""
    if client_order_id is None:
        return FillOrigin.UNKNOWN
    forced = next((origin for prefix, origin in FORCED if client_order_id.startswith(prefix)), None)
    return forced or _ORIGINS[recognize(client_order_id, book).owner]
