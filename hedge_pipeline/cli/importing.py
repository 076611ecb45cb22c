"""`hedge import`: what a predecessor left behind, shown key by key, and taken over when somebody says so."""

import sys
from pathlib import Path

import click

from hedge_pipeline.adapters import predecessor_files
from hedge_pipeline.cli import words
from hedge_pipeline.cli.target import announced_settings, operator
from hedge_pipeline.composition import open_fund
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.predecessor import limits
from hedge_pipeline.domain.predecessor.documents import Found
from hedge_pipeline.domain.predecessor.limits import LimitFound
from hedge_pipeline.operations.importing import ImportPlan, apply_import, plan_import
from hedge_pipeline.settings import Settings


@click.command("import")
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--firestore", is_flag=True, help="Look at the predecessor's published documents too.")
@click.option(
    "--percent",
    multiple=True,
    metavar="KEY",
    help="This limit is percent, as its code read it: 0.1 is 0.001.",
)
@click.option(
    "--fraction",
    multiple=True,
    metavar="KEY",
    help="This limit is a fraction, as its file meant it: 0.1 is 0.1.",
)
@click.option(
    "--replace", is_flag=True, help="Holdings files that say something else give way, and are kept beside."
)
@click.option("--apply", is_flag=True, help="Do it. Without it, only what would be done is shown.")
@click.option("--actor", help="Who orders it; the operating system's user unless given.")
@click.option("--reason", help="Why; it is kept with the order. Needed with --apply.")
def import_(
    paths: tuple[Path, ...],
    firestore: bool,  # noqa: FBT001 - click passes flags by name
    percent: tuple[str, ...],
    fraction: tuple[str, ...],
    replace: bool,  # noqa: FBT001
    apply: bool,  # noqa: FBT001
    actor: str | None,
    reason: str | None,
) -> None:
    """Take over a predecessor: its files, by name or by folder, and its Firestore documents.

    nav_log.json, nav_confirmed.json and peak_state.json become sources of the high-water mark, with their own stamps.
    reserves.json and treasury.json become our holdings files, risk_limits.json our settings: each figure is shown as it
    was written, as the code read it and as it would be here. Documents are archived before ours may take their place.
    """
    if not paths and not firestore:
        raise click.UsageError("name files or a folder of the predecessor, or give --firestore")
    if apply and reason is None:
        raise click.UsageError("--reason is missing; only a plan needs none")
    settings = announced_settings()
    fund = open_fund(settings, read_only=not apply)
    files = predecessor_files.read(paths)
    plan = _plan(fund, settings, files, percent, fraction, firestore=firestore)
    if apply and plan.undecided and sys.stdin.isatty():
        chosen = {limit.key: _asked(limit) for limit in plan.undecided}
        percent += tuple(key for key, unit in chosen.items() if unit == "percent")
        fraction += tuple(key for key, unit in chosen.items() if unit == "fraction")
        plan = _plan(fund, settings, files, percent, fraction, firestore=firestore)
    _show(plan, fund)
    if not apply or reason is None:
        click.echo("nothing was changed; --apply --reason WHY does it")
        return
    done = apply_import(fund, plan, actor=actor or operator(), reason=reason, replace=replace)
    for line in done:
        click.echo(f"done: {line}")
    if not done:
        click.echo("nothing to do: all of it is there")


def _plan(
    fund: Fund,
    settings: Settings,
    files: tuple[predecessor_files.PredecessorFile, ...],
    percent: tuple[str, ...],
    fraction: tuple[str, ...],
    *,
    firestore: bool,
) -> ImportPlan:
    return plan_import(
        fund,
        files,
        folder=settings.holdings_folder,
        settings_file=settings.config_file or settings.home / "hedge.toml",
        symbols=settings.venue.symbols if firestore else None,
        percent=percent,
        fraction=fraction,
    )


def _asked(limit: LimitFound) -> str:
    """Percent or fraction, by whoever sits there."""
    as_percent, as_fraction = limit.ambiguous or ("", "")
    click.echo(f"{limit.key} = {limit.value}: {limit.note}")
    choice: str = click.prompt(
        f"percent ({as_percent}) or fraction ({as_fraction})", type=click.Choice(["percent", "fraction"])
    )
    return choice


def _show(plan: ImportPlan, fund: Fund) -> None:
    for nav in plan.navs:
        seen = nav.told.navs
        span = f"{words.instant(seen[0].as_of)} to {words.instant(seen[-1].as_of)}" if seen else "nothing"
        click.echo(f"{nav.source}: {len(seen)} NAVs, {span}; {len(nav.new)} of them new")
        highest = max((max(one.nav, one.peak or one.nav) for one in seen), default=None)
        if highest is not None:
            click.echo(
                f"  highest {words.money(highest)} {fund.numeraire}, deposits included: `hedge rebuild-peak --plan` says"
                " what that is in NAV per unit"
            )
        for note in nav.told.notes:
            click.echo(f"  {note}")
    for found in plan.holdings:
        state = (
            "as it is already"
            if not found.changes
            else "new"
            if found.there is None
            else "DIFFERS from what is there"
        )
        click.echo(f"{found.plan.source} → {found.file}: {state}")
        rows = [[asset, words.quantity(held)] for asset, held in sorted(found.plan.quantities.items())]
        click.echo(words.table(rows, numbers=(1,)) if rows else "  it holds nothing")
        for asset in found.plan.routed:
            click.echo(
                f"  {asset} has no route of its own: spot {asset}USDT, as the predecessor priced it; look at it"
            )
    _show_limits(plan)
    _show_documents(plan)
    for note in plan.notes:
        click.echo(note)


def _show_limits(plan: ImportPlan) -> None:
    if not plan.limits:
        return
    rows = [["risk_limits.json", "says", "its code", "here"]]
    rows += [[limit.key, limit.value, limit.enforced, _here(limit)] for limit in plan.limits]
    click.echo(words.table(rows))
    for limit in plan.limits:
        if limit.note is not None:
            click.echo(f"  {limit.key}: {limit.note}")
    for limit in plan.undecided:
        click.echo(f"  {limit.key} waits for you: --percent {limit.key} or --fraction {limit.key}")
    settings = plan.settings
    if settings.missing and settings.is_there:
        click.echo(
            f"add to {settings.file}, which nothing but you writes:\n\n{limits.fragment(settings.missing)}"
        )
    elif settings.missing:
        click.echo(f"{settings.file} would be:\n\n{limits.settings_text(settings.missing)}")


def _here(limit: LimitFound) -> str:
    if limit.becomes is None:
        return "no setting"
    if limit.setting is None and limit.ambiguous is None:
        return limit.becomes
    told = f"{limit.becomes} = {limit.setting or '?'}"
    return told if limit.was_enforced else f"left to you: {told}"


def _show_documents(plan: ImportPlan) -> None:
    there = [found for found in plan.documents if found.found is not Found.ABSENT]
    if plan.documents:
        click.echo(
            f"Firestore: {len(there)} of the {len(plan.documents)} documents the predecessor wrote, "
            f"{len(plan.unversioned)} to be archived"
        )
    if there:
        click.echo(words.table([[found.path, found.found] for found in there]))
