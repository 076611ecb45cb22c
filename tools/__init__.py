"""What the Makefile calls: checks and reports about the project, none of it needed to run the fund."""
