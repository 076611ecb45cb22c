"""The `hedge` command: look at the fund, value it once, serve it, order it about.

What only looks reads the store alone and works with everything stopped. What changes something prints its target first
and takes an actor and a reason. Errors are one line on stderr that says what to do; exit 1, or 2 for a wrong call.
"""

from typing import Any

import click

from hedge_pipeline.cli import (
    adopt,
    copies,
    data,
    dev,
    explain,
    flow,
    importing,
    local,
    orders,
    preflight,
    publish,
    run,
    sql,
    status,
)
from hedge_pipeline.domain.errors import HedgeError


class HedgeGroup(click.Group):
    """Turns what this project raises on purpose into a message."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HedgeError as error:
            raise click.ClickException(str(error)) from None


@click.group(
    cls=HedgeGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
def main() -> None:
    """Values a crypto fund, knows when it does not know, and trades only when it does."""


for command in (
    run.run,
    dev.dev,
    status.status,
    explain.explain,
    sql.sql,
    publish.publish,
    preflight.preflight,
    orders.halt,
    orders.rearm,
    orders.inception,
    orders.rebuild_peak,
    flow.flow,
    adopt.adopting,
    importing.import_,
    copies.backup,
    copies.restore,
    copies.take_over,
    data.data,
    local.local,
):
    main.add_command(command)

__all__ = ["main"]
