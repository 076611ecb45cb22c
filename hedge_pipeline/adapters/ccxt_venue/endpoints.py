"""Which of the venue's endpoints are asked, and what each costs."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One kind of request."""

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
    orders: int = 0
    """What it counts for in the venue's limits of orders, which are apart from the weight; of two figures, the larger."""
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
NEW_ORDER = Endpoint(
    source="new_order",
    method="fapiPrivatePostOrder",
    path="/fapi/v1/order",
    weight=0,
    signed=True,
    orders=1,
)
NEW_ORDERS = Endpoint(
    source="new_orders",
    method="fapiPrivatePostBatchOrders",
    path="/fapi/v1/batchOrders",
    weight=5,
    signed=True,
    orders=5,
)
NEW_CONDITIONAL = Endpoint(
    source="new_conditional",
    method="fapiPrivatePostAlgoOrder",
    path="/fapi/v1/algoOrder",
    weight=0,
    signed=True,
    orders=1,
)
CANCEL_ORDER = Endpoint(
    source="cancel_order",
    method="fapiPrivateDeleteOrder",
    path="/fapi/v1/order",
    weight=1,
    signed=True,
    essential=True,
)
CANCEL_ORDERS = Endpoint(
    source="cancel_orders",
    method="fapiPrivateDeleteBatchOrders",
    path="/fapi/v1/batchOrders",
    weight=1,
    signed=True,
    essential=True,
)
CANCEL_CONDITIONAL = Endpoint(
    source="cancel_conditional",
    method="fapiPrivateDeleteAlgoOrder",
    path="/fapi/v1/algoOrder",
    weight=1,
    signed=True,
    essential=True,
)
OPEN_ORDERS = Endpoint(
    source="orders",
    method="fapiPrivateGetOpenOrders",
    path="/fapi/v1/openOrders",
    weight=40,
    signed=True,
    essential=True,
)
OPEN_CONDITIONALS = Endpoint(
    source="conditionals",
    method="fapiPrivateGetOpenAlgoOrders",
    path="/fapi/v1/openAlgoOrders",
    weight=40,
    signed=True,
    essential=True,
)
ORDER = Endpoint(
    source="order",
    method="fapiPrivateGetOrder",
    path="/fapi/v1/order",
    weight=1,
    signed=True,
    essential=True,
)
CONDITIONAL = Endpoint(
    source="conditional",
    method="fapiPrivateGetAlgoOrder",
    path="/fapi/v1/algoOrder",
    weight=1,
    signed=True,
    essential=True,
)
NEW_FILLS = replace(FILLS, history=False, essential=True)
COUNTDOWN = Endpoint(
    source="countdown",
    method="fapiPrivatePostCountdownCancelAll",
    path="/fapi/v1/countdownCancelAll",
    weight=10,
    signed=True,
    essential=True,
)
LEVERAGE = Endpoint(
    source="leverage", method="fapiPrivatePostLeverage", path="/fapi/v1/leverage", weight=1, signed=True
)
SYMBOL_CONFIGS = Endpoint(
    source="symbol_configs",
    method="fapiPrivateGetSymbolConfig",
    path="/fapi/v1/symbolConfig",
    weight=5,
    signed=True,
)
BRACKETS = Endpoint(
    source="brackets",
    method="fapiPrivateGetLeverageBracket",
    path="/fapi/v1/leverageBracket",
    weight=1,
    signed=True,
)
FUNDING_INTERVALS = Endpoint(
    source="funding_intervals", method="fapiPublicGetFundingInfo", path="/fapi/v1/fundingInfo", weight=0
)
NEW_CANDLES = replace(CANDLES, history=False)


def candles_weight(rows: int) -> int:
    """What asking for so many candles weighs."""
    return next((weight for bound, weight in ((100, 1), (500, 2), (1001, 5)) if rows < bound), 10)
