"""One thing looked at, as one line, and below it what to do if it is not well."""

from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing looked at."""

    name: str
    told: str
    remedy: str | None = None
    """What to do; ``None``: all is well."""

    def __str__(self) -> str:
        if self.remedy is None:
            return f"{click.style('ok  ', fg='green')}  {self.name:<14} {self.told}"
        return f"{click.style('FAIL', fg='red')}  {self.name:<14} {self.told}\n{'':<21}to do: {self.remedy}"
