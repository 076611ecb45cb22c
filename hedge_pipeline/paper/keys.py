"""What the venue's keys may do: the key administration of Binance's spot side.

Source: Binance, "Get API Key Permission". As in life, no permission reads futures alone: `enableReading` reads, `enableFutures`
trades.
"""

from collections.abc import Mapping
from typing import Any

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.requests import Refusal
from hedge_pipeline.paper.seed import OPENED_KEYS_MS, READING_KEYS

Params = Mapping[str, str]


def require_trading(api_key: str) -> None:
    """Raises Refusal for a key that may only read."""
    if api_key in READING_KEYS:
        raise Refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")


def api_restrictions(core: Core, now_ms: int, params: Params, *, api_key: str = "") -> Any:
    """Of the key that signs. A fault at this path (`replace_field`) switches any of it."""
    return {
        "ipRestrict": True,
        "createTime": OPENED_KEYS_MS,
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": api_key not in READING_KEYS,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": False,
    }
