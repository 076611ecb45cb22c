"""What is to be published at one instant, as the store has it."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.documents.models import Document
from hedge_pipeline.domain.documents.projection import Stamp, Withheld, documents_of
from hedge_pipeline.domain.fund_view import FundView
from hedge_pipeline.read_model import read_fund


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be published at one instant."""

    view: FundView
    stamp: Stamp

    def entries(self, points_through: datetime | None = None) -> tuple[Document | Withheld, ...]:
        """Every document about the fund, or why it is withheld."""
        return documents_of(self.view, self.stamp, points_through=points_through)


def draft(fund: Fund) -> Draft:
    """The fund as the store has it now; nothing is sent."""
    view = read_fund(fund)
    stamp = Stamp(
        env=fund.env,
        writer_id=fund.store.store_id,
        run_id=secrets.token_hex(8),
        published_at=view.evaluated_at,
    )
    return Draft(view=view, stamp=stamp)
