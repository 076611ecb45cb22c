"""What the paper venue lists: the documented filters, leverage brackets and funding terms of its contracts."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """One leverage bracket; the floor is the cap of the one before."""

    notional_cap: Decimal
    """Quote currency."""
    max_leverage: int
    maintenance_rate: Decimal
    """Fraction of the notional."""
    cumulative: Decimal
    """Quote currency taken off, so that the maintenance margin is continuous across brackets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A USDT-margined perpetual contract of size 1."""

    base: str
    price_increment: Decimal
    price_precision: int
    min_price: Decimal
    max_price: Decimal
    size_increment: Decimal
    quantity_precision: int
    max_quantity: Decimal
    max_market_quantity: Decimal
    minimum_notional: Decimal
    brackets: tuple[Bracket, ...]
    onboarded_ms: int = 1_569_398_400_000
    price_band: Decimal = Decimal("0.05")
    """Fraction an order may lie away from the mark price."""
    funding_interval_hours: int = 8
    funding_cap: Decimal = Decimal("0.02")
    """Largest absolute funding rate, a fraction per interval."""
    leverage: int = 10
    """As set for the account."""
    quote: str = "USDT"

    @property
    def symbol(self) -> str:
        return self.base + self.quote

    @property
    def margin_asset(self) -> str:
        return self.quote

    @property
    def funding_is_adjusted(self) -> bool:
        """Whether `fundingInfo` lists it: only contracts that depart from 8 h and ±2 % are there."""
        return self.funding_interval_hours != 8 or self.funding_cap != Decimal("0.02")

    @property
    def maximum_notional(self) -> Decimal:
        """Largest position of one side at the leverage set."""
        return max(b.notional_cap for b in self.brackets if b.max_leverage >= self.leverage)

    def bracket(self, notional: Decimal) -> Bracket:
        """The bracket of a position of this absolute notional; the last one has no end."""
        return next((b for b in self.brackets if notional <= b.notional_cap), self.brackets[-1])


def _brackets(*rows: tuple[int, int, str, str]) -> tuple[Bracket, ...]:
    return tuple(
        Bracket(
            notional_cap=Decimal(cap),
            max_leverage=leverage,
            maintenance_rate=Decimal(rate),
            cumulative=Decimal(cumulative),
        )
        for cap, leverage, rate, cumulative in rows
    )


_MAJOR = _brackets(
    (50_000, 125, "0.004", "0"),
    (600_000, 100, "0.005", "50"),
    (3_000_000, 75, "0.0065", "950"),
    (12_000_000, 50, "0.01", "11450"),
    (70_000_000, 25, "0.02", "131450"),
    (100_000_000, 20, "0.025", "481450"),
    (230_000_000, 10, "0.05", "2981450"),
    (480_000_000, 5, "0.1", "14481450"),
)
_MIDDLE = _brackets(
    (10_000, 75, "0.005", "0"),
    (50_000, 50, "0.0065", "15"),
    (200_000, 40, "0.01", "190"),
    (1_500_000, 25, "0.02", "2190"),
    (3_000_000, 20, "0.025", "9690"),
    (15_000_000, 10, "0.05", "84690"),
    (30_000_000, 5, "0.1", "834690"),
)
_MINOR = _brackets(
    (5_000, 50, "0.006", "0"),
    (50_000, 25, "0.01", "20"),
    (900_000, 20, "0.025", "770"),
    (1_800_000, 10, "0.05", "23270"),
    (4_800_000, 5, "0.1", "113270"),
)


def _instrument(
    base: str,
    *,
    prices: tuple[str, str, str],
    sizes: tuple[str, str, str],
    precision: tuple[int, int],
    minimum_notional: int,
    brackets: tuple[Bracket, ...],
    funding_interval_hours: int = 8,
    price_band: str = "0.05",
) -> Instrument:
    increment, low, high = prices
    step, most, most_market = sizes
    return Instrument(
        base=base,
        price_increment=Decimal(increment),
        price_precision=precision[0],
        min_price=Decimal(low),
        max_price=Decimal(high),
        size_increment=Decimal(step),
        quantity_precision=precision[1],
        max_quantity=Decimal(most),
        max_market_quantity=Decimal(most_market),
        minimum_notional=Decimal(minimum_notional),
        brackets=brackets,
        funding_interval_hours=funding_interval_hours,
        price_band=Decimal(price_band),
    )


_LISTED = (
    _instrument(
        "BTC",
        prices=("0.10", "261.10", "809484"),
        sizes=("0.001", "1000", "120"),
        precision=(2, 3),
        minimum_notional=100,
        brackets=_MAJOR,
    ),
    _instrument(
        "ETH",
        prices=("0.01", "39.86", "306177"),
        sizes=("0.001", "10000", "2000"),
        precision=(2, 3),
        minimum_notional=20,
        brackets=_MAJOR,
    ),
    # Four hours, so that the default book meets two funding intervals.
    _instrument(
        "SOL",
        prices=("0.0100", "0.4200", "6857"),
        sizes=("1", "10000000", "5000"),
        precision=(4, 0),
        minimum_notional=5,
        brackets=_MIDDLE,
        funding_interval_hours=4,
    ),
    _instrument(
        "XRP",
        prices=("0.0001", "0.0143", "100000"),
        sizes=("0.1", "1000000", "2000000"),
        precision=(4, 1),
        minimum_notional=5,
        brackets=_MIDDLE,
    ),
    _instrument(
        "BNB",
        prices=("0.010", "6.600", "100000"),
        sizes=("0.01", "10000", "2000"),
        precision=(3, 2),
        minimum_notional=5,
        brackets=_MIDDLE,
    ),
    _instrument(
        "USDC",
        prices=("0.0000010", "0.0000100", "200"),
        sizes=("1", "10000000", "1000000"),
        precision=(7, 0),
        minimum_notional=5,
        brackets=_MINOR,
    ),
)
INSTRUMENTS: dict[str, Instrument] = {i.symbol: i for i in _LISTED}
"""Contracts the venue always lists, by symbol.

Source: exchangeInfo and leverageBracket of Binance USD-M as recorded in 2024–2025; brackets are shared by size class.
"""

_PLAYED = (
    _instrument(
        "ADA",
        prices=("0.00010", "0.01750", "20100"),
        sizes=("1", "10000000", "2000000"),
        precision=(5, 0),
        minimum_notional=5,
        brackets=_MIDDLE,
    ),
    _instrument(
        "AVAX",
        prices=("0.0010", "0.3500", "2403"),
        sizes=("1", "10000000", "50000"),
        precision=(4, 0),
        minimum_notional=5,
        brackets=_MIDDLE,
    ),
    _instrument(
        "DOT",
        prices=("0.001", "0.373", "2398"),
        sizes=("0.1", "1000000", "100000"),
        precision=(3, 1),
        minimum_notional=5,
        brackets=_MIDDLE,
    ),
    _instrument(
        "LINK",
        prices=("0.001", "0.464", "100000"),
        sizes=("0.01", "100000", "20000"),
        precision=(3, 2),
        minimum_notional=5,
        brackets=_MIDDLE,
    ),
    _instrument(
        "APE",
        prices=("0.0001", "0.0010", "100000"),
        sizes=("1", "1000000", "200000"),
        precision=(4, 0),
        minimum_notional=5,
        brackets=_MINOR,
    ),
    _instrument(
        "RIVER",
        prices=("0.001000", "0.001000", "200"),
        sizes=("0.1", "300000", "30000"),
        precision=(6, 1),
        minimum_notional=5,
        brackets=_MINOR,
        price_band="0.15",
    ),
)
RECORDED_ONLY: dict[str, Instrument] = {i.symbol: i for i in _PLAYED}
"""Contracts listed only while a recording of them is played."""
