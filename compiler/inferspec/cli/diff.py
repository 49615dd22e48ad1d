"""``inferspec diff``: what the spec as it stands changes in every cluster, against a commit."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from ..changes import changes
from ..changes.forms import markdown, plain, text
from ..outcome import Outcome, Request
from ..pipeline import compile
from ..tools.git import NoSuchCommit, checkout, commit
from . import NO_INPUT, STALE
from .session import known, note, refused, request
from .stop import Stop


def run(options: Namespace) -> int:
    options.output, options.fail_on = None, "error"
    asked = request(options)
    try:
        ref = commit(asked.root, options.ref)
    except NoSuchCommit as problem:
        raise Stop(NO_INPUT, f"{problem}; name a commit, a branch or a tag") from None
    outcome = compile(asked)
    if outcome.failed or outcome.plan is None or outcome.fleet is None:
        return refused(options, outcome)
    known("cluster", options.only, [cluster.name for cluster in outcome.plan.clusters])
    before = _before(asked, ref)
    assert before.plan is not None and before.fleet is not None
    found = changes((before.plan, before.fleet), (outcome.plan, outcome.fleet))
    if options.only is not None:
        found = replace(found, changes=tuple(change for change in found.changes if options.only in change.clusters))
    if options.format == "json":
        print(json.dumps({"spec": str(asked.spec), "commit": ref, **plain(found)}, indent=2, ensure_ascii=False))
    else:
        note(options, f"{asked.spec} against {options.ref} ({ref[:12]})")
        sys.stdout.write(markdown(found) if options.format == "markdown" else text(found))
    return STALE if found else 0


def _before(asked: Request, ref: str) -> Outcome:
    """The spec of the commit, by this version of the compiler: a change of the compiler is no change of the spec."""
    spec = Path(os.path.realpath(asked.spec)).relative_to(os.path.realpath(asked.root))
    with tempfile.TemporaryDirectory(prefix="inferspec-") as folder:
        root = Path(folder)
        checkout(asked.root, ref, root)
        if not (root / spec).is_file():
            raise Stop(NO_INPUT, f"commit {ref[:12]} has no {spec}: all of it is new")
        outcome = compile(replace(asked, spec=root / spec, root=root))
    if outcome.failed or outcome.plan is None:
        first = next((d for d in outcome.diagnostics if d.waiver is None and d.severity.value == "error"), None)
        said = f": {first.code}: {first.message}" if first is not None else ""
        raise Stop(NO_INPUT, f"{spec} of commit {ref[:12]} does not compile with this version{said}")
    return outcome
