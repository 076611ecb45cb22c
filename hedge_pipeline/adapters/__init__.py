"""One outside system each, behind a port."""
