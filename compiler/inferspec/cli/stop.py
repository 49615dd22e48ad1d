"""Ending a command early."""

from __future__ import annotations


class Stop(Exception):
    """The command ends with this code; the reason was printed."""

    def __init__(self, code: int, message: str) -> None:
        from ..report.masking import clean  # late: few commands end so

        super().__init__("\n".join(clean(line) for line in message.split("\n")))
        self.code = code
