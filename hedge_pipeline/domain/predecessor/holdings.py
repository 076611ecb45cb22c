"""What the predecessor held off the venue, as our own holdings files.

It took stablecoins for 1.0, priced everything else on one venue, and left out silently what had no price. Here each asset
has a route, at market, and what has none is named.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from hedge_pipeline.domain.predecessor.fields import number, refuse, required, table
from hedge_pipeline.domain.price_routes import DEFAULT_ROUTES
from hedge_pipeline.domain.reserves import Place

_SUFFIX = "USDT"


def reserves(source: str, content: object) -> dict[str, Decimal]:
    """``reserves.json``: ``{SYMBOL: amount}``, where a symbol is an asset or its pair with USDT."""
    return _quantities(source, table(source, "", content))


def treasury(source: str, content: object) -> dict[str, Decimal]:
    """``treasury.json``: ``{ASSET: quantity}`` as configured, or the dashboard's cache with its list of ``assets``."""
    entry = table(source, "", content)
    if "assets" not in entry:
        return _quantities(source, entry)
    rows = entry["assets"]
    if not isinstance(rows, list):
        refuse(source, "assets", "is no JSON list; take the file as the predecessor wrote it")
    stated: dict[str, object] = {}
    for place, raw in enumerate(rows):
        row = table(source, f"assets[{place}]", raw)
        asset = required(source, f"assets[{place}].", row, "Asset")
        if not isinstance(asset, str) or asset in stated:
            refuse(
                source, f"assets[{place}].Asset", f"{asset!r} is no asset, or one that stands above already"
            )
        stated[asset] = required(source, f"assets[{place}].", row, "Units")
    return _quantities(source, stated)


def _quantities(source: str, stated: Mapping[str, object]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for symbol, amount in stated.items():
        asset = symbol.removesuffix(_SUFFIX) or symbol
        if not (asset.isascii() and asset.isalnum() and asset.isupper()):
            refuse(source, symbol, "is no asset: capitals and digits")
        if asset in found:
            refuse(source, symbol, f"{asset} stands here twice, under two names; add them up yourself")
        found[asset] = number(source, symbol, amount)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingsPlan:
    """One of our holdings files, as the predecessor's would be written."""

    place: Place
    source: str
    quantities: Mapping[str, Decimal]
    routed: tuple[str, ...]
    """Assets that get a route of their own, because none is known."""

    @property
    def name(self) -> str:
        return f"{self.place}.toml"

    @property
    def text(self) -> str:
        lines = [
            f"# The {self.place}, taken over from the predecessor's {self.source}. Quantities stand in quotes, so that no",
            "# digit is lost. Prices are at market, stablecoins too.",
            "",
            "[holdings]",
            *(f'{asset} = "{quantity:f}"' for asset, quantity in sorted(self.quantities.items())),
        ]
        for asset in self.routed:
            lines += ["", f"[routes.{asset}]", 'class = "crypto"', f'sources = ["spot:{asset}{_SUFFIX}"]']
        return "\n".join(lines) + "\n"


def plan(
    place: Place, source: str, quantities: Mapping[str, Decimal], routed: Collection[str]
) -> HoldingsPlan:
    """``routed`` are assets that have a route elsewhere already."""
    unknown = sorted(set(quantities) - set(DEFAULT_ROUTES) - set(routed))
    return HoldingsPlan(place=place, source=source, quantities=quantities, routed=tuple(unknown))
