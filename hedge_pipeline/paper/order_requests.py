"""An order request, read: its parameters to an order that the contract's filters admit, or the venue's refusal.

What depends on the account or on prices is checked where the order is placed. Source of names, codes and messages: Binance
USD-M documentation, "New Order", "New Algo Order" and "Error Codes". `reduceOnly` is refused: hedge mode does not know it.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, get_args

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.instruments import Instrument
from hedge_pipeline.paper.orders import (
    Conditional,
    ConditionalType,
    Order,
    OrderType,
    Side,
    TimeInForce,
    WorkingType,
    opens,
)
from hedge_pipeline.paper.player import UnknownSymbol
from hedge_pipeline.paper.positions import PositionSide
from hedge_pipeline.paper.requests import Refusal, invalid_symbol, mandatory

Params = Mapping[str, str]

_ZERO = Decimal(0)
_CLIENT_ORDER_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CONDITIONAL_TYPES: tuple[str, ...] = (*get_args(ConditionalType), "TRAILING_STOP_MARKET")
_LIMITED = frozenset({"STOP", "TAKE_PROFIT"})


def refused(code: int, message: str) -> Refusal:
    return Refusal(400, code, message)


def unsupported() -> Refusal:
    """For what the venue knows and this one does not."""
    return refused(-1020, "This operation is not supported.")


def listed(core: Core, params: Params) -> Instrument:
    symbol = params.get("symbol")
    if not symbol:
        raise mandatory("symbol")
    try:
        return core.instrument(symbol)
    except UnknownSymbol:
        raise invalid_symbol() from None


def order_of(core: Core, params: Params, *, now_ms: int) -> Order:
    """An ordinary order as it was asked for, with the identifier it is going to have.

    Raises:
        Refusal: a parameter is missing, malformed, not known in hedge mode, or outside a filter of the contract.
    """
    instrument = listed(core, params)
    side, position_side = _direction(core, params)
    kind = params.get("type")
    if kind in _CONDITIONAL_TYPES:
        raise refused(
            -4120,
            "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
        )
    order_type: OrderType = _one_of(kind, get_args(OrderType), "type", -1116, "Invalid orderType.")
    if order_type == "MARKET" and ("price" in params or "timeInForce" in params):
        extra = "price" if "price" in params else "timeinforce"
        raise refused(-1106, f"Parameter '{extra}' sent when not required.")
    is_limit = order_type == "LIMIT"
    return Order(
        order_id=core.order_book.next_order_id,
        client_order_id=_client_id(params, "newClientOrderId", core.order_book.next_order_id),
        symbol=instrument.symbol,
        side=side,
        position_side=position_side,
        order_type=order_type,
        time_in_force=_time_in_force(params) if is_limit else "GTC",
        quantity=_quantity(params, instrument, market=not is_limit),
        price=_price(params, "price", instrument) if is_limit else _ZERO,
        created_ms=now_ms,
        updated_ms=now_ms,
    )


def conditional_of(core: Core, params: Params, *, now_ms: int) -> Conditional:
    """A conditional order as it was asked for.

    Raises:
        Refusal: a parameter is missing, malformed, not known in hedge mode, or outside a filter of the contract.
    """
    instrument = listed(core, params)
    if params.get("algoType") != "CONDITIONAL":
        raise mandatory("algoType")
    side, position_side = _direction(core, params)
    order_type: ConditionalType = _one_of(
        params.get("type"), get_args(ConditionalType), "type", -1116, "Invalid orderType."
    )
    working_type: WorkingType = _one_of(
        params.get("workingType", "CONTRACT_PRICE"),
        get_args(WorkingType),
        "workingType",
        -4084,
        "Invalid workingType.",
    )
    is_limit = order_type in _LIMITED
    closes = flag(params, "closePosition")
    if closes:
        _check_close_position(params, is_limit=is_limit, enlarges=opens(side, position_side))
    return Conditional(
        algo_id=core.order_book.next_algo_id,
        client_algo_id=_client_id(params, "clientAlgoId", core.order_book.next_algo_id),
        symbol=instrument.symbol,
        side=side,
        position_side=position_side,
        order_type=order_type,
        time_in_force=_time_in_force(params) if is_limit else "GTC",
        quantity=_ZERO if closes else _quantity(params, instrument, market=not is_limit),
        price=_price(params, "price", instrument) if is_limit else _ZERO,
        trigger_price=_price(params, "triggerPrice", instrument),
        working_type=working_type,
        price_protect=flag(params, "priceProtect"),
        close_position=closes,
        created_ms=now_ms,
        updated_ms=now_ms,
    )


def _check_close_position(params: Params, *, is_limit: bool, enlarges: bool) -> None:
    if is_limit:
        raise refused(-4136, f"Target strategy invalid for orderType {params['type']},closePosition true.")
    if "quantity" in params:
        raise refused(-4137, "Quantity must be zero with closePosition equals true.")
    if enlarges:
        raise refused(-4138, "Reduce only must be true with closePosition equals true.")


def _direction(core: Core, params: Params) -> tuple[Side, PositionSide]:
    side: Side = _one_of(params.get("side"), get_args(Side), "side", -1117, "Invalid side.")
    position_side: Any = params.get("positionSide", "BOTH")
    if core.hedge_mode == (position_side == "BOTH") or position_side not in {"BOTH", *get_args(PositionSide)}:
        raise refused(-4061, "Order's position side does not match user's setting.")
    if not core.hedge_mode:
        raise unsupported()
    if "reduceOnly" in params:
        raise refused(-1106, "Parameter 'reduceonly' sent when not required.")
    return side, position_side


def _time_in_force(params: Params) -> TimeInForce:
    """Raises Refusal also for GTD, which this venue does not keep."""
    wanted: TimeInForce = _one_of(
        params.get("timeInForce"), get_args(TimeInForce), "timeInForce", -1115, "Invalid timeInForce."
    )
    return wanted


def _client_id(params: Params, name: str, number: int) -> str:
    text = params.get(name)
    if text is None:
        return f"paper-{number}"
    if not _CLIENT_ORDER_ID.fullmatch(text):
        raise refused(-4015, "Client order id is not valid.")
    return text


def _one_of(value: str | None, known: tuple[Any, ...], name: str, code: int, message: str) -> Any:
    if value is None:
        raise mandatory(name)
    if value not in known:
        raise refused(code, message)
    return value


def flag(params: Params, name: str) -> bool:
    text = params.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise mandatory(name)
    return text == "true"


def _number(params: Params, name: str) -> Decimal:
    text = params.get(name)
    if text is None:
        raise mandatory(name)
    if not _NUMBER.fullmatch(text):
        raise refused(
            -1102,
            f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}(\\.[0-9]{{1,20}})?$'.",
        )
    return Decimal(text)


def _check_precision(value: Decimal, places: int) -> None:
    if value != value.quantize(Decimal(1).scaleb(-places)):
        raise refused(-1111, "Precision is over the maximum defined for this asset.")


def _price(params: Params, name: str, instrument: Instrument) -> Decimal:
    price = _number(params, name)
    _check_precision(price, instrument.price_precision)
    if price <= 0:
        raise refused(-4001, "Price less than 0.")
    if price > instrument.max_price:
        raise refused(-4002, "Price greater than max price.")
    if price < instrument.min_price:
        raise refused(-4013, "Price less than min price.")
    if (price - instrument.min_price) % instrument.price_increment:
        raise refused(-4014, "Price not increased by tick size.")
    return price


def _quantity(params: Params, instrument: Instrument, *, market: bool) -> Decimal:
    """Multiples count from the minimum, which is one step."""
    quantity = _number(params, "quantity")
    _check_precision(quantity, instrument.quantity_precision)
    if quantity <= 0:
        raise refused(-4003, "Quantity less than or equal to zero.")
    if quantity < instrument.size_increment:
        raise refused(-4004, "Quantity less than min quantity.")
    if quantity > (instrument.max_market_quantity if market else instrument.max_quantity):
        raise refused(-4005, "Quantity greater than max quantity.")
    if quantity % instrument.size_increment:
        raise refused(-4023, "Quantity not increased by step size.")
    return quantity
