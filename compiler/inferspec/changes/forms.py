"""Changes as text, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from . import ADDED, CHANGED, REMOVED, Change, Changes, Difference

SIGNS = {ADDED: "+", REMOVED: "-", CHANGED: "~"}
LONGEST = 100
"""Characters of a value that are shown of one that changed within."""


def text(found: Changes) -> str:
    lines = [line for change in found.changes for line in _change(change)]
    return "\n".join([*lines, *([""] if lines else []), *_summary(found)]) + "\n"


def _change(change: Change) -> Iterator[str]:
    where = f"  in {', '.join(change.clusters)}" if change.clusters else ""
    yield f"{SIGNS[change.what]} {change.subject}{where}{': its Pods are replaced' if change.rolls else ''}"
    for difference in change.differences:
        because = f"    {', '.join(difference.because)}" if difference.because else ""
        yield f"    {difference.path}: {_values(difference)}{because}"


def _values(difference: Difference) -> str:
    before, after = difference.before, difference.after
    if before is None or after is None:
        return f"{'+' if before is None else '-'} {_shown(after if before is None else before)}"
    if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) > LONGEST:
        return "\n" + "\n".join(f"      {line}" for line in _lines(before, after))
    return f"{_shown(before)} -> {_shown(after)}"


def _lines(before: str, after: str) -> Iterator[str]:
    """Of a text of several lines what differs, as diff has it; of one long line both, cut where they are alike."""
    import difflib

    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0):
        if not line.startswith(("---", "+++", "@@")):
            yield f"{line[0]} {line[1:]}" if len(line) <= 3 * LONGEST else f"{line[0]} {line[1 : 3 * LONGEST]}…"


def _shown(value: Any) -> str:
    told = json.dumps(value, ensure_ascii=False)
    return told if len(told) <= LONGEST else f"{told[: LONGEST - 2]}…{told[-1]}"


def _summary(found: Changes) -> Iterator[str]:
    if not found:
        yield "nothing changes"
        return
    counts = {what: sum(1 for change in found.changes if change.what == what) for what in SIGNS}
    clusters = {name for change in found.changes for name in change.clusters}
    parts = ", ".join(f"{counts[what]} {what}" for what in (ADDED, CHANGED, REMOVED) if counts[what])
    yield f"{parts}, in {len(clusters)} {'cluster' if len(clusters) == 1 else 'clusters'}"
    rolled = [change.subject for change in found.changes if change.rolls]
    if rolled:
        yield f"Pods are replaced of {', '.join(dict.fromkeys(rolled))}"
    for accelerator, (before, after) in found.chips.items():
        yield f"chips at most: {accelerator} {before:,} -> {after:,}"


def markdown(found: Changes) -> str:
    """For a comment on a pull request: the account first, the objects folded."""
    summary = "\n".join(f"- {line}" for line in _summary(found))
    if not found:
        return summary + "\n"
    body = "\n".join(line for change in found.changes for line in _change(change))
    fence = "````" if "```" in body else "```"
    return f"{summary}\n\n<details><summary>objects and fields</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>\n"


def plain(found: Changes) -> dict[str, Any]:
    """JSON's own types; ``version`` changes where a reader would break."""
    return {
        "version": 1,
        "changes": [
            {
                "change": change.what,
                "object": change.subject,
                "clusters": change.clusters,
                "replacesPods": change.rolls,
                "fields": [
                    {"path": d.path, "before": d.before, "after": d.after, "because": list(d.because)} for d in change.differences
                ],
            }
            for change in found.changes
        ],
        "chips": {name: {"before": before, "after": after} for name, (before, after) in found.chips.items()},
    }
