"""``inferspec compile``: check, prove what is about to be written, write all of it or nothing."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from collections.abc import Iterable
from shlex import quote

from ..diagnostics import Diagnostic, Severity, Span
from ..emit.write import Planned, Refusal, WriteError, WriteResult, removed
from ..load.read import read_source
from ..outcome import Outcome, Request
from ..pipeline import compile
from ..plan.objects import Identity
from ..tools.live import uninterrupted
from . import STALE, USAGE
from .keys import did_you_mean, near
from .proving import EarlyProof, found_strays
from .session import count, note, report, request
from .stale import BY_HAND, Stale, was_ours
from .stop import Stop


def run(options: Namespace) -> int:
    if options.only and not options.check:
        raise Stop(USAGE, "--only chooses what --check shows, and a compile writes everything: give --check too")
    asked = request(options)
    with _Proving(options, asked) as proving:
        outcome = compile(asked, proving)
        code = report(options, outcome)
        if outcome.failed or outcome.tree is None:
            return max(code, 1)
        if options.check:
            return _checked(options, Stale.of(proving.planned.result, outcome.tree), code)
        with uninterrupted():
            written = proving.planned.write()
        if written.refused:  # an interrupted run was finished first, and somebody has edited what it left
            raise WriteError(f"{written.refused[0].path} {written.refused[0].reason}; nothing else was changed, run again")
        _summary(options, outcome, written)
    return code


class _Proving(EarlyProof):
    """Of a tree that is to be written."""

    def __init__(self, options: Namespace, asked: Request) -> None:
        super().__init__(asked)
        self._options = options

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if hasattr(self, "planned"):
            self.planned.drop()

    def prove(self, outcome: Outcome) -> list[Diagnostic]:
        assert self.prover is not None and outcome.plan is not None and outcome.tree is not None
        _known(outcome, self._options.only)
        self.planned = Planned(outcome.tree, self.asked.root, force=self._options.force)
        written = self.planned.result
        found = [
            *found_strays(outcome, self.asked, written),
            *_refusals(outcome, self.asked, written, writing=not self._options.check),
            *_removals(outcome, self.asked, written),
        ]
        if not self._options.check and not any(d.severity is Severity.ERROR for d in found):
            self.planned.stage()
        return found + self.prover.prove(outcome.plan, outcome.tree, changed=changed_clusters(outcome, written))


def changed_clusters(outcome: Outcome, planned: WriteResult) -> set[str]:
    """Clusters with a file that is new or differs."""
    touched = {path.split("/")[3] for path in (*planned.created, *planned.changed) if path.count("/") > 3}
    # Whatever changes in the management overlay changes its cluster's lock.
    return {c.name for c in outcome.plan.clusters if c.name in touched} if outcome.plan else set()


def _known(outcome: Outcome, clusters: Iterable[str]) -> None:
    held = [cluster.name for cluster in outcome.plan.clusters] if outcome.plan else []
    for name in clusters:
        if name not in held:
            raise Stop(USAGE, f"--only {name}: there is no such cluster{did_you_mean(near(name, held))}")


def _refusals(outcome: Outcome, asked: Request, planned: WriteResult, *, writing: bool) -> list[Diagnostic]:
    """Files that may not be written. Where nothing is to be written, a file of ours that was edited is stale, no more."""
    refused = [refusal for refusal in planned.refused if writing or not was_ours(refusal)]
    for refusal in refused:
        text = read_source(asked.root / refusal.path, asked.root)[0].text
        if text is not None:
            outcome.texts[refusal.path] = text
    return [
        Diagnostic("SYNC106", f"{refusal.path}: {refusal.reason.partition(';')[0]}", Span(refusal.path, 1, 1), help=_way_out(refusal))
        for refusal in refused
    ]


def _way_out(refusal: Refusal) -> str:
    if refusal.reason.startswith(BY_HAND):
        return f"'git diff {quote(refusal.path)}' shows the change: put it into the spec, then overwrite the file with --force"
    if was_ours(refusal):
        return f"'git diff {quote(refusal.path)}' shows what became of it; --force makes it anew"
    if refusal.reason in ("was not made by inferspec", "is a symbolic link"):
        return "move it away, or overwrite it with --force"
    return "move away what stands there: --force does not overwrite it"


def _removals(outcome: Outcome, asked: Request, planned: WriteResult) -> list[Diagnostic]:
    """Config Sync prunes what disappears: more than the budget, or anything precious, has to be acknowledged."""
    from ..resolve.facts import deletion_budget

    assert outcome.fleet is not None and outcome.tree is not None and outcome.document is not None
    platform = outcome.fleet.platform
    gone = removed(planned, outcome.tree, asked.root, platform.name)
    unused = _unused(outcome, {str(identity) for _, identity in gone})
    meant = {entry.object for entry in platform.delivery.deletions.acknowledge}
    left = [(cluster, identity) for cluster, identity in gone if str(identity) not in meant]
    precious = [(c, i) for c, i in left if _is_precious(i)]
    budget = deletion_budget(outcome.fleet)
    if not precious and len(left) <= budget:
        return unused
    at = (
        ("delivery", "deletions")
        if platform.delivery.deletions.acknowledge or platform.delivery.deletions.budget is not None
        else ("delivery",)
    )
    shown = precious or left
    names = tuple(f"{cluster}: {identity}" for cluster, identity in shown[:10])
    more = (f"and {len(shown) - 10} more",) if len(shown) > 10 else ()
    what = f"{len(precious)} of them hold data or other objects" if precious else f"the budget is {budget}"
    return [
        *unused,
        Diagnostic(
            "SYNC103",
            f"{count(len(left), 'object')} would be deleted in {'its cluster' if len(left) == 1 else 'their clusters'}: {what}",
            outcome.document.span(at, key=True),
            path=at,
            notes=names + more,
            help=_agreeing(outcome, gone, budget),
        ),
    ]


def _is_precious(identity: Identity) -> bool:
    return identity.kind in PRECIOUS or identity.group.endswith(CONNECTOR_GROUPS)


def _agreeing(outcome: Outcome, gone: list[tuple[str, Identity]], budget: int) -> str:
    """The way out, with the whole of ``deletions`` as one line of YAML: a budget, and by name what is precious or acknowledged by now."""
    assert outcome.fleet is not None
    deletions = outcome.fleet.platform.delivery.deletions
    reasons = {entry.object: entry.reason for entry in deletions.acknowledge}
    names = dict.fromkeys(str(identity) for _, identity in gone if _is_precious(identity) or str(identity) in reasons)
    rest = sum(str(identity) not in names for _, identity in gone)
    entries = [f"{{object: {_text(name)}, reason: {json.dumps(reasons.get(name, '...'), ensure_ascii=False)}}}" for name in names]
    said = [f"budget: {max(rest, budget)}"] if rest > budget or deletions.budget is not None else []
    said += [f"acknowledge: [{', '.join(entries)}]"] if entries else []
    after = ", and the budget as before once they are gone" if rest > budget else ""
    return f"if that is meant, write under delivery, with your reasons{after}: deletions: {{{', '.join(said)}}}"


def _text(text: str) -> str:
    return text if re.fullmatch(r"[\w ./-]+", text) else json.dumps(text)


def _unused(outcome: Outcome, gone: set[str]) -> list[Diagnostic]:
    """Acknowledged removals of nothing.

    Where the tree is written nothing is left to remove, and the entry has done its work: that alone is no more than an info.
    """
    assert outcome.fleet is not None and outcome.document is not None
    entries = [(i, e.object) for i, e in enumerate(outcome.fleet.platform.delivery.deletions.acknowledge) if e.object not in gone]
    made = _made(outcome) if entries else set()
    found = []
    for i, name in entries:
        at = ("delivery", "deletions", "acknowledge", i, "object")
        alike = _alike(name, gone | made) if name not in made else []
        because = "the spec still makes it" if name in made else "this compile removes other objects" if gone else "nothing is removed"
        found.append(
            Diagnostic(
                "SYNC107",
                f"{name} is acknowledged as deleted, and no such object is: {because}",
                outcome.document.span(at),
                Severity.WARNING if gone or name in made or alike else Severity.INFO,
                path=at,
                help=f"did you mean '{alike[0]}'?" if alike else "remove the entry: it would let a later removal through unseen",
            )
        )
    return found


def _alike(identity: str, known: set[str]) -> list[str]:
    """An object of the same kind with a similar name."""
    kind, _, name = identity.partition(" ")
    return [f"{kind} {found}" for found in near(name, [k.partition(" ")[2] for k in known if k.partition(" ")[0] == kind], 1)]


def _made(outcome: Outcome) -> set[str]:
    """Every object that the spec makes anywhere."""
    assert outcome.plan is not None
    groups = [held for c in outcome.plan.clusters for held in (*c.facets.values(), *c.own.values(), c.syncs)]
    return {str(obj.identity) for held in {id(held): held for held in groups}.values() for obj in held}


PRECIOUS = frozenset({"Namespace", "PersistentVolumeClaim", "PersistentVolume", "ComputeClass", "StorageClass", "CustomResourceDefinition"})
"""Kinds whose removal takes more with it than one object."""
CONNECTOR_GROUPS = ".cnrm.cloud.google.com"
"""End of the API groups of Config Connector: each object of them is a cloud resource."""


def _checked(options: Namespace, stale: Stale, code: int) -> int:
    planned = stale.planned
    if not planned.stale:
        note(options, f"the tree is current: {count(len(planned.unchanged), 'file')}")
        return code
    stale.print(options, options.only)
    edited = f", {stale.edited} edited by hand" if stale.edited else ""
    note(options, f"the tree is stale: {_counts(planned)}{edited}; {stale.way_out()}")
    return code or STALE


def _counts(result: WriteResult) -> str:
    return f"{len(result.created)} new, {len(result.changed)} changed, {len(result.deleted)} deleted, {len(result.unchanged)} unchanged"


def _summary(options: Namespace, outcome: Outcome, written: WriteResult) -> None:
    assert outcome.plan is not None and outcome.proof is not None
    proof = outcome.proof
    note(
        options,
        f"{outcome.plan.platform}: {count(len(outcome.plan.clusters), 'cluster')}, {_counts(written)} files; "
        f"{count(proof.objects, 'object')} checked, {count(len(proof.built), 'overlay')} built ({len(proof.known)} proven before)",
    )
