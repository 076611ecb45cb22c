"""Settings: what a process is told from outside, typed and frozen, or refused with everything that is wrong.

A profile that ships with the package (``profiles/``) lies under a person's file (``HEDGE_CONFIG``, else ``hedge.toml`` in
the home directory); the environment selects both and brings the secrets. Figures are fractions, never percent. Nothing
is read at import.

To read: ``load`` (the order of things), ``model`` (what comes out), the sections (``fund``, ``risk``, ``venue``,
``prices``, ``strategy``), ``invariants`` (what must hold between them).
"""

from hedge_pipeline.settings.environment import Environment, Profile
from hedge_pipeline.settings.invariants import startup_invariants
from hedge_pipeline.settings.load import load_settings
from hedge_pipeline.settings.model import Settings

__all__ = ["Environment", "Profile", "Settings", "load_settings", "startup_invariants"]
