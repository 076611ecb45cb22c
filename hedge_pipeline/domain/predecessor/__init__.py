"""What the predecessor left behind: its files as it wrote them, and what of them may be believed."""
