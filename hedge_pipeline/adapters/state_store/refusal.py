"""A value that may not be stored, and the path of the field that holds it."""

from typing import Self


class RefusedValueError(ValueError):
    """Raised while a row is encoded or decoded; outside the store it is ``InvalidState``."""

    def __init__(self, reason: str, *path: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def within(self, name: str) -> Self:
        """The same refusal, seen from one level further out."""
        return type(self)(self.reason, name, *self.path)

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.reason}" if self.path else self.reason
