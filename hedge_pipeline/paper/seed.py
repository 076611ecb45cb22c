"""What a fresh paper venue starts with: the default account, its hedged book and the world it prices.

Nothing here is secret: the keys are the paper profile's, published so that its client can sign.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from hedge_pipeline.paper.instruments import INSTRUMENTS
from hedge_pipeline.paper.positions import PositionSide
from hedge_pipeline.paper.synthetic import Terms

PAPER_KEYS: dict[str, str] = {
    "paper": "paper-secret",
    "paper-read": "paper-read-secret",
    "paper-trade": "paper-trade-secret",
}
"""API keys the venue knows unless it is given others, with their secrets."""
READING_KEYS = frozenset({"paper-read"})
"""Those that may not trade."""
OPENED_KEYS_MS = 1_698_645_219_000
"""When the venue says the keys were made."""

DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedPosition:
    """A position of the opening book."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    entry_price: Decimal | None = None
    """None: `entry_offset` away from the mark price at the opening."""
    entry_offset: Decimal = Decimal(0)
    """Fraction of that mark price: −0.012 is an entry 1.2 % below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeed:
    """The account a fresh venue opens with."""

    balances: Mapping[str, Decimal]
    positions: tuple[SeedPosition, ...]
    multi_assets: bool = False
    hedge_mode: bool = True


def _hedged(symbol: str, side: PositionSide, quantity: str, entry_offset: str) -> SeedPosition:
    return SeedPosition(
        symbol=symbol, position_side=side, quantity=Decimal(quantity), entry_offset=Decimal(entry_offset)
    )


DEFAULT_ACCOUNT = AccountSeed(
    balances={
        "USDT": Decimal(100000),
        "USDC": Decimal(15000),
        "BNB": Decimal(20),
        "BTC": Decimal("0.25"),
    },
    positions=(
        _hedged("BTCUSDT", "LONG", "0.800", "-0.012"),
        _hedged("BTCUSDT", "SHORT", "0.500", "0.008"),
        _hedged("ETHUSDT", "LONG", "6.000", "0.006"),
        _hedged("ETHUSDT", "SHORT", "4.000", "0.011"),
        _hedged("SOLUSDT", "LONG", "120", "-0.025"),
    ),
)
"""About 143 thousand USD, hedged in BTC and ETH and long SOL, at a gross exposure of some 0.9 times that."""


def _crypto(price: str, *, own: float, beta: int, volume: str, interval_hours: int = 8) -> Terms:
    return Terms(
        base_price=Decimal(price),
        annual_volatility=own,
        market_beta=beta,
        base_volume=Decimal(volume),
        funding_interval_hours=interval_hours,
    )


SYNTHETIC_TERMS: dict[str, Terms] = {
    "BTCUSDT": _crypto("64250", own=0.30, beta=1000, volume="180"),
    "ETHUSDT": _crypto("3120", own=0.40, beta=1200, volume="2600"),
    "SOLUSDT": _crypto("152.4", own=0.55, beta=1400, volume="38000", interval_hours=4),
    "XRPUSDT": _crypto("2.1", own=0.55, beta=1100, volume="900000"),
    "BNBUSDT": _crypto("612", own=0.35, beta=900, volume="1500"),
    "USDCUSDT": Terms(
        base_price=Decimal("0.9999"), annual_volatility=0.004, longest_s=DAY_S, base_volume=Decimal(40000)
    ),
    "USDTUSD": Terms(base_price=Decimal("0.9996"), annual_volatility=0.004, longest_s=DAY_S),
    "XAUTUSD": Terms(base_price=Decimal(3980), annual_volatility=0.16),
    "EURUSD": Terms(base_price=Decimal("1.162"), annual_volatility=0.07),
    "GBPUSD": Terms(base_price=Decimal("1.331"), annual_volatility=0.08),
    "USDZAR": Terms(base_price=Decimal("17.25"), annual_volatility=0.14),
}
"""Every price of the synthetic world at path time 0: the contracts, and rates against USD."""

ASSET_BUFFERS: dict[str, Decimal] = {
    "USDT": Decimal("0.0001"),
    "USDC": Decimal("0.0001"),
    "BTC": Decimal("0.05"),
    "ETH": Decimal("0.05"),
    "BNB": Decimal("0.05"),
    "SOL": Decimal("0.1"),
    "XRP": Decimal("0.1"),
}
"""Assets that count as margin in multi-assets mode, with the share taken off (or put on a debt)."""

PROVIDER_ASSETS: dict[str, str] = {
    "bitcoin": "BTC",
    "ethereum": "ETH",
    "tether": "USDT",
    "usd-coin": "USDC",
    "binancecoin": "BNB",
    "solana": "SOL",
    "ripple": "XRP",
    "tether-gold": "XAUT",
}
"""The price provider's identifiers."""

PROVIDER_CURRENCIES: dict[str, str] = {
    "usd": "USD",
    "eur": "EUR",
    "gbp": "GBP",
    "zar": "ZAR",
    "btc": "BTC",
    "eth": "ETH",
}
"""What the price provider quotes in. The rate of a fiat currency is the cross of one asset quoted twice."""

SPOT_PAIRS: dict[str, tuple[str, str]] = {
    **{symbol: (i.base, i.quote) for symbol, i in INSTRUMENTS.items()},
    "EURUSDT": ("EUR", "USDT"),
    "GBPUSDT": ("GBP", "USDT"),
    "USDTZAR": ("USDT", "ZAR"),
    "XAUTUSDT": ("XAUT", "USDT"),
}
"""What the spot ticker lists: base and quote."""
