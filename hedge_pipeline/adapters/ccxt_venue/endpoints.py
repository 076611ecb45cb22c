"""Which of the venue's endpoints are read, and what each costs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One kind of read."""

    source: str
    method: str
    """ccxt's name of the raw call."""
    path: str
    weight: int
    """The venue's own, which ccxt under-counts."""
    signed: bool = False
    essential: bool = False
    """May use the weight kept back for orders: without the account nothing can be protected."""


CLOCK = Endpoint(source="clock", method="fapiPublicGetTime", path="/fapi/v1/time", weight=1, essential=True)
BALANCES = Endpoint(
    source="balances",
    method="fapiPrivateV3GetAccount",
    path="/fapi/v3/account",
    weight=5,
    signed=True,
    essential=True,
)
POSITIONS = Endpoint(
    source="positions",
    method="fapiPrivateV3GetPositionRisk",
    path="/fapi/v3/positionRisk",
    weight=5,
    signed=True,
    essential=True,
)
MODES = Endpoint(
    source="modes",
    method="fapiPrivateGetAccountConfig",
    path="/fapi/v1/accountConfig",
    weight=5,
    signed=True,
    essential=True,
)
MARKS = Endpoint(source="marks", method="fapiPublicGetPremiumIndex", path="/fapi/v1/premiumIndex", weight=10)
ASSET_RATES = Endpoint(
    source="asset_rates", method="fapiPublicGetAssetIndex", path="/fapi/v1/assetIndex", weight=10
)
INSTRUMENTS = Endpoint(
    source="instruments", method="fapiPublicGetExchangeInfo", path="/fapi/v1/exchangeInfo", weight=1
)
INCOME = Endpoint(
    source="income", method="fapiPrivateGetIncome", path="/fapi/v1/income", weight=30, signed=True
)
