"""Dagster, thin: an asset and its checks in one file per noun; then jobs, schedules and sensors."""
