"""Pre-trade rules that compare an order with a limit. What is not known they leave to the rules about knowledge."""

from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.increments import directed_price, sendable_quantity
from hedge_pipeline.domain.margin import account_margin_ratio
from hedge_pipeline.domain.orders import KnownOrder, OrderType
from hedge_pipeline.domain.placement import TRADING
from hedge_pipeline.domain.pretrade_inputs import Case, Finding, Findings
from hedge_pipeline.domain.trading_risk_state import TradingEventKind, breaker_is_open, last, submissions

ZERO = Decimal(0)


def symbol_is_listed(case: Case) -> Findings:
    if case.symbol_limits is None:
        listed = ", ".join(each.symbol for each in case.limits.symbols)
        yield Finding(threshold=f"one of {listed or 'no symbol at all'}", observation=case.order.symbol)


def instrument_is_trading(case: Case) -> Findings:
    if case.instrument is not None and case.instrument.status != TRADING:
        yield Finding(threshold=TRADING, observation=case.instrument.status)


def delivery_is_far(case: Case) -> Findings:
    if case.instrument is not None and case.instrument.delivery_at - case.now <= case.limits.delivery_notice:
        yield Finding(
            threshold=f"more than {case.limits.delivery_notice} away",
            observation=f"delivery at {case.instrument.delivery_at}",
        )


def order_fits_the_increments(case: Case) -> Findings:
    order, instrument = case.order, case.instrument
    if instrument is None or order.quantity is None:
        return
    try:
        quantity = sendable_quantity(order.quantity, instrument)
        limit = order.limit_price
        price = None if limit is None else directed_price(limit, order.side, instrument)
    except InvalidState as fault:
        yield Finding(threshold="increments above 0", observation=str(fault))
        return
    if quantity != order.quantity:
        yield Finding(threshold=f"a quantity of {quantity}", observation=f"{order.quantity}")
    if price != limit:
        yield Finding(threshold=f"a price of {price}", observation=f"{limit}")


def notional_is_above_the_minimum(case: Case) -> Findings:
    if case.instrument is None or case.order.quantity is None or case.price is None:
        return
    least = max(case.limits.minimum_notional_usd, case.instrument.minimum_notional_usd)
    if (notional := case.order.quantity * case.price) < least:
        yield _usd(least, notional)


def order_is_within_the_symbols_cap(case: Case) -> Findings:
    if case.symbol_limits is None or case.notional_usd is None:
        return
    if case.notional_usd > (cap := case.symbol_limits.max_order_notional_usd):
        yield _usd(cap, case.notional_usd)


def side_quantity_is_within_its_cap(case: Case) -> Findings:
    if case.symbol_limits is None or case.exposure is None:
        return
    quantity = case.exposure.of(case.order.symbol, case.order.position_side).quantity
    if quantity > (cap := case.symbol_limits.max_side_quantity):
        yield Finding(threshold=f"{cap:f} base units", observation=f"{quantity:f} base units")


def side_exposure_is_within_its_cap(case: Case) -> Findings:
    if case.symbol_limits is None or case.exposure is None:
        return
    notional = case.exposure.of(case.order.symbol, case.order.position_side).notional_usd
    yield from _share_of_nav(case, case.symbol_limits.max_side_exposure, notional)


def symbol_exposure_is_within_its_cap(case: Case) -> Findings:
    if case.symbol_limits is None or case.exposure is None:
        return
    notional = case.exposure.of_symbols([case.order.symbol])
    yield from _share_of_nav(case, case.symbol_limits.max_exposure, notional)


def side_is_not_blocked(case: Case) -> Findings:
    if case.symbol_limits is not None and case.order.position_side in case.symbol_limits.blocked_sides:
        yield Finding(threshold="not blocked", observation=case.order.position_side)


def leverage_is_within_its_cap(case: Case) -> Findings:
    leverage = (case.inputs.leverages or {}).get(case.order.symbol)
    if leverage is None or case.symbol_limits is None or not leverage.is_finite():
        return
    if leverage > (cap := case.symbol_limits.max_leverage):
        yield Finding(threshold=f"{cap}x", observation=f"{leverage}x")


def last_entry_is_long_ago(case: Case) -> Findings:
    if (state := case.inputs.state) is None:
        return
    filled_at = last(state, TradingEventKind.ENTRY_FILLED, case.order.symbol)
    if filled_at is not None:
        yield from _cooling(case.now, filled_at + case.limits.fill_cooldown)


def last_stop_is_long_ago(case: Case) -> Findings:
    if (state := case.inputs.state) is None:
        return
    stopped_at = last(state, TradingEventKind.STOP_FILLED)
    if stopped_at is not None:
        yield from _cooling(case.now, stopped_at + case.limits.stop_cooldown)


def circuit_breaker_is_closed(case: Case) -> Findings:
    state, limit = case.inputs.state, case.limits.breaker
    if state is not None and breaker_is_open(state, case.now):
        yield Finding(
            threshold=f"fewer than {limit.failures} rejects and denials in {limit.window}",
            observation=f"open until {state.breaker_open_until}",
        )


def burst_is_within_its_limit(case: Case) -> Findings:
    if (state := case.inputs.state) is None:
        return
    rate = case.limits.burst
    count = (
        submissions(state, rate, case.now) + sum(1 for each in case.earlier if not each.reduces_position) + 1
    )
    if count > rate.count:
        yield Finding(threshold=f"{rate.count} orders in {rate.window}", observation=f"{count} orders")


def trade_rate_is_within_its_limit(case: Case) -> Findings:
    if (state := case.inputs.state) is None:
        return
    rate, symbol = case.limits.symbol_rate, case.order.symbol
    earlier = sum(1 for order in case.earlier if order.symbol == symbol and not order.reduces_position)
    count = submissions(state, rate, case.now, symbol) + earlier + 1
    if count > rate.count:
        yield Finding(threshold=f"{rate.count} orders in {rate.window}", observation=f"{count} orders")


def order_is_within_its_share_of_nav(case: Case) -> Findings:
    if case.notional_usd is not None:
        yield from _share_of_nav(case, case.limits.max_order_exposure, case.notional_usd)


def account_exposure_is_within_its_cap(case: Case) -> Findings:
    if case.exposure is not None:
        yield from _share_of_nav(case, case.limits.max_account_exposure, case.exposure.notional_usd)


def open_sides_are_few(case: Case) -> Findings:
    if case.exposure is not None and (sides := case.exposure.open_sides) > case.limits.max_open_sides:
        yield Finding(threshold=f"{case.limits.max_open_sides} sides", observation=f"{sides} sides")


def bucket_exposure_is_within_its_cap(case: Case) -> Findings:
    if case.symbol_limits is None or case.exposure is None:
        return
    bucket = case.symbol_limits.bucket
    members = [each.symbol for each in case.limits.symbols if each.bucket == bucket]
    yield from _share_of_nav(case, case.limits.cap_of(bucket), case.exposure.of_symbols(members))


def margin_ratio_is_within_its_limit(case: Case) -> Findings:
    if (totals := case.inputs.totals) is None:
        return
    if (ratio := account_margin_ratio(totals)) > (limit := case.limits.max_margin_ratio):
        yield Finding(threshold=f"{limit}", observation=f"{ratio:.6f}")


def reduction_is_within_the_position(case: Case) -> Findings:
    """Stops close the position once, take-profits and other closes once: each family is held against the whole of it.

    The stop that closes whatever is left needs no quantity and is always within.
    """
    order, positions, resting = case.order, case.inputs.positions, case.inputs.resting
    if order.quantity is None:
        return
    if positions is None or resting is None:
        yield Finding(
            threshold="positions and orders known", observation="unknown", reason="exposure_unavailable"
        )
        return
    held = sum(
        (
            each.quantity
            for each in positions
            if (each.symbol, each.position_side) == (order.symbol, order.position_side)
        ),
        ZERO,
    )
    closing: list[Decimal] = [each.remaining_quantity for each in resting if _same_family(case, each)]
    closing += [
        each.quantity
        for each in case.earlier
        if each.quantity is not None
        and each.reduces_position
        and (each.symbol, each.position_side) == (order.symbol, order.position_side)
        and (each.order_type is OrderType.STOP_MARKET) is (order.order_type is OrderType.STOP_MARKET)
    ]
    left = held - sum(closing, ZERO)
    if not (left.is_finite() and left >= order.quantity):
        yield Finding(threshold=f"{left:f} base units", observation=f"{order.quantity:f} base units")


def _same_family(case: Case, resting: KnownOrder) -> bool:
    order = case.order
    return (
        resting.reduces_position
        and (resting.symbol, resting.position_side) == (order.symbol, order.position_side)
        and (resting.stop_price is not None) is (order.stop_price is not None)
    )


def _usd(threshold: Decimal, observation: Decimal) -> Finding:
    return Finding(threshold=f"{threshold:f} USD", observation=f"{observation:f} USD")


def _share_of_nav(case: Case, cap: Decimal, notional_usd: Decimal) -> Findings:
    nav = case.nav_usd
    if nav is not None and notional_usd > cap * nav:
        yield Finding(threshold=f"{cap} of NAV", observation=f"{notional_usd / nav:.6f} of NAV")


def _cooling(now: datetime, until: datetime) -> Findings:
    if now < until:
        yield Finding(threshold=f"not before {until}", observation=f"it is {now}")
