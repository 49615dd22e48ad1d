"""Ending a command early."""

from __future__ import annotations


class Stop(Exception):
    """The command ends with this code; the reason was printed."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
