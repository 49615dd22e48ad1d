"""How a tree on disk differs from the one that the spec makes, for ``compile --check`` and ``verify``."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import Self

from ..emit.write import Refusal, WriteResult
from .session import note

BY_HAND = "was edited by hand"
DAMAGED = "is damaged"


@dataclass(frozen=True, slots=True)
class Stale:
    """``files`` are (mark, path, remark); ``edited`` of them are ours and were changed by somebody else."""

    planned: WriteResult
    files: list[tuple[str, str, str]]
    edited: int

    @classmethod
    def of(cls, planned: WriteResult, made: object) -> Self:
        """``planned`` without force; ``made`` has the paths of the new tree."""
        refused = {refusal.path: refusal.reason.partition(";")[0].removeprefix("was ").removeprefix("is ") for refusal in planned.refused}
        marked = (("+", planned.created), ("~", planned.changed), ("-", planned.deleted))
        files = [(mark, path, "") for mark, paths in marked for path in paths if path not in refused]
        files += [("~" if path in made else "-", path, reason) for path, reason in refused.items()]  # type: ignore[operator]
        return cls(planned, files, sum(map(was_ours, planned.refused)))

    def print(self, options: Namespace, clusters: list[str], most: int | None = None) -> None:
        """``+`` new, ``~`` changed, ``-`` no longer made; only those of ``clusters`` if there are any."""
        shown = [file for file in self.files if not clusters or (file[1].count("/") > 3 and file[1].split("/")[3] in clusters)]
        for mark, path, remark in shown[:most]:
            note(options, f"{mark} {path}{f' ({remark})' if remark else ''}")
        if most is not None and len(shown) > most:
            note(options, f"and {len(shown) - most} more; 'inferspec compile --check' lists them all")

    def way_out(self) -> str:
        if len(self.planned.refused) > self.edited:
            return "'inferspec compile' says what stands in its way"
        if not self.edited:
            return "'inferspec compile' writes it"
        return "'git diff PATH' shows what was edited by hand, 'inferspec compile --force' overwrites it"


def was_ours(refusal: Refusal) -> bool:
    """A file that the compiler wrote and that is no longer as it was: stale, where nothing is to be written."""
    return refusal.reason.startswith((BY_HAND, DAMAGED))
