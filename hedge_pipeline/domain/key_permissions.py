"""What a venue key may do, and whether that is more than its use needs.

The venue has no permission that reads futures alone: ``enableReading`` reads all of the account, futures included, and
``enableFutures`` is the right to trade them. So a key that reads has ``enableReading`` and nothing else.

Source: Binance, "Get API Key Permission", whose names of permissions are kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

READS = frozenset({"enableReading", "enableFixReadOnly"})
TRADES_FUTURES = "enableFutures"
TRADES = frozenset(
    {
        TRADES_FUTURES,
        "enableFixApiTrade",
        "enableMargin",
        "enablePortfolioMarginTrading",
        "enableSpotAndMarginTrading",
        "enableVanillaOptions",
    }
)
MOVES_MONEY = {
    "enableWithdrawals": "withdraw",
    "enableInternalTransfer": "transfer to other accounts",
    "permitsUniversalTransfer": "transfer between wallets",
}


class KeyUse(StrEnum):
    """What a key is held for."""

    READING = "reading"
    TRADING = "trading"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPermissions:
    """What the venue lets a key do."""

    is_bound_to_addresses: bool
    granted: frozenset[str]
    """The venue's names of what is switched on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVerdict:
    """What is wrong with a key, each in words; empty: nothing."""

    dangers: tuple[str, ...]
    """For these alone live does not start."""
    doubts: tuple[str, ...]
    """It cannot do its work, or may do something this program does not know."""


def judge_key(permissions: KeyPermissions, use: KeyUse) -> KeyVerdict:
    return KeyVerdict(
        dangers=tuple(_dangers(permissions, use)),
        doubts=tuple(_doubts(permissions, use)),
    )


def _dangers(permissions: KeyPermissions, use: KeyUse) -> Iterator[str]:
    for name, verb in MOVES_MONEY.items():
        if name in permissions.granted:
            yield f"it may {verb} ({name})"
    if not permissions.is_bound_to_addresses:
        yield "it is not bound to addresses (ipRestrict)"
    trading = sorted(TRADES & permissions.granted)
    if use is KeyUse.READING and trading:
        yield f"it is held for reading and may trade ({', '.join(trading)})"


def _doubts(permissions: KeyPermissions, use: KeyUse) -> Iterator[str]:
    if "enableReading" not in permissions.granted:
        yield "it may not read (enableReading)"
    if use is KeyUse.TRADING and TRADES_FUTURES not in permissions.granted:
        yield f"it is held for trading and may not trade futures ({TRADES_FUTURES})"
    unknown = sorted(permissions.granted - READS - TRADES - MOVES_MONEY.keys())
    if unknown:
        yield f"it may do what this program does not know ({', '.join(unknown)})"
