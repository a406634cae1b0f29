"""How long work tells a face how far it is, without knowing any face."""

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Say that ``done`` of ``total`` (None: unknown) units of ``what`` are finished."""


def silent(done: int, total: int | None, what: str) -> None:
    """Report to nobody."""
