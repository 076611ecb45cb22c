"""The command: each line as soon as it is known, what failed counted, and the outcome published."""

from collections.abc import Iterator
from itertools import chain

import click

from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cli.preflight import files, keys, outside, publication, store
from hedge_pipeline.cli.preflight.lines import Line
from hedge_pipeline.cli.progress import local_servers
from hedge_pipeline.cli.target import target
from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings import Profile, Settings, load_settings


@click.command()
def preflight() -> None:
    """Look at configuration, secrets, files, disk, store, keys, venue, clock, hedge mode, prices, holdings and publication.

    Exit 1 if anything fails. Writes nothing but the document health/preflight, which proves that documents can be written.
    """
    try:
        settings = load_settings()
    except InvalidSettings as fault:
        click.echo(
            Line(name="configuration", told=str(fault), remedy="correct what is named, then look again")
        )
        raise click.exceptions.Exit(1) from None
    click.echo(target(settings))
    failed: list[Line] = []
    for line in _lines(settings, failed):
        click.echo(line)
        if line.remedy is not None:
            failed.append(line)
    if failed:
        click.echo(f"{len(failed)} failed")
        raise click.exceptions.Exit(1)


def _lines(settings: Settings, failed: list[Line]) -> Iterator[Line]:
    """What this machine holds, then what others answer. ``failed`` grows while they are told."""
    clock = SystemClock()
    yield from chain(
        _told(settings), files.disk_lines(settings), files.mode_lines(settings), store.lines(settings)
    )
    with local_servers(settings):
        yield from keys.lines(settings, clock)
        yield from outside.lines(settings, clock)
        yield from publication.lines(settings, failed)


def _told(settings: Settings) -> Iterator[Line]:
    file = settings.config_file or "no settings file: the profile's own values"
    yield Line(name="configuration", told=f"{file}, fingerprint {settings.fingerprint()}")
    yield Line(name="secrets", told=_secrets(settings))


def _secrets(settings: Settings) -> str:
    """Which are set; never what they are."""
    if settings.profile is Profile.PAPER:
        return "none needed: the paper venue's keys are public"
    held = {
        "venue read key": settings.secrets.venue_read,
        "venue trade key": settings.secrets.venue_trade,
        "CoinGecko key": settings.secrets.coingecko_key,
    }
    return ", ".join(f"{name} {'absent' if secret is None else 'set'}" for name, secret in held.items())
