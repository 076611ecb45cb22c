"""`hedge dev`: the UI with schedules and sensors running, over the local servers in paper."""

import sys
from pathlib import Path

import click

from hedge_pipeline import local
from hedge_pipeline.cli.progress import progress
from hedge_pipeline.cli.target import announced_settings
from hedge_pipeline.composition import uses_local_servers
from hedge_pipeline.local import PathOptions
from hedge_pipeline.supervisor import run_dev


@click.command()
@click.option("--port", default=3000, show_default=True, help="Where the UI listens, on this machine alone.")
def dev(port: int) -> None:
    """Serve the UI, the daemon and the code location until Ctrl-C, and stop whatever was started."""
    settings = announced_settings()
    found = local.running(settings.home)
    starts_servers = uses_local_servers(settings) and (found is None or not found.is_alive)
    if starts_servers:
        with progress("local servers") as told:
            started = local.up(settings.home, PathOptions(), with_this_process=True)
            told(f"started at {started.base_url}, for the life of this command")
    elif found is not None:
        click.echo(
            f"local servers at {found.base_url} (pid {found.pid}): they run already and are left alone"
        )
    try:
        code = run_dev(port=port, directory=Path.cwd())
    finally:
        if starts_servers:
            click.echo(f"local servers: {local.down(settings.home)}")
    sys.exit(code)
