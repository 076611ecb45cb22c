"""The levels, in order."""
