"""`hedge local`: the servers of the paper profile, and what may be done to them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedge_pipeline import local as servers
from hedge_pipeline.cli.progress import progress
from hedge_pipeline.cli.target import announced_settings
from hedge_pipeline.domain.errors import CommandRefused, SourceUnavailable
from hedge_pipeline.local import PathOptions
from hedge_pipeline.settings import Profile

if TYPE_CHECKING:
    from hedge_pipeline.paper.control import Control


@click.group()
def local() -> None:
    """Start, stop and disturb the servers of the paper profile."""


@local.command()
@click.option("--seed", default=1, show_default=True, help="Of the synthetic path.")
@click.option(
    "--pace",
    default="1",
    show_default=True,
    help="How much faster than the wall clock prices move; 10 at most.",
)
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Recorded candles to play."
)
@click.option("--start", help="Instant of the recording to begin at.")
@click.option("--multi-assets", is_flag=True, help="Put the account in multi-assets mode.")
def up(seed: int, pace: str, data: Path | None, start: str | None, multi_assets: bool) -> None:  # noqa: FBT001
    """Start what does not run of venue and Firestore server, for every process of this home directory, until `down`.

    The options are for a venue that is started; one that runs already keeps its path.
    """
    home = _paper_home()
    options = PathOptions(seed=seed, pace=pace, data=data, start=start, multi_assets=multi_assets)
    notes: list[str] = []
    with progress("local servers") as told:
        started = servers.up(home, options, told=notes.append)
        told(f"run at {started.base_url} (pid {started.pid}) until `hedge local down`")
    for note in notes:
        click.echo(f"  {note}")


@local.command()
def down() -> None:
    """Stop them; what the venue holds stays for the next `up`, what Firestore holds has to be published again."""
    home = _paper_home()
    with progress("local servers") as told:
        told(servers.down(home) or "none run")


@local.command()
@click.argument("kind")
@click.argument("endpoint", required=False)
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--times", type=click.IntRange(min=1), help="For so many answers; until cleared unless given.")
def fault(kind: str, endpoint: str | None, parameters: tuple[str, ...], times: int | None) -> None:
    """Let KIND go wrong at ENDPOINT (a path, 'POST /a/path', or '*'); or `fault list`; or `fault clear [ENDPOINT]`.

    \b
    respond status=500 body='{}'    rate_limit retry_after_s=5    delay seconds=3    drop
    remove_field path=P    replace_field path=P value=V    shift_time seconds=-60    replay
    income_lag seconds=30    wallet_lag seconds=30    hide_income income_type=TRANSFER
    lose_answer    reject_leg leg=1
    """
    with _control() as control:
        if kind == "list":
            for standing in control.faults():
                click.echo(json.dumps(standing))
        elif kind == "clear":
            click.echo(f"{control.clear_faults(endpoint)} cleared")
        elif endpoint is None:
            raise click.UsageError("ENDPOINT is missing: a path such as /fapi/v3/balance, or '*'")
        else:
            click.echo(
                f"fault {control.set_fault(endpoint, kind, times=times, **_parsed(parameters))} stands"
            )


@local.command()
@click.argument("asset")
@click.argument("amount")
def deposit(asset: str, amount: str) -> None:
    """Let AMOUNT of ASSET arrive in the account, announced or not."""
    with _control() as control:
        click.echo(json.dumps(control.deposit(asset, amount)))


@local.command()
@click.argument("asset")
@click.argument("amount")
def withdraw(asset: str, amount: str) -> None:
    """Let AMOUNT of ASSET leave the account, announced or not."""
    with _control() as control:
        click.echo(json.dumps(control.withdraw(asset, amount)))


def _paper_home() -> Path:
    settings = announced_settings()
    if settings.profile is not Profile.PAPER:
        raise CommandRefused(
            f"the local servers belong to profile paper, and this is {settings.profile}: unset HEDGE_PROFILE"
        )
    return settings.home


@contextmanager
def _control() -> Iterator["Control"]:
    """A client of the servers that run.

    Raises:
        CommandRefused: none run, or they refuse.
        SourceUnavailable: they do not answer.
    """
    from hedge_pipeline.paper.control import Control, ControlRefused, VenueSilent

    found = servers.running(_paper_home())
    if found is None:
        raise CommandRefused("no local servers run here; `hedge local up` starts them")
    try:
        with Control(found.base_url, found.admin_token) as control:
            yield control
    except ControlRefused as refusal:
        raise CommandRefused(str(refusal)) from None
    except VenueSilent as silence:
        reason = f"{silence}; `hedge local down`, then `hedge local up`"
        raise SourceUnavailable("local servers", reason) from None


def _parsed(parameters: tuple[str, ...]) -> dict[str, Any]:
    """NAME=VALUE pairs; a value that is JSON is meant as such."""
    parsed: dict[str, Any] = {}
    for parameter in parameters:
        name, sign, value = parameter.partition("=")
        if not sign:
            raise click.UsageError(f"{parameter!r} is not NAME=VALUE")
        try:
            parsed[name] = json.loads(value)
        except ValueError:
            parsed[name] = value
    return parsed
