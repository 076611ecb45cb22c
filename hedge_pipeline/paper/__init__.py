"""The paper venue: a small exchange of our own, spoken to over the wire like the real one.

A deterministic `Decimal` core with an injected clock stands behind an HTTP server on loopback that speaks the reading
side of Binance USD-M REST, of the spot price ticker and of a price provider, so that the real client talks to it.

Reading order: `instruments`, `ledger`, `positions`, `margin` (what an account is worth to the venue); `player`, `synthetic`,
`recording`, `recorded`, `market` (where prices come from); `core` (what may happen), `seed` and `world` (how it begins),
`state` (what it remembers); `requests`, `market_data`, `futures`, `prices` (how it is written); `weights`, `faults`, `venue`,
`server` (how it is asked); `admin` and `control` (how it is driven from outside).
"""
