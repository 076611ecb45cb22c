"""Values a crypto fund, knows when it does not know, and trades only when it does.

Reading order: `domain.schemas` (what is stored), `domain.valuation` and `domain.wallet` (what the fund is worth),
`domain.drawdown`, `domain.risk_gate` (whether it may trade), `cycle` (one step after another), `ports` and `adapters` (the
outside), `defs` (how it runs), `cli` (how people ask).
"""
