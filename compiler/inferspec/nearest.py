"""Did you mean: the names that look like one that is not there. A spec may hold thousands of both, so a run does only so much of it."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 100
"""Characters of a name that is compared: what is longer is no slip of the finger."""
WORK = 5_000_000
"""Characters compared with characters in a run, a second at most: 30,000 pairs of names of a dozen letters."""


class _Run:
    left = WORK


def restart() -> None:
    """A run begins: it may look for what was meant again."""
    _Run.left = WORK


def nearest(word: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Those of ``known`` that look like ``word``, the nearest first; none once the run has looked for long enough."""
    held = list(known)
    _Run.left -= _work(word, held)
    return closest(word, held, most, cutoff) if _Run.left >= 0 else []


def closest(word: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """The same for a question that is asked once, whatever the run did before."""
    held = [name for name in known if len(name) <= LONGEST]
    if len(word) > LONGEST or _work(word, held) > WORK:
        return []
    import difflib

    return difflib.get_close_matches(word, held, most, cutoff)


def _work(word: str, known: list[str]) -> int:
    return min(len(word), LONGEST) * sum(min(len(name), LONGEST) for name in known) if word else 0
