"""Each object of a plan by itself: its schema with CEL rules, and what the API server would refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..diagnostics import Diagnostic, SpecPath
from ..load import Document
from ..plan.objects import ClusterPlan, Object, Skeleton
from ..plan.provenance import path_of
from ..tools import versions
from ..tools.objects import check_objects, folders, object_lines
from .findings import Finding
from .kubernetes import check_object

Held = dict[str, tuple[ClusterPlan, Object]]
"""Objects by the digest of what their proof reads, each with a cluster that has it."""


@dataclass(eq=False)
class ObjectProver:
    clusters: Sequence[ClusterPlan]
    document: Document
    crds: Sequence[Path] = ()
    _digests: dict[int, bytes] = field(default_factory=dict)
    _shapes: dict[Skeleton, str] = field(default_factory=dict)
    _facts: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def distinct(self) -> Held:
        """Every distinct object of the fleet but RootSyncs."""
        found: dict[int, tuple[ClusterPlan, Object]] = {}
        groups: set[int] = set()
        for cluster in self.clusters:
            for held in (*cluster.facets.values(), *cluster.own.values()):
                if id(held) not in groups:
                    groups.add(id(held))
                    for obj in held:
                        found.setdefault(id(obj), (cluster, obj))
        return {self._key(cluster, obj): (cluster, obj) for cluster, obj in found.values()}

    def of_clusters(self, clusters: Sequence[ClusterPlan]) -> Held:
        """What is each cluster's own: RootSyncs, and objects that hold facts of it."""
        found: Held = {}
        for cluster in clusters:
            held = [obj for group in (*cluster.facets.values(), *cluster.own.values()) for obj in group if self._facts_of(obj)]
            found |= {self._key(cluster, obj): (cluster, obj) for obj in (*held, *cluster.syncs)}
        return found

    def checking(self, listed: Sequence[tuple[ClusterPlan, Object]]) -> Callable[[], list[Diagnostic]]:
        """What is left to do is mostly waiting, and for a thread; what the tool reads is written now, so that it starts at once."""
        trees = [(str(i), obj.tree(cluster.facts)) for i, (cluster, obj) in enumerate(listed)]
        text = object_lines(trees)
        return lambda: list(self._check(listed, trees, text))

    def _check(
        self, listed: Sequence[tuple[ClusterPlan, Object]], trees: Sequence[tuple[str, Any]], text: bytes
    ) -> Iterator[Diagnostic]:
        for fault in check_objects(text, self.crds):
            cluster, obj = listed[int(fault.id)]
            code = "SYNC115" if fault.reason == "unknown-kind" else "SYNC111"
            yield self.about(
                code,
                f"{obj.identity} in {cluster.name}: {fault.field or 'object'}: {fault.message}",
                obj,
                fault.pointer,
                help="a kind without a schema is not proven: give its CRD with --crds DIR" if code == "SYNC115" else "",
            )
        for (cluster, obj), (_, tree) in zip(listed, trees, strict=True):
            for finding in check_object(tree):
                yield self.refused(cluster, obj, finding)

    def refused(self, cluster: ClusterPlan, obj: Object | None, finding: Finding) -> Diagnostic:
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
        beside = ("names.py", "quantity.py", "emit/strays.py", "plan/reading.py", "plan/scalars.py")
        rules = [*sorted((package / "prove").glob("*.py")), *[package / name for name in beside]]
        schemas = [file for folder in (*self.crds, *folders()) for file in sorted(folder.rglob("*")) if file.is_file()]
        digest = sha256(repr(sorted(versions().items())).encode())
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

    def _key(self, cluster: ClusterPlan, obj: Object) -> str:
        facts = self._facts_of(obj)
        bound = sha256(repr([(name, cluster.facts[name]) for name in facts]).encode("utf-8", "surrogatepass")).digest() if facts else b""
        return (self.decides + self.digest(obj) + bound).hex()
