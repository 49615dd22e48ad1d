"""Each object of a plan by itself: its schema with CEL rules, and what the API server would refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..diagnostics import Diagnostic, SpecPath
from ..load import Document
from ..plan.objects import ClusterPlan, Holder, Object, Objects, Skeleton
from ..plan.provenance import path_of
from ..tools import versions
from ..tools.objects import ObjectCheck, folders
from ..tools.pinned import BIN
from .cache import Proofs
from .findings import Finding
from .kubernetes import check_object

Held = dict[str, tuple[Holder | ClusterPlan, Object]]
"""Objects by the digest of what their proof reads, each with a cluster that has it."""

MOST_TREES = 4_000
"""Objects whose manifests are held as plain data, about 5 kB each."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(eq=False)
class ObjectProver:
    """Takes objects as they are drawn; each distinct one is checked once, in a process beside this one."""

    document: Document
    crds: Sequence[Path] = ()
    known: Proofs = field(default_factory=lambda: Proofs(Path()))
    covered: set[str] = field(default_factory=set)
    listed: Held = field(default_factory=dict)
    _groups: set[int] = field(default_factory=set)
    _seen: set[int] = field(default_factory=set)
    _digests: dict[int, bytes] = field(default_factory=dict)
    _shapes: dict[Skeleton, str] = field(default_factory=dict)
    _facts: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _texts: dict[int, str] = field(default_factory=dict)
    _trees: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._checking = ObjectCheck(self.crds)

    def add(self, holder: Holder | ClusterPlan, objects: Objects) -> None:
        """Objects of a cluster, unless an earlier one had the same."""
        if id(objects) not in self._groups:
            self._groups.add(id(objects))
            self._add(holder, [obj for obj in objects if id(obj) not in self._seen])
            self._seen.update(map(id, objects))

    def add_own(self, cluster: ClusterPlan) -> None:
        """What is the cluster's own: RootSyncs, and objects that hold facts of it."""
        groups = (*cluster.facets.values(), *cluster.own.values())
        self._add(cluster, [*[obj for held in groups for obj in held if self._facts_of(obj)], *cluster.syncs])

    def _add(self, holder: Holder | ClusterPlan, objects: Sequence[Object]) -> None:
        new = {key: (holder, obj) for obj in objects if (key := self._key(holder, obj)) not in self.covered}
        self.covered |= new.keys()
        new = {key: held for key, held in new.items() if key not in self.known}
        self._checking.add([(str(i), self.text(*held)) for i, held in enumerate(new.values(), len(self.listed))])
        self.listed |= new

    def findings(self) -> Iterator[Diagnostic]:
        """On all that was added; one where a line of the spec makes the same fault in several objects."""
        listed = list(self.listed.values())
        found: dict[Any, list[Diagnostic]] = {}
        for fault in self._checking.findings():
            cluster, obj = listed[int(fault.id)]
            code = "SYNC115" if fault.reason == "unknown-kind" else "SYNC111"
            told = self.about(
                code,
                f"{obj.identity} in {cluster.name}: {fault.field or 'object'}: {fault.message}",
                obj,
                fault.pointer,
                help="a kind without a schema is not proven: give its CRD with --crds DIR" if code == "SYNC115" else "",
            )
            found.setdefault((code, told.path, fault.field, fault.message), []).append(told)
        for first, *others in found.values():
            more = (f"and in {others[0].object}{f' and {len(others) - 1} more' if others[1:] else ''}",) if others else ()
            yield replace(first, notes=(*first.notes, *more))
        for cluster, obj in listed:
            for finding in check_object(self.tree(cluster, obj)):
                yield self.refused(cluster, obj, finding)

    def close(self) -> None:
        self._checking.close()

    def text(self, cluster: Holder | ClusterPlan, obj: Object) -> str:
        """The object's manifest in a cluster, as JSON; most objects are the same in many clusters."""
        if self._facts_of(obj):
            return _encode(obj.tree(cluster.facts))
        if id(obj) not in self._texts:
            self._texts[id(obj)] = _encode(self.tree(cluster, obj))
        return self._texts[id(obj)]

    def tree(self, cluster: Holder | ClusterPlan, obj: Object) -> Any:
        """The same as plain data, which nobody may change."""
        if self._facts_of(obj):
            return obj.tree(cluster.facts)
        if id(obj) in self._trees:
            return self._trees[id(obj)]
        tree = obj.tree()
        if len(self._trees) < MOST_TREES:
            self._trees[id(obj)] = tree
        return tree

    def refused(self, cluster: Holder | ClusterPlan, obj: Object | None, finding: Finding) -> Diagnostic:
        return self.about("SYNC116", f"{finding.object} in {cluster.name}: {finding.message} ({finding.code})", obj, finding.field)

    def about(self, code: str, message: str, obj: Object | None, pointer: str, **more: Any) -> Diagnostic:
        path: SpecPath = (path_of(obj, pointer) or path_of(obj, "") if obj else None) or ("name",)
        if obj and not more.get("help"):
            more["help"] = f"'inferspec why {obj.identity.kind}/{obj.identity.name}' shows where each of its fields comes from"
        return Diagnostic(
            code, message, self.document.span(path), path=path, object=str(obj.identity) if obj else "", field=pointer, **more
        )

    @cached_property
    def decides(self) -> bytes:
        """Digest of what decides beside the objects: the tools, our own rules and the schemas, a user's own CRDs first."""
        package = Path(__file__).parent.parent
        plan = [f"plan/{name}.py" for name in ("objects", "reading", "scalars", "skeleton")]
        beside = [*plan, "names.py", "quantity.py", "values.py", "emit/strays.py", "tools/builds.py"]
        rules = [*sorted((package / "prove").glob("*.py")), *[package / name for name in beside]]
        schemas = [file for folder in (*self.crds, *folders()) for file in sorted(folder.rglob("*")) if file.is_file()]
        digest = sha256(repr(sorted(versions().items())).encode() + (BIN / "built.json").read_bytes())
        for file in (*rules, *schemas):
            digest.update(sha256(file.read_bytes()).digest())
        return digest.digest()

    def digest(self, obj: Object) -> bytes:
        """Of the object's manifest, cluster facts apart; most objects stand in many clusters."""
        if id(obj) not in self._digests:
            if obj.skeleton not in self._shapes:
                self._shapes[obj.skeleton] = repr(obj.skeleton.tree)
            told = f"{self._shapes[obj.skeleton]}{[(leaf.v, leaf.fact) for leaf in obj.leaves]!r}"
            self._digests[id(obj)] = sha256(told.encode("utf-8", "surrogatepass")).digest()
        return self._digests[id(obj)]

    def _facts_of(self, obj: Object) -> tuple[str, ...]:
        if id(obj) not in self._facts:
            self._facts[id(obj)] = tuple(sorted({leaf.fact for leaf in obj.leaves if leaf.fact is not None}))
        return self._facts[id(obj)]

    def _key(self, cluster: Holder | ClusterPlan, obj: Object) -> str:
        facts = self._facts_of(obj)
        bound = sha256(repr([(name, cluster.facts[name]) for name in facts]).encode("utf-8", "surrogatepass")).digest() if facts else b""
        return (self.decides + self.digest(obj) + bound).hex()
