"""A ladder as an inline image: a line per rung at its price, as long as its quantity, and the price it lies around."""

import base64
from decimal import Decimal

import dagster as dg

from hedge_pipeline.domain.grid import Ladders

WIDTH, HEIGHT, MARGIN = 160, 100, 4
MOST_RUNGS = 12
"""Of each side, closest first: the text must stay short enough to be shown in place."""
COLORS = {"long": "#2a4", "short": "#d33", "price": "#25e"}


def ladder_plot(ladders: Ladders | None, mid_price: Decimal | None) -> dg.MarkdownMetadataValue | None:
    """LONG below the price, SHORT above it; ``None`` without rungs."""
    if ladders is None or mid_price is None or not ladders.rungs:
        return None
    long, short = ladders.long[:MOST_RUNGS], ladders.short[:MOST_RUNGS]
    prices = [mid_price, *(rung.limit_price for rung in long + short)]
    low, high, longest = min(prices), max(prices), max(rung.quantity for rung in long + short)

    def y(price: Decimal) -> str:
        share = (high - price) / (high - low) if high > low else Decimal("0.5")
        return f"{MARGIN + share * (HEIGHT - 2 * MARGIN):.0f}"

    paths = [
        _path(
            "".join(f"M0 {y(r.limit_price)}h{r.quantity / longest * WIDTH:.0f}" for r in rungs), COLORS[name]
        )
        for name, rungs in (("long", long), ("short", short))
        if rungs
    ]
    paths.append(_path(f"M0 {y(mid_price)}h{WIDTH}", COLORS["price"]))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">{"".join(paths)}</svg>'
    image = f"![ladder](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
    return dg.MetadataValue.md(f"{low:.6g} to {high:.6g}, price {mid_price:.6g}\n\n{image}")


def _path(line: str, color: str) -> str:
    return f'<path d="{line}" stroke="{color}"/>'
