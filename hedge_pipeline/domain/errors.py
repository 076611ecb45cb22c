"""Every error of the project, by the reaction it asks for.

HedgeError
├── InvalidSettings      a person corrects the named key, then starts again
├── InvalidState         stored or given state contradicts itself: a person looks
├── SourceUnavailable    a read failed and had no effect: record it, try next cycle
│   └── SourceMalformed  an answer arrived and cannot be believed: record it, try next cycle
├── ConcurrentAppend     somebody else advanced the same chain first: read again, redo
├── StoreUnavailable     the state store cannot be read or written: stop, the gate is closed
└── CommandRefused       an operator's command may not run now: tell why and what would allow it
"""


class HedgeError(Exception):
    """Root of what this project raises on purpose. Texts never carry secrets."""


class InvalidSettings(HedgeError):
    """Configuration that must not start: names the key, the value's fault and the remedy."""


class InvalidState(HedgeError):
    """A value that contradicts an invariant; never repaired silently."""


class SourceUnavailable(HedgeError):
    """An outside source did not answer: timeout, refusal, rate limit, server error."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class SourceMalformed(SourceUnavailable):
    """An outside source answered with something that cannot be believed."""


class ConcurrentAppend(HedgeError):
    """The chain's next ordinal is taken: another process appended first."""


class StoreUnavailable(HedgeError):
    """The state store is locked, full, absent or at another migration level."""


class CommandRefused(HedgeError):
    """An operator's command was understood and may not run now."""
