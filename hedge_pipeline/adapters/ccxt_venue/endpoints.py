"""Which of the venue's endpoints are read, and what each costs."""

from dataclasses import dataclass, replace


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
    history: bool = False
    """Leaves weight to every other read, and waits for it."""
    spacing_s: float = 0.0
    """Between two of them, where the venue counts them apart from the weight."""


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
INCOME_HISTORY = replace(INCOME, history=True)
FILLS = Endpoint(
    source="fills",
    method="fapiPrivateGetUserTrades",
    path="/fapi/v1/userTrades",
    weight=5,
    signed=True,
    history=True,
)
FUNDING_RATES = Endpoint(
    source="funding_rates",
    method="fapiPublicGetFundingRate",
    path="/fapi/v1/fundingRate",
    weight=0,
    history=True,
    spacing_s=0.6,  # 500 in five minutes
)
CANDLES = Endpoint(
    source="candles", method="fapiPublicGetKlines", path="/fapi/v1/klines", weight=10, history=True
)
SPOT_CLOCK = replace(CLOCK, method="publicGetTime", path="/api/v3/time")
KEY_PERMISSIONS = Endpoint(
    source="key_permissions",
    method="sapiGetAccountApiRestrictions",
    path="/sapi/v1/account/apiRestrictions",
    weight=1,
    signed=True,
    essential=True,
)
