"""Which fund a command is about: the settings of this environment, told before anything is changed."""

import os
import pwd

import click

from hedge_pipeline.composition import open_fund
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings import Settings, load_settings


def target(settings: Settings) -> str:
    """Profile × environment, account and home, in one line."""
    return f"{settings.profile} × {settings.env}   account {settings.fund.account}   {settings.home}"


def announced_settings() -> Settings:
    """Load the settings and print what they point at."""
    settings = load_settings()
    click.echo(target(settings))
    return settings


def fund_to_command() -> Fund:
    """The fund an order is about, its target printed."""
    return open_fund(announced_settings(), read_only=False)


def operator() -> str:
    """The operating system's name of whoever runs this.

    Raises:
        InvalidSettings: it has none.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise InvalidSettings("this user has no name here: give --actor") from None
