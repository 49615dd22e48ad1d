"""Prove what a compile is about to write: kustomize builds equal the plan, schemas and CEL hold, Config Sync will accept it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..diagnostics import Diagnostic
from ..emit.tree import Tree, cluster_objects
from ..load import Document
from ..plan.objects import ClusterPlan, FleetPlan, Holder, Objects
from ..plan.provenance import objects
from .builds import Builds, Verdict
from .cache import Proofs
from .config_sync import check_sync_dir, check_syncs
from .equality import cover
from .imports import broken_imports
from .kubernetes import check_closure
from .objects import ObjectProver

MOST_CHANGED = 20
"""Changed clusters that ``compile`` builds, those that hold every structure among them; ``verify --all`` builds the lot."""

MOST_HELD = 32
"""Clusters whose manifests are held at once."""


@dataclass(slots=True)
class Proof:
    """What was proven: clusters built now, clusters whose build was proven before, objects checked now, and objects in all."""

    built: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    objects: int = 0
    covered: int = 0


@dataclass(eq=False)
class Prover:
    """Begins with objects as they are drawn, in a process beside this one; ``prove`` does the rest. To be closed, whatever happens."""

    document: Document
    crds: Sequence[Path] = ()
    jobs: int = 2
    progress: Callable[[str, int, int], None] = lambda what, done, total: None
    proof: Proof = field(default_factory=Proof)
    remember: bool = True

    def __post_init__(self) -> None:
        self._proofs = Proofs.load()
        self._known = self._proofs if self.remember else Proofs(self._proofs.path)
        self._objects = ObjectProver(self.document, self.crds, self._known)
        self._about = self._objects.about

    def close(self) -> None:
        self._objects.close()

    def drawn(self, holder: Holder | ClusterPlan, objects: Objects) -> None:
        self._objects.add(holder, objects)

    def prove(self, plan: FleetPlan, tree: Tree, *, changed: Iterable[str] = (), every: bool = False) -> list[Diagnostic]:
        """Findings; empty if everything holds. ``changed`` names clusters whose overlay differs from the one on disk."""
        self.plan, self.tree, proofs = plan, tree, self._proofs
        self._manifests = lru_cache(maxsize=MOST_HELD)(partial(cluster_objects, plan, tree=self._objects.tree))
        chosen = list(self.plan.clusters) if every else self._chosen(set(changed))
        keys = self._keys(chosen)
        wanted = [c for c in chosen if keys[c.name] not in self._known]
        self.proof.known = [c.name for c in chosen if keys[c.name] in self._known]
        for cluster in self.plan.clusters if len(self.plan.clusters) <= MOST_CHANGED else chosen:
            self._objects.add_own(cluster)
        self.proof.covered, self.proof.objects = len(self._objects.covered), len(self._objects.listed)
        builds = Builds(plan, tree, self._objects.text, wanted)
        jobs = max(1, self.jobs)
        with ThreadPoolExecutor(jobs) as pool:
            try:
                builds.start(pool, jobs)  # they take longest, and run beside the checks
                found = [*self._closures(wanted), *self._imports(), *self._syncs(wanted), *self._objects.findings()]
                if found:
                    return found
                proofs.add(*self._objects.listed)
                left = Counter(build.cluster.name for build in builds.wanted.values())
                refused: dict[str, list[Diagnostic]] = {}
                for verdict in builds.verdicts():
                    refused[verdict.overlay] = list(self._unequal(verdict))
                    left[verdict.cluster.name] -= 1
                    self.progress("kustomize build", sum(not count for count in left.values()), len(wanted))
            finally:
                builds.stop()  # after a finding or an interrupt, what has not begun is not waited for
        faulty = {build.cluster.name for overlay, build in builds.wanted.items() if refused[overlay]}
        self.proof.built = [c.name for c in wanted if c.name not in faulty]
        proofs.add(*[keys[name] for name in self.proof.built])
        proofs.save()
        return [fault for overlay in builds.wanted for fault in refused[overlay]]

    def _chosen(self, changed: set[str]) -> list[ClusterPlan]:
        """Clusters that hold every structure, and the first changed ones."""
        covering = cover(self.plan)
        names = {c.name for c in covering}
        room = max(0, MOST_CHANGED - len(names & changed))
        return [*covering, *[c for c in self.plan.clusters if c.name in changed - names][:room]]

    # -- objects -------------------------------------------------------------------------------------------------------

    def _closures(self, clusters: list[ClusterPlan]) -> Iterator[Diagnostic]:
        for cluster in clusters:
            held = {str(o.identity): o for _, _, o in objects(self.plan, cluster)}
            for finding in check_closure([tree for part in self._manifests(cluster).values() for tree in part.values()]):
                yield self._objects.refused(cluster, held.get(finding.object), finding)

    def _imports(self) -> Iterator[Diagnostic]:
        for cluster, obj, at, message in broken_imports(self.plan):
            yield self._about("GTW148", f"{obj.identity} in {cluster.name}: {message}", obj, at)

    # -- Config Sync ---------------------------------------------------------------------------------------------------

    def _syncs(self, clusters: list[ClusterPlan]) -> Iterator[Diagnostic]:
        """Every directory that a RootSync of the cluster names, and the directory that holds the RootSyncs."""
        for cluster in clusters:
            parts = self._manifests(cluster)
            placed = {part: [(f"{part}.yaml", tree) for tree in held.values()] for part, held in parts.items()}
            for part, held in placed.items():
                files = self._below(f"overlays/{self.plan.platform}/{cluster.directory(part)}/")
                # The overlay's own resource file is listed by its kustomization: Config Sync parses the rendered objects.
                for finding in check_sync_dir({k: v for k, v in files.items() if k != "objects.yaml"}, held):
                    yield self._sync_finding(cluster, finding)
            for finding in check_syncs(placed):
                yield self._sync_finding(cluster, finding)
            for finding in check_sync_dir(self._below(f"clusters/{self.plan.platform}/{cluster.region}/{cluster.name}/sync/")):
                yield self._sync_finding(cluster, finding)

    def _below(self, directory: str) -> dict[str, str]:
        place = _place(directory)
        return {path.removeprefix(directory): self.tree[path] for path in self._paths.get(place, ()) if path.startswith(directory)}

    @cached_property
    def _paths(self) -> dict[tuple[str, ...], list[str]]:
        """The files of each (region, cluster), those of overlays/ and those of clusters/, in their order; of the management overlay."""
        found: dict[tuple[str, ...], list[str]] = {}
        for path in sorted(self.tree):
            found.setdefault(_place(path), []).append(path)
        return found

    def _sync_finding(self, cluster: ClusterPlan, finding: Any) -> Diagnostic:
        held = {str(o.identity): o for _, _, o in objects(self.plan, cluster)} | {str(o.identity): o for o in cluster.syncs}
        where = finding.object or finding.file
        return self._about(
            "SYNC112", f"{where} in {cluster.name}: {finding.code} {finding.message}", held.get(finding.object), finding.field
        )

    # -- builds --------------------------------------------------------------------------------------------------------

    def _is_shared(self, path: str) -> bool:
        return path.split("/")[2] in ("base", "components")

    def _keys(self, clusters: list[ClusterPlan]) -> dict[str, str]:
        """Cluster -> digest of all that its proof reads: a proof found once holds wherever this is the same."""
        shared = sha256(self._objects.decides + "".join(h for p, h in sorted(self.tree.hashes.items()) if self._is_shared(p)).encode())
        return {c.name: self._key(shared.copy(), c) for c in clusters}

    def _key(self, digest: Any, cluster: ClusterPlan) -> str:
        for path in (*self._paths[cluster.region, cluster.name], *(self._paths.get((cluster.folder,), ()) if cluster.folder else ())):
            digest.update(self.tree.hashes[path].encode())
        for obj in (*(o for _, _, o in objects(self.plan, cluster)), *cluster.syncs):
            digest.update(self._objects.digest(obj))
        digest.update(repr(sorted(cluster.facts.items())).encode())
        return str(digest.hexdigest())

    def _unequal(self, verdict: Verdict) -> Iterator[Diagnostic]:
        """What kustomize built against the plan."""
        at, overlay = self.document.span(verdict.cluster.path, key=True), verdict.overlay
        if verdict.error:
            yield Diagnostic("SYNC110", f"kustomize cannot build {overlay}: {verdict.error.splitlines()[-1]}", at)
        for d in verdict.differences:
            yield Diagnostic(
                "SYNC110",
                f"{overlay}: {d.identity or 'output'}: {d.kind} {d.pointer}",
                at,
                object=str(d.identity or ""),
                field=d.pointer,
                notes=tuple(filter(None, (f"plan: {d.expected}" if d.expected else "", f"build: {d.built}" if d.built else ""))),
            )


def _place(path: str) -> tuple[str, ...]:
    """(region, cluster) of a file or directory of the tree; one name where a folder of overlays/ is no region's."""
    steps = path.split("/")
    return tuple(steps[2:3] if steps[0] == "overlays" and steps[2] == "management" else steps[2:4])
