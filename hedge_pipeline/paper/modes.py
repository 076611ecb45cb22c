"""How the account is set: hedge or one-way, cross or isolated, one asset or several as margin.

A mode is changed while nothing rests and nothing is held. In one-way mode every order is refused: −4061 if it names a side,
−1020 if it does not, for this venue keeps a long and a short position of a contract and knows no netted one. Isolated margin is
refused likewise. Source of names, codes and messages: Binance USD-M documentation, "Account", "Change Position Mode", "Change
Margin Type" and "Error Codes".
"""

from collections.abc import Mapping
from typing import Any

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.order_requests import flag, listed, refused, unsupported
from hedge_pipeline.paper.requests import Refusal, mandatory

Params = Mapping[str, str]

_DONE = {"code": 200, "msg": "success"}


def account_config(core: Core, now_ms: int, params: Params) -> Any:
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": core.hedge_mode,
        "updateTime": 0,
        "multiAssetsMargin": core.multi_assets,
        "tradeGroupId": -1,
    }


def symbol_config(core: Core, now_ms: int, params: Params) -> Any:
    asked = [listed(core, params)] if "symbol" in params else core.instruments.values()
    return [
        {
            "symbol": instrument.symbol,
            "marginType": "CROSSED",
            "isAutoAddMargin": False,
            "leverage": instrument.leverage,
            "maxNotionalValue": str(instrument.maximum_notional),
        }
        for instrument in asked
    ]


def position_mode(core: Core, now_ms: int, params: Params) -> Any:
    return {"dualSidePosition": core.hedge_mode}


def multi_assets_mode(core: Core, now_ms: int, params: Params) -> Any:
    return {"multiAssetsMargin": core.multi_assets}


def change_position_mode(core: Core, now_ms: int, params: Params) -> Any:
    """Between hedge and one-way mode, for all contracts."""
    if "dualSidePosition" not in params:
        raise mandatory("dualSidePosition")
    hedge_mode = flag(params, "dualSidePosition")
    if hedge_mode == core.hedge_mode:
        raise refused(-4059, "No need to change position side.")
    _check_idle(
        core,
        None,
        orders=refused(-4067, "Position side cannot be changed if there exists open orders."),
        positions=refused(-4068, "Position side cannot be changed if there exists position."),
    )
    core.set_mode(hedge_mode=hedge_mode)
    return dict(_DONE)


def change_margin_type(core: Core, now_ms: int, params: Params) -> Any:
    """Everything is cross margin and stays so: a change is refused, by the venue's reasons first."""
    symbol = listed(core, params).symbol
    wanted = params.get("marginType")
    if wanted not in {"CROSSED", "ISOLATED"}:
        raise mandatory("marginType")
    if wanted == "CROSSED":
        raise refused(-4046, "No need to change margin type.")
    if core.multi_assets:
        raise refused(-4168, "Unable to adjust to isolated-margin mode under the Multi-Assets mode.")
    _check_idle(
        core,
        symbol,
        orders=refused(-4047, "Margin type cannot be changed if there exists open orders."),
        positions=refused(-4048, "Margin type cannot be changed if there exists position."),
    )
    raise unsupported()


def _check_idle(core: Core, symbol: str | None, *, orders: Refusal, positions: Refusal) -> None:
    if any(core.order_book.working(symbol)) or any(core.order_book.waiting(symbol)):
        raise orders
    if any(p.quantity for p in core.positions.values() if symbol in {None, p.symbol}):
        raise positions
