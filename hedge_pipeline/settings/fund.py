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
    """How often the heartbeats beat, and how often a run is made for the record."""

    valuation: Duration = Field(default=timedelta(seconds=30), gt=ZERO, le=timedelta(minutes=5))
    reserves: Duration = Field(default=timedelta(minutes=2), ge=timedelta(seconds=10), le=timedelta(hours=1))
    publication: Duration = Field(
        default=timedelta(seconds=30), ge=timedelta(seconds=5), le=timedelta(minutes=5)
    )
    protection: Duration = Field(
        default=timedelta(seconds=10), ge=timedelta(seconds=5), le=timedelta(minutes=1)
    )
    """Of stops, cancels and look-ups, whatever the gate says."""
    record: Cron = "5 * * * *"
    """In the reset time zone: a run of everything, also when nothing happens."""


class PublicationSettings(Section):
    """Where the projection goes. What may be published from where is decided in ``settings/target.py``."""

    project: str | None = Field(default=None, min_length=1)
    """Of Google's cloud; credentials are those the machine has (application default credentials)."""
    production_project: str | None = Field(default=None, min_length=1)
    """Named so that every other environment can refuse it."""
    database: str = Field(default="(default)", min_length=1)
