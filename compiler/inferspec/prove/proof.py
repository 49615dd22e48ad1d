"""Prove what a compile is about to write: kustomize builds equal the plan, schemas and CEL hold, Config Sync will accept it."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ..diagnostics import Diagnostic
from ..emit.tree import Tree, cluster_objects
from ..files import memory_folder
from ..load import Document
from ..plan.objects import ClusterPlan, FleetPlan, Identity
from ..plan.provenance import objects
from ..tools import Completed, run
from .cache import Proofs
from .config_sync import check_sync_dir, check_syncs
from .equality import compare, cover
from .imports import broken_imports
from .kubernetes import check_closure
from .objects import Held, ObjectProver

MOST_CHANGED = 20
"""Changed clusters that ``compile`` builds, those that hold every structure among them; ``verify --all`` builds the lot."""

MOST_HELD = 32
"""Clusters whose manifests are held at once."""

_ENV = {"GOGC": "1000", "GOMEMLIMIT": "256MiB"}
"""Of kustomize: a tenth less CPU than the usual setting of our tools, for 130 MB instead of 65 in the largest builds."""

WHOLE = 200
"""Objects up to which an overlay is built in one piece."""


@dataclass(slots=True)
class Proof:
    """What was proven: clusters built now, clusters whose build was proven before, objects checked now, and objects in all."""

    built: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    objects: int = 0
    covered: int = 0


class Build(NamedTuple):
    """``kustomize build`` of a cluster, or of one part of a large one; "" is the whole."""

    cluster: ClusterPlan
    part: str
    output: Future[Completed]


@dataclass(eq=False)
class Prover:
    """Begins with the objects, in a process beside this one, while plan and tree are made; ``prove`` does the rest."""

    clusters: Sequence[ClusterPlan]
    document: Document
    crds: Sequence[Path] = ()
    jobs: int = 2
    progress: Callable[[str, int, int], None] = lambda what, done, total: None
    proof: Proof = field(default_factory=Proof)
    remember: bool = True

    def __post_init__(self) -> None:
        self._objects = ObjectProver(self.clusters, self.document, self.crds)
        self._about = self._objects.about
        self._proofs = Proofs.load()
        self._known = self._proofs if self.remember else Proofs(self._proofs.path)
        self._covered = self._objects.distinct()
        if len(self.clusters) <= MOST_CHANGED:  # else what clusters have of their own is checked where they are chosen
            self._covered |= self._objects.of_clusters(self.clusters)
        self._checked = self._checking(self._covered)

    def _checking(self, covered: Held) -> Future[list[Diagnostic]]:
        listed = [held for key, held in covered.items() if key not in self._known]
        self.proof.covered += len(covered)
        self.proof.objects += len(listed)
        pool = ThreadPoolExecutor(1)
        checking = pool.submit(self._objects.checking(listed))
        pool.shutdown(wait=False)
        return checking

    def prove(self, plan: FleetPlan, tree: Tree, *, changed: Iterable[str] = (), every: bool = False) -> list[Diagnostic]:
        """Findings; empty if everything holds. ``changed`` names clusters whose overlay differs from the one on disk."""
        self.plan, self.tree, proofs = plan, tree, self._proofs
        self._manifests = lru_cache(maxsize=MOST_HELD)(partial(cluster_objects, plan))
        chosen = list(self.plan.clusters) if every else self._chosen(set(changed))
        keys = self._keys(chosen)
        wanted = [c for c in chosen if keys[c.name] not in self._known]
        self.proof.known = [c.name for c in chosen if keys[c.name] in self._known]
        own = {key: held for key, held in self._objects.of_clusters(chosen).items() if key not in self._covered}
        with ExitStack() as scratch, ThreadPoolExecutor(max(1, self.jobs)) as pool:
            try:
                # They take longest, and run beside the checks.
                builds = self._start(pool, Path(scratch.enter_context(self._written(wanted))), wanted) if wanted else []
                checking = self._checking(own)
                found = [*self._closures(wanted), *self._imports(), *self._syncs(wanted), *checking.result(), *self._checked.result()]
                if found:
                    return found
                proofs.add(*[key for key in (*self._covered, *own) if key not in self._known])
                left = Counter(build.cluster.name for build in builds)
                faulty: set[str] = set()
                for cluster, part, output in builds:
                    faults = self._compared(cluster, part, output.result())
                    found += faults
                    faulty |= {cluster.name} if faults else set()
                    left[cluster.name] -= 1
                    if not left[cluster.name]:
                        self.progress("kustomize build", sum(not count for count in left.values()), len(wanted))
                        if cluster.name not in faulty:
                            self.proof.built.append(cluster.name)
                            proofs.add(keys[cluster.name])
            finally:
                pool.shutdown(cancel_futures=True)  # after a finding or an interrupt, what has not begun is not waited for
        proofs.save()
        return found

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

    def _start(self, pool: Executor, scratch: Path, clusters: list[ClusterPlan]) -> list[Build]:
        """``kustomize build`` of each overlay, the largest first; the directories are Config Sync's."""
        units = sorted([(-size, i, part) for i, c in enumerate(clusters) for part, size in self._units(c).items()])
        started = []
        for _, i, part in units:
            args = ["build", self._overlay(clusters[i], part)]
            started.append(Build(clusters[i], part, pool.submit(run, "kustomize", args, cwd=scratch, env=_ENV)))
        return started

    def _overlay(self, cluster: ClusterPlan, part: str) -> str:
        return f"overlays/{self.plan.platform}/{cluster.directory(part) if part else cluster.overlay}"

    def _units(self, cluster: ClusterPlan) -> dict[str, int]:
        """Directory of the overlay to build -> its objects: the whole, or each part of a large one, which is what Config Sync builds.

        The cost of a build grows faster than its objects: parts of 900 objects take half the time side by side.
        """
        sizes = {part: len(held) for part, held in self._manifests(cluster).items()}
        whole = sum(sizes.values())
        return {"": whole} if whole <= WHOLE else sizes

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

    def _written(self, clusters: list[ClusterPlan]) -> tempfile.TemporaryDirectory[str]:
        """A folder with the overlays and what they read: in memory, or on a disk where that is too small."""
        for place in (memory_folder(sum(map(len, self.tree.values()))), None):
            scratch = tempfile.TemporaryDirectory(prefix="inferspec-", dir=place)
            try:
                self._write(Path(scratch.name), clusters)
            except OSError:
                scratch.cleanup()
                if place is None:
                    raise
            else:
                return scratch
        raise AssertionError("the last place is tried or raises")

    def _write(self, scratch: Path, clusters: list[ClusterPlan]) -> None:
        roots = tuple(f"overlays/{self.plan.platform}/{c.overlay}/" for c in clusters)
        wanted = [p for p in self.tree if p.startswith("overlays/") and p.endswith(".yaml") and (self._is_shared(p) or p.startswith(roots))]
        for folder in sorted({path.rpartition("/")[0] for path in wanted}):
            (scratch / folder).mkdir(parents=True, exist_ok=True)
        for path in wanted:
            with open(f"{scratch}/{path}", "xb") as file:
                file.write(self.tree[path].encode())

    def _compared(self, cluster: ClusterPlan, part: str, done: Completed) -> list[Diagnostic]:
        """What kustomize built against the plan."""
        overlay = self._overlay(cluster, part)
        at = self.document.span(cluster.path, key=True)
        if done.rc:
            reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
            return [Diagnostic("SYNC110", f"kustomize cannot build {overlay}: {reason[0]}", at)]
        held = self._manifests(cluster)
        expected: dict[Identity, Any] = {i: t for name in ([part] if part else held) for i, t in held[name].items()}
        return [
            Diagnostic(
                "SYNC110",
                f"{overlay}: {d.identity or 'output'}: {d.kind} {d.pointer}",
                at,
                object=str(d.identity or ""),
                field=d.pointer,
                notes=tuple(filter(None, (f"plan: {d.expected}" if d.expected else "", f"build: {d.built}" if d.built else ""))),
            )
            for d in compare(done.stdout, expected)
        ]


def _place(path: str) -> tuple[str, ...]:
    """(region, cluster) of a file or directory of the tree; one name where a folder of overlays/ is no region's."""
    steps = path.split("/")
    return tuple(steps[2:3] if steps[0] == "overlays" and steps[2] == "management" else steps[2:4])
