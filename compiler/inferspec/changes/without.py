"""What a key of the spec decides: the platform as it is beside the platform without that key, or with another value of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import ValidationError

from ..check import check
from ..diagnostics import Severity, SpecPath
from ..load import Document
from ..model.platform import Platform
from ..plan.dns import dns_variables
from ..plan.fleet import plan
from ..plan.objects import FleetPlan
from ..plan.terraform import variables
from ..resolve.fleet import Fleet
from . import ADDED, CHANGED, DNS, TERRAFORM, Change, Difference, changes, differing


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


def following(planned: FleetPlan, fleet: Fleet, document: Document, path: SpecPath, others: Iterable[Any]) -> list[Change]:
    """Terraform variables that are otherwise with the first of ``others`` that the key takes; without it where it takes one alone."""
    for root in [_with(document.root, path, value) for value in others] or [_without(document.root, path)]:
        try:
            other = Fleet(Platform.model_validate(root), fleet.catalogue)
            dns, told = dns_variables(other), {place.name: variables(other, place) for place in other.places}
        except Exception:  # nothing is known of a platform that nobody checked
            continue
        found: dict[tuple[Difference, ...], Change] = {}
        for cluster in planned.clusters:
            differences = tuple(differing(told.get(cluster.name, {}), cluster.terraform)) if cluster.terraform else ()
            if differences:
                found.setdefault(differences, Change(CHANGED, TERRAFORM, differences)).clusters.append(cluster.name)
        records = tuple(differing(dns, planned.dns))
        return [*found.values(), *([Change(CHANGED, DNS, records)] if records else [])]
    return []


def _without(node: Any, path: SpecPath) -> Any:
    """A copy along the path, without its end; places of what is left are not kept."""
    step, rest = path[0], path[1:]
    if isinstance(node, dict):
        return {key: _without(value, rest) if key == step else value for key, value in node.items() if key != step or rest}
    return [_without(item, rest) if i == step else item for i, item in enumerate(node) if i != step or rest]


def _with(node: Any, path: SpecPath, value: Any) -> Any:
    """A copy along the path, with another value at its end."""
    if not path:
        return value
    held = node.items() if isinstance(node, dict) else enumerate(node)
    copied = {key: _with(item, path[1:], value) if key == path[0] else item for key, item in held}
    return copied if isinstance(node, dict) else list(copied.values())
