"""What became of what the fund told the world."""

from typing import Any

from hedge_pipeline.domain.publication.publications import health_of
from hedge_pipeline.domain.schemas.columns import (
    Count,
    Instant,
    Member,
    Nested,
    Table,
    Text,
    column,
    maybe,
    promise,
)


class Publications(Table):
    """Attempts to publish every document, one row each."""

    account: Text = column("For which account, by our name.")
    attempted_at: Instant = column("When it was published, by the venue's clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    target: Text = column("Project, database and server.", str_length={"min_value": 1})
    env: Text = column("Deployment environment.", str_length={"min_value": 1})
    run_id: Text = column("One per attempt; every document carries it.", str_length={"min_value": 1})
    writer_id: Text = column("The store it was made from.", str_length={"min_value": 1})
    health: Member = column("Ok when every document is in place.")
    documents: Nested = column("Per document: outcome, version, error, and counts since the store was made.")
    points_written: Count = column("NAV points put in place.", ge=0)
    points_through: Instant = maybe("Up to which instant NAV points are in place.")
    error: Text = maybe("What was wrong with all of it.", str_length={"min_value": 1})

    @promise
    def health_is_what_the_documents_say(cls, row: Any) -> bool:
        return bool(row.health == health_of(row.documents))

    @promise
    def what_is_not_in_place_says_why(cls, row: Any) -> bool:
        return all(document.outcome.in_place == (document.error is None) for document in row.documents)
