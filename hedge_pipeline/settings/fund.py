"""Which account is valued, how often, for which day, and where its projection is published."""

from datetime import timedelta

from pydantic import Field

from hedge_pipeline.settings.values import ZERO, AccountName, Cron, Duration, Section, Timezone


class FundSettings(Section):
    """The account, its day, and where the files lie that say what is kept off the venue."""

    account: AccountName = "main"
    reset_timezone: Timezone = "UTC"
    """Its midnight begins the day, also for Dagster's partitions."""
    holdings_folder: str = Field(default=".", min_length=1)
    """Where treasury.toml and reserves.toml lie: relative to the home directory, or absolute."""


class CadenceSettings(Section):
    """How often the heartbeat beats."""

    valuation: Duration = Field(default=timedelta(seconds=30), gt=ZERO, le=timedelta(minutes=5))
    reserves: Cron = "*/2 * * * *"
    record: Duration = Field(default=timedelta(hours=1), ge=timedelta(minutes=1), le=timedelta(hours=24))
    """A run for the record at least this often, also when nothing happens."""


class PublicationSettings(Section):
    """Where the projection goes. What may be published from where is the publisher's to refuse."""

    project: str | None = None
    production_project: str | None = None
    """Named so that every other environment can refuse it."""
