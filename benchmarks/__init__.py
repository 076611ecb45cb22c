"""Measurements with a budget, one file per question; `make bench` runs them all."""
