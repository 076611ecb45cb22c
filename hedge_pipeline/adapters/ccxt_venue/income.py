"""The income list in full, page by page.

The venue returns at most a page, oldest first, and has no reliable page number. So a full page is followed by one
that begins at its last stamp, and rows seen twice are dropped by their key. When one millisecond fills a page alone,
that millisecond is asked for type by type.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable

MILLISECOND = timedelta(milliseconds=1)

KNOWN_TYPES = (
    "TRANSFER", "WELCOME_BONUS", "REALIZED_PNL", "FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR",
    "REFERRAL_KICKBACK", "COMMISSION_REBATE", "API_REBATE", "CONTEST_REWARD", "CROSS_COLLATERAL_TRANSFER",
    "OPTIONS_PREMIUM_FEE", "OPTIONS_SETTLE_PROFIT", "INTERNAL_TRANSFER", "AUTO_EXCHANGE", "DELIVERED_SETTELMENT",
    "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW", "POSITION_LIMIT_INCREASE_FEE", "STRATEGY_UMFUTURES_TRANSFER",
    "FEE_RETURN", "BFUSD_REWARD", "SPECIAL_FUNDING_FEE",
)  # fmt: skip
"""What a crowded millisecond is split by; rows of other types are taken wherever they appear."""

Page = Callable[[datetime, datetime, str | None], tuple[IncomeRow, ...]]
"""Rows stamped from … to …, both included, of one type or of all."""


def read_all(page: Page, *, since: datetime, until: datetime, page_rows: int) -> tuple[IncomeRow, ...]:
    """Every row stamped from ``since`` to ``until``, both included, oldest first, each once.

    Raises:
        SourceMalformed: rows outside what was asked, out of order, or two of one key that differ.
        SourceUnavailable: one millisecond holds more than a page of one type, or ``since`` lies after ``until``.
    """
    if since > until:
        raise SourceUnavailable(
            "income", f"asked from {since.isoformat()}, which the venue has not reached yet"
        )
    found: dict[tuple[object, ...], IncomeRow] = {}
    start = since
    while start <= until:
        rows = _checked(page(start, until, None), start, until)
        _absorb(found, rows)
        if len(rows) < page_rows:
            break
        last = rows[-1].occurred_at
        if last > start:
            start = last
            continue
        for income_type in sorted({*KNOWN_TYPES, *(row.income_type for row in rows)}):
            of_type = _checked(page(start, start, income_type), start, start)
            if len(of_type) >= page_rows:
                raise SourceUnavailable(
                    "income",
                    f"more than {page_rows} rows of {income_type} at {start.isoformat()}: cannot be paged",
                )
            _absorb(found, of_type)
        start += MILLISECOND
    return tuple(sorted(found.values(), key=lambda row: row.occurred_at))


def _checked(rows: tuple[IncomeRow, ...], start: datetime, end: datetime) -> tuple[IncomeRow, ...]:
    for number, row in enumerate(rows):
        if not start <= row.occurred_at <= end:
            raise SourceMalformed("income", f"{number}.time: {row.occurred_at.isoformat()} was not asked for")
        if number and row.occurred_at < rows[number - 1].occurred_at:
            raise SourceMalformed("income", f"{number}.time: rows are not in order of time")
    return rows


def _absorb(found: dict[tuple[object, ...], IncomeRow], rows: Iterable[IncomeRow]) -> None:
    for row in rows:
        key = (row.income_type, row.tran_id, row.trade_id, row.asset, row.symbol, row.occurred_at)
        if found.setdefault(key, row).amount != row.amount:
            raise SourceMalformed(
                "income", f"income: two amounts for {row.income_type} {row.tran_id} {row.asset} {row.symbol}"
            )
