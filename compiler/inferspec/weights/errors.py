"""Why a publication ends early, and with which exit code."""

from __future__ import annotations

INCOMPLETE, USAGE, NO_INPUT, ENVIRONMENT = 1, 2, 3, 4
"""What stands there is not the model; the order is wrong; there is no such source; network, credentials or disk."""


class Refusal(Exception):
    """It cannot go on, and another attempt alone changes nothing. ``code`` is the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Interrupted(Exception):
    """Somebody asked us to stop; the next run continues."""
