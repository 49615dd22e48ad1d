"""``inferspec trace``: from a line of the spec to every field it made."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict
from typing import Any

from ..diagnostics import SpecPath, format_path, parse_path
from ..pipeline import compile
from ..plan.provenance import fields, spec_paths
from ..values import bind
from . import NO_INPUT, USAGE
from .keys import Keys, NoKey, did_you_mean, near
from .session import named, report, request
from .stop import Stop


def run(options: Namespace) -> int:
    options.format, options.output, options.fail_on = "text", None, "error"
    asked = request(options)
    try:
        wanted = Keys().at(parse_path(options.path.removeprefix("spec."))).path
    except ValueError as error:
        raise Stop(USAGE, str(error)) from None
    except NoKey as unknown:
        raise Stop(NO_INPUT, str(unknown)) from None
    outcome = compile(asked)
    if outcome.plan is None or outcome.document is None:
        return report(options, outcome) or 1
    made: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for cluster in outcome.plan.clusters:
        for field in fields(outcome.plan, cluster):
            if field.value is not None and any(p[: len(wanted)] == wanted for p in spec_paths(field.value.origin)):
                made[str(field.object.identity), field.pointer, repr(bind(field.value, cluster.facts))].append(cluster.name)
    if not made:
        raise Stop(NO_INPUT, _nothing(outcome.document.root, wanted))
    for (identity, pointer, value), clusters in made.items():
        print(f"{identity} {pointer} = {value}  [{named(clusters)}]")
    return 0


def _nothing(root: Any, wanted: SpecPath) -> str:
    """Why no field came of it: this spec does not hold it, or it only decides about other things."""
    node = root
    for i, step in enumerate(wanted):
        held = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        if step not in held:
            alike = near(str(step), [str(key) for key in held])
            meant = [format_path((*wanted[:i], key, *wanted[i + 1 :])) for key in alike] if isinstance(node, dict) else []
            return f"this spec does not have {format_path(wanted[: i + 1])}, so it made no field{did_you_mean(meant)}"
        node = node[step]
    return f"{format_path(wanted)} made no field: it stands in no object as it is"
