"""`hedge backup`, `restore`, `take-over`: a copy of the state store, and what it takes until it acts."""

import sys
from pathlib import Path

import click

from hedge_pipeline import operations
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cli import words
from hedge_pipeline.cli.inputs import signed
from hedge_pipeline.cli.target import announced_settings, fund_to_command, operator
from hedge_pipeline.composition import open_store, purpose_of


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy the state store to FILE, as it stands now, while everything goes on.

    FILE is one SQLite file, also of a store on Postgres, readable by its owner alone. It holds the memory of the fund and
    no secret. Restored, it does not act until somebody takes it over.
    """
    from hedge_pipeline.adapters.state_store.backup import back_up

    settings = announced_settings()
    store = open_store(settings, create=False, read_only=True)
    with click.progressbar(length=1000, label="copying", file=sys.stderr) as bar:
        copied = back_up(
            store,
            file.absolute(),
            at=SystemClock().now(),
            told=lambda done: bar.update(round(1000 * done) - bar.pos),
        )
    store.close()
    click.echo(f"{copied.file} is a whole and consistent copy of store {copied.store_id}")
    click.echo(
        words.table([[table, f"{rows:,} rows"] for table, rows in copied.rows.items() if rows], numbers=(1,))
    )
    if settings.history_folder.exists():
        click.echo(
            f"closed days lie in {settings.history_folder} and are not in it: copy that folder too; its files never change"
        )


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Keep the store that is there aside, under another name.")
def restore(file: Path, replace: bool) -> None:  # noqa: FBT001 - click passes flags by name
    """Put the backup FILE in place as the state store. It may be read, and does not act: `hedge take-over`.

    FILE stays as it is. A store that is in use by some process is not replaced.
    """
    from hedge_pipeline.adapters.state_store.restoring import restore as put_back

    settings = announced_settings()
    restored = put_back(
        file.absolute(),
        settings.state_url.get_secret_value(),
        purpose=purpose_of(settings),
        replace_at=SystemClock().now() if replace else None,
    )
    if restored.aside is not None:
        click.echo(f"the store that was there is {restored.aside}")
    click.echo(
        f"{restored.file} is a copy of store {restored.store_id}, made at {words.instant(restored.copied_at)}"
    )
    click.echo(
        "HALTED: see that the original has stopped for good, then `hedge take-over`, then `hedge rearm`"
    )


@click.command("take-over")
@click.option(
    "--writer",
    help="Let this store write the documents of a store that is lost: its id, as they carry it.",
)
@signed
def take_over(writer: str | None, actor: str | None, reason: str) -> None:
    """Let a restored copy act, under an id of its own. It stays HALTED until somebody re-arms.

    Only when the original has stopped for good: two stores of one past would be two traders.
    """
    taken = operations.take_over(fund_to_command(), actor=actor or operator(), reason=reason, writer=writer)
    click.echo(f"store {taken.store_id} takes over what store {taken.writer} wrote")
    if writer is None:
        click.echo("HALTED until it has been reviewed: hedge rearm --reason WHY")
