"""How many orders an account may send, and what each request that sends some counts for.

Source: "Order Rate Limits" and the "Request Weight" of each page of the Binance USD-M documentation: a batch counts five in ten
seconds and one in a minute, however many orders it holds; to cancel counts nothing.
"""

from dataclasses import dataclass

from hedge_pipeline.paper.requests import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLimit:
    name: str
    """As `exchangeInfo` writes it."""
    number: int
    letter: str
    length_ms: int
    most: int

    @property
    def header(self) -> str:
        return f"X-MBX-ORDER-COUNT-{self.number}{self.letter}"


ORDER_LIMITS = (
    OrderLimit(name="MINUTE", number=1, letter="M", length_ms=60_000, most=1200),
    OrderLimit(name="SECOND", number=10, letter="S", length_ms=10_000, most=300),
)
ORDER_COUNTS = {
    "POST /fapi/v1/order": (1, 1),
    "POST /fapi/v1/batchOrders": (1, 5),
    "POST /fapi/v1/algoOrder": (1, 1),
}
"""By request, what it counts for in each of the limits."""


class OrderCounts:
    """Orders sent in the current window of each limit. Counts without refusing unless `limited`."""

    def __init__(self, *, limited: bool) -> None:
        self._limited = limited
        self._sent = [(-1, 0)] * len(ORDER_LIMITS)

    def send(self, endpoint: str, now_ms: int) -> dict[str, str]:
        """The headers that report the counts, this request included.

        Raises:
            Refusal: it is one too many, and does not count.
        """
        counts = ORDER_COUNTS.get(endpoint)
        if counts is None:
            return {}
        windows = [now_ms // limit.length_ms for limit in ORDER_LIMITS]
        sent = [
            (window, count + (before if window == last else 0))
            for window, count, (last, before) in zip(windows, counts, self._sent, strict=True)
        ]
        for limit, (_, total) in zip(ORDER_LIMITS, sent, strict=True):
            if self._limited and total > limit.most:
                raise Refusal(
                    429,
                    -1015,
                    f"Too many new orders; current limit is {limit.most} orders per {limit.number} {limit.name}.",
                )
        self._sent = sent
        return {limit.header: str(total) for limit, (_, total) in zip(ORDER_LIMITS, sent, strict=True)}
