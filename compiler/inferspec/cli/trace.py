"""``inferspec trace``: from a line of the spec to every field it made."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict

from ..diagnostics import format_path, parse_path
from ..pipeline import compile
from ..plan.provenance import fields, spec_paths
from ..values import bind
from . import NO_INPUT, USAGE
from .session import report, request
from .stop import Stop


def run(options: Namespace) -> int:
    options.format, options.output, options.fail_on = "text", None, "error"
    try:
        wanted = parse_path(options.path)
    except ValueError as error:
        raise Stop(USAGE, str(error)) from None
    outcome = compile(request(options))
    if outcome.plan is None:
        return report(options, outcome) or 1
    made: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for cluster in outcome.plan.clusters:
        for field in fields(outcome.plan, cluster):
            if field.value is not None and any(p[: len(wanted)] == wanted for p in spec_paths(field.value.origin)):
                made[str(field.object.identity), field.pointer, repr(bind(field.value, cluster.facts))].append(cluster.name)
    if not made:
        raise Stop(NO_INPUT, f"{format_path(wanted)} made no field")
    for (identity, pointer, value), clusters in made.items():
        held = ", ".join(clusters[:3]) + (f" and {len(clusters) - 3} more" if len(clusters) > 3 else "")
        print(f"{identity} {pointer} = {value}  [{held}]")
    return 0
