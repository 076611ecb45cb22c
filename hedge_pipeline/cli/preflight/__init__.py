"""`hedge preflight`: everything a valuation and its publication stand on, looked at one by one, each fault with its remedy."""

from hedge_pipeline.cli.preflight.command import preflight

__all__ = ["preflight"]
