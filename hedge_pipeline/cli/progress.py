"""What a command waits for, told while it waits: steps with their times, and servers that live as long as the command."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from hedge_pipeline import local
from hedge_pipeline.composition import uses_local_servers
from hedge_pipeline.settings import Settings


@contextmanager
def local_servers(settings: Settings) -> Iterator[None]:
    """The servers of the paper profile while the block lasts; those that run already are left running."""
    if not uses_local_servers(settings):
        yield
        return
    found = local.running(settings.home)
    if found is not None:
        click.echo(
            f"local servers at {found.base_url} (pid {found.pid}): they run already and are left alone"
        )
        yield
        return
    with progress("local servers") as told:
        told(f"started at {local.for_this_process(settings.home).base_url}, for the life of this command")
    try:
        yield
    finally:
        local.end_children()
        click.echo("local servers stopped")


@contextmanager
def progress(name: str) -> Iterator[Callable[[str], None]]:
    """Say what is being waited for, then how it went and how long it took."""
    click.echo(f"  {name:<20} ", nl=False)
    outcome: list[str] = []
    start = time.perf_counter()
    try:
        yield outcome.append
    except BaseException:
        click.echo(click.style("failed", fg="red"))
        raise
    click.echo(f"{time.perf_counter() - start:6.2f} s  {' '.join(outcome)}")
