"""Tests of hedge_pipeline, in the same tree as the package they test."""
