"""Trading as rows: what was read, wanted, withheld, sent and answered, and what the exits cover.

Each module names one step's facts; together they answer why an order was sent or not, with nothing kept in memory.
"""
