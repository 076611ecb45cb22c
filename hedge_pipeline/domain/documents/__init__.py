"""What leaves for the public projection: one versioned schema per document, and each document as a function of the fund's view."""
