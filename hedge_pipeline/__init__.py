"""Values a crypto fund, knows when it does not know, and trades only when it does."""
