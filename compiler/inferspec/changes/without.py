"""What a key of the spec decides: the platform as it is beside the platform without that key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import ValidationError

from ..check import check
from ..diagnostics import Severity, SpecPath
from ..load import Document
from ..model.platform import Platform
from ..plan.fleet import plan
from ..plan.objects import FleetPlan
from ..resolve.fleet import Fleet
from . import ADDED, Change, changes


@dataclass(frozen=True, slots=True)
class Decided:
    """``path``: the key that was left out. ``objects``: there because of it; ``files``: the dashboards that are; ``others``: what is
    otherwise without it."""

    path: SpecPath
    objects: tuple[Change, ...]
    files: tuple[str, ...]
    others: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.objects or self.files or self.others)


def decided(planned: FleetPlan, fleet: Fleet, document: Document, today: date, path: SpecPath) -> Decided | None:
    """None where the spec needs the key: without it there is no platform to compare with."""
    try:
        platform = Platform.model_validate(_without(document.root, path))
    except ValidationError:
        return None
    bare = Fleet(platform, fleet.catalogue)
    try:
        _, found = check(bare, replace(document, root=_without(document.root, path)), today)
        if any(d.severity is Severity.ERROR for d in found):
            return None
        other, problems = plan(bare)
    except Exception:  # a question about a sound spec has an answer, whatever is amiss with one that nobody wrote
        return None
    if problems:
        return None
    all_of_them = changes((other, bare), (planned, fleet)).changes
    return Decided(
        path,
        tuple(change for change in all_of_them if change.what == ADDED),
        tuple(name for name in planned.dashboards if name not in other.dashboards),
        tuple(change for change in all_of_them if change.what != ADDED),
    )


def _without(node: Any, path: SpecPath) -> Any:
    """A copy along the path, without its end; places of what is left are not kept."""
    step, rest = path[0], path[1:]
    if isinstance(node, dict):
        return {key: _without(value, rest) if key == step else value for key, value in node.items() if key != step or rest}
    return [_without(item, rest) if i == step else item for i, item in enumerate(node) if i != step or rest]
