"""Drives a running paper venue from outside, through its administrator's back door."""

import json
import ssl
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

Amount = Decimal | str | int


class ControlRefused(Exception):
    """The venue refused an action; the message is its reason."""


class VenueSilent(Exception):
    """Nobody answered where the venue should be."""


@dataclass
class Control:
    """A client of one venue. Amounts go as text, so that none is rounded on the way."""

    base_url: str
    admin_token: str = field(repr=False)
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            base_url=self.base_url,
            headers={"X-Paper-Token": self.admin_token},
            timeout=self.timeout_s,
            trust_env=False,
            verify=ssl.SSLContext(
                ssl.PROTOCOL_TLS_CLIENT
            ),  # plain loopback: spares the loading of authorities
        )

    @classmethod
    def from_ready_file(cls, path: Path) -> Self:
        ready = json.loads(path.read_text())
        return cls(ready["base_url"], ready["admin_token"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def status(self) -> dict[str, Any]:
        """Clock, path, modes, balances and standing faults."""
        return dict(self._ask("GET", "status"))

    def set_fault(self, endpoint: str, kind: str, *, times: int | None = None, **parameters: Any) -> int:
        """Let something go wrong at an endpoint, for its next `times` answers or until cleared; its id.

        An endpoint is a path, a method and a path (`POST /fapi/v1/order`), or `*`. Kinds and their parameters are those of
        `effects`: respond(status, body, content_type, headers), rate_limit(retry_after_s),
        delay(seconds), drop, remove_field(path), replace_field(path, value), shift_time(seconds), replay, income_lag(seconds),
        wallet_lag(seconds), hide_income(income_type), lose_answer, reject_leg(leg, code, message).
        """
        fault = self._ask("POST", "faults", endpoint=endpoint, kind=kind, times=times, **parameters)
        return int(fault["id"])

    def faults(self) -> list[dict[str, Any]]:
        return list(self._ask("GET", "faults"))

    def clear_faults(self, endpoint: str | None = None, *, fault_id: int | None = None) -> int:
        """Lift the faults of an endpoint, one by its id, or all; how many that was."""
        return int(self._ask("DELETE", "faults", endpoint=endpoint, id=fault_id)["cleared"])

    def deposit(self, asset: str, amount: Amount) -> dict[str, Any]:
        return self._row("deposit", asset=asset, amount=str(amount))

    def withdraw(self, asset: str, amount: Amount) -> dict[str, Any]:
        return self._row("withdraw", asset=asset, amount=str(amount))

    def realize(self, symbol: str, amount: Amount) -> dict[str, Any]:
        """Book a realized profit (positive) or loss in the contract's margin asset."""
        return self._row("realize", symbol=symbol, amount=str(amount))

    def charge_commission(self, symbol: str, asset: str, amount: Amount) -> dict[str, Any]:
        """Take a trading fee, given unsigned."""
        return self._row("commission", symbol=symbol, asset=asset, amount=str(amount))

    def convert(
        self, source: str, source_amount: Amount, target: str, target_amount: Amount
    ) -> list[dict[str, Any]]:
        rows = self._ask(
            "POST",
            "convert",
            source=source,
            source_amount=str(source_amount),
            target=target,
            target_amount=str(target_amount),
        )
        return list(rows)

    def book(self, income_type: str, asset: str, amount: Amount, *, symbol: str = "") -> dict[str, Any]:
        """Any income row, of a type the venue knows or not, and the wallet with it."""
        return self._row("book", income_type=income_type, asset=asset, amount=str(amount), symbol=symbol)

    def move_price(self, symbol: str, factor: Amount) -> None:
        """Multiply a contract's prices, or a rate such as USDTUSD, from now on."""
        self._ask("POST", "price", symbol=symbol, factor=str(factor))

    def set_mode(self, *, multi_assets: bool | None = None, hedge_mode: bool | None = None) -> None:
        self._ask("POST", "mode", multi_assets=multi_assets, hedge_mode=hedge_mode)

    def restrict(self, code: int | None) -> None:
        """Let the venue take reducing orders only, refusing others with −4400 or −4401; None lifts it."""
        self._ask("POST", "restriction", code=code)

    def set_distance(self, symbol: str, distance: Amount) -> None:
        """Make a book thin: takers trade beyond the last price by this fraction of it; 0 mends it.

        Beyond the price band market orders are refused with −4131 and limit orders outside it with −4016 or −4024.
        """
        self._ask("POST", "distance", symbol=symbol, distance=str(distance))

    def set_partial_fills(self, share: Amount) -> None:
        """Of the executions, how many fill a part only: a fraction, a quarter at first; which ones, the seed decides."""
        self._ask("POST", "partial_fills", share=str(share))

    def set_countdown(self, *, spares_conditionals: bool) -> None:
        """Whether conditional orders outlive a countdown that ends; at first they do not."""
        self._ask("POST", "countdown", spares_conditionals=spares_conditionals)

    def deleverage(self, symbol: str, position_side: str, quantity: Amount) -> dict[str, Any]:
        """Take a part of a position at the mark price, as auto-deleveraging does; the forced order."""
        return self._row("deleverage", symbol=symbol, position_side=position_side, quantity=str(quantity))

    def settle(self, symbol: str) -> list[dict[str, Any]]:
        """Close everything held of a contract at the mark price, as at its delisting; the forced orders."""
        return list(self._ask("POST", "settlement", symbol=symbol))

    def place_order(self, **params: str) -> dict[str, Any]:
        """An order of somebody at another screen, in the venue's own parameters; a conditional one with `algoType`."""
        return self._row("order", **params)

    def cancel_order(self, **params: str) -> dict[str, Any]:
        """Likewise, by `symbol` and `orderId` or `origClientOrderId`, or by `algoId` or `clientAlgoId`; whose order it is does
        not matter.
        """
        return dict(self._ask("DELETE", "order", **params))

    def set_clock_offset(self, seconds: float) -> None:
        """Make the venue's own clock wrong by this much; 0 mends it."""
        self._ask("POST", "clock", seconds=seconds)

    def stop(self) -> None:
        """Let the venue's process end cleanly."""
        self._ask("POST", "stop")

    def _row(self, action: str, **body: Any) -> dict[str, Any]:
        return dict(self._ask("POST", action, **body))

    def _ask(self, method: str, action: str, **body: Any) -> Any:
        sent = {name: value for name, value in body.items() if value is not None}
        try:
            answer = self._client.request(method, f"/paper/{action}", json=sent)
        except httpx.HTTPError as error:
            raise VenueSilent(
                f"{action}: nobody answers at {self.base_url} ({type(error).__name__})"
            ) from None
        if answer.status_code != httpx.codes.OK:
            raise ControlRefused(f"{action}: {answer.json().get('error', answer.status_code)}")
        return answer.json()
