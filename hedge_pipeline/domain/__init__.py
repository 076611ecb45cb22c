"""What the fund is worth and whether it may trade: pure functions on frozen values.

No framework, driver, clock, environment or log in here; every instant is handed in.
"""
