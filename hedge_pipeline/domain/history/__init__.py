"""What is kept of a day once it is over: its minutes, its roll-up, the path of its drawdown."""
