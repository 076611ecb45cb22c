"""Documents on their way out: what was sent, what became of it, and the counts so far."""
