"""Prove what a compile is about to write: kustomize builds equal the plan, schemas and CEL hold, Config Sync will accept it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..diagnostics import Diagnostic, SpecPath
from ..emit.tree import Tree, cluster_objects
from ..load import Document
from ..plan.objects import ClusterPlan, FleetPlan, Identity, Object, Skeleton
from ..plan.provenance import objects, path_of
from ..plan.skeleton import fill
from ..tools import run, versions
from ..tools.objects import check_objects as check_schemas
from ..tools.objects import folders
from ..tools.runner import GO
from .cache import Proofs
from .config_sync import check_sync_dir, check_syncs
from .equality import compare, cover
from .findings import Finding
from .imports import broken_imports
from .kubernetes import check_closure, check_object

MOST_CHANGED = 20
"""Changed clusters that ``compile`` builds, those that hold every structure among them; ``verify --all`` builds the lot."""

WHOLE = 200
"""Objects up to which an overlay is built in one piece."""


@dataclass(slots=True)
class Proof:
    """What was proven: clusters built now, clusters whose build was proven before, objects checked now, and objects in all."""

    built: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    objects: int = 0
    covered: int = 0


@dataclass(eq=False)
class Prover:
    plan: FleetPlan
    tree: Tree
    document: Document
    crds: Sequence[Path] = ()
    jobs: int = 2
    progress: Callable[[str, int, int], None] = lambda what, done, total: None
    proof: Proof = field(default_factory=Proof)
    remember: bool = True
    _digests: dict[int, bytes] = field(default_factory=dict)
    _shapes: dict[Skeleton, str] = field(default_factory=dict)

    def prove(self, *, changed: Iterable[str] = (), every: bool = False) -> list[Diagnostic]:
        """Findings; empty if everything holds. ``changed`` names clusters whose overlay differs from the one on disk."""
        chosen = list(self.plan.clusters) if every else self._chosen(set(changed))
        proofs = Proofs.load()
        known = proofs if self.remember else Proofs(proofs.path)
        keys = self._keys(chosen)
        wanted = [c for c in chosen if keys[c.name] not in known]
        self.proof.known = [c.name for c in chosen if keys[c.name] in known]
        covered = self._distinct(chosen)
        self.proof.covered = len(covered)
        fresh = {key: held for key, held in covered.items() if key not in known}
        with tempfile.TemporaryDirectory(prefix="inferspec-") as scratch, ThreadPoolExecutor(max(1, self.jobs)) as pool:
            try:
                builds = self._start(pool, Path(scratch), wanted) if wanted else {}  # they take longest, and run beside the checks
                found = [*self._objects(list(fresh.values())), *self._closures(wanted), *self._imports(), *self._syncs(wanted)]
                if found:
                    return found
                proofs.add(*fresh)
                for done, cluster in enumerate(wanted, 1):
                    faults = [fault for part in builds[cluster.name] for fault in part.result()]
                    found += faults
                    self.progress("kustomize build", done, len(wanted))
                    if not faults:
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

    def _distinct(self, chosen: list[ClusterPlan]) -> dict[str, tuple[ClusterPlan, Object]]:
        """Every distinct object of the fleet by the digest of its proof, with a cluster that has it; RootSyncs of ``chosen``."""
        unique: dict[int, tuple[ClusterPlan, Object]] = {}
        groups: set[int] = set()
        for cluster in self.plan.clusters:
            for held in (*cluster.facets.values(), *cluster.own.values()):
                if id(held) not in groups:
                    groups.add(id(held))
                    for obj in held:
                        unique.setdefault(id(obj), (cluster, obj))
        for cluster in chosen:
            for obj in cluster.syncs:
                unique.setdefault(id(obj), (cluster, obj))
        return {(self._decides + self._digest(obj)).hex(): held for held in unique.values() for obj in (held[1],)}

    def _objects(self, listed: list[tuple[ClusterPlan, Object]]) -> Iterator[Diagnostic]:
        """Schemas and CEL by objectcheck; what the API server itself would refuse, by our rules."""
        self.proof.objects = len(listed)
        trees = [(str(i), obj.tree(cluster.facts)) for i, (cluster, obj) in enumerate(listed)]
        for fault in check_schemas(trees, self.crds):
            cluster, obj = listed[int(fault.id)]
            code = "SYNC115" if fault.reason == "unknown-kind" else "SYNC111"
            yield self._about(
                code,
                f"{obj.identity} in {cluster.name}: {fault.field or 'object'}: {fault.message}",
                obj,
                fault.pointer,
                help="a kind without a schema is not proven: give its CRD with --crds DIR" if code == "SYNC115" else "",
            )
        for (cluster, obj), (_, tree) in zip(listed, trees, strict=True):
            for finding in check_object(tree):
                yield self._refused(cluster, obj, finding)

    def _closures(self, clusters: list[ClusterPlan]) -> Iterator[Diagnostic]:
        for cluster in clusters:
            held = {str(o.identity): o for _, _, o in objects(self.plan, cluster)}
            for finding in check_closure([o.tree(cluster.facts) for o in held.values()]):
                yield self._refused(cluster, held.get(finding.object), finding)

    def _imports(self) -> Iterator[Diagnostic]:
        for cluster, obj, at, message in broken_imports(self.plan):
            yield self._about("GTW148", f"{obj.identity} in {cluster.name}: {message}", obj, at)

    def _refused(self, cluster: ClusterPlan, obj: Object | None, finding: Finding) -> Diagnostic:
        return self._about("SYNC116", f"{finding.object} in {cluster.name}: {finding.message} ({finding.code})", obj, finding.field)

    def _about(self, code: str, message: str, obj: Object | None, pointer: str, **more: Any) -> Diagnostic:
        path: SpecPath = (path_of(obj, pointer) or path_of(obj, "") if obj else None) or ("name",)
        if obj and not more.get("help"):
            more["help"] = f"'inferspec why {obj.identity.kind}/{obj.identity.name}' shows where each of its fields comes from"
        return Diagnostic(
            code, message, self.document.span(path), path=path, object=str(obj.identity) if obj else "", field=pointer, **more
        )

    # -- Config Sync ---------------------------------------------------------------------------------------------------

    def _syncs(self, clusters: list[ClusterPlan]) -> Iterator[Diagnostic]:
        """Every directory that a RootSync of the cluster names, and the directory that holds the RootSyncs."""
        for cluster in clusters:
            parts = cluster_objects(self.plan, cluster)
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

    def _start(self, pool: Executor, scratch: Path, clusters: list[ClusterPlan]) -> dict[str, list[Future[list[Diagnostic]]]]:
        """``kustomize build`` of each overlay against the plan, the largest first; the directories are Config Sync's."""
        self._write(scratch, clusters)
        units = [(size, c, part) for c in clusters for part, size in self._units(c).items()]
        started: dict[str, list[Future[list[Diagnostic]]]] = {c.name: [] for c in clusters}
        for _, cluster, part in sorted(units, key=lambda unit: -unit[0]):
            started[cluster.name].append(pool.submit(self._build, scratch, cluster, part))
        return started

    def _units(self, cluster: ClusterPlan) -> dict[str, int]:
        """Directory of the overlay to build -> its objects: the whole, or each part of a large one, which is what Config Sync builds.

        The cost of a build grows faster than its objects: parts of 900 objects take half the time side by side.
        """
        sizes = {part: len(held) for part, held in cluster_objects(self.plan, cluster).items()}
        whole = sum(sizes.values())
        return {"": whole} if whole <= WHOLE else sizes

    def _is_shared(self, path: str) -> bool:
        return path.split("/")[2] in ("base", "components")

    def _keys(self, clusters: list[ClusterPlan]) -> dict[str, str]:
        """Cluster -> digest of all that its proof reads: a proof found once holds wherever this is the same."""
        shared = sha256(self._decides + "".join(h for p, h in sorted(self.tree.hashes.items()) if self._is_shared(p)).encode())
        return {c.name: self._key(shared.copy(), c) for c in clusters}

    @cached_property
    def _decides(self) -> bytes:
        """Digest of what decides beside the objects: the tools, our own rules and the schemas, a user's own CRDs first."""
        package = Path(__file__).parent
        rules = [*sorted(package.glob("*.py")), package.parent / "names.py", package.parent / "quantity.py"]
        schemas = [file for folder in (*self.crds, *folders()) for file in sorted(folder.rglob("*")) if file.is_file()]
        digest = sha256(repr(sorted(versions().items())).encode())
        for file in (*rules, *schemas):
            digest.update(sha256(file.read_bytes()).digest())
        return digest.digest()

    def _digest(self, obj: Object) -> bytes:
        """Of the object's manifest, cluster facts apart; most objects stand in many clusters."""
        if id(obj) not in self._digests:
            if obj.skeleton not in self._shapes:
                self._shapes[obj.skeleton] = repr(fill(obj.skeleton, range(len(obj.leaves))))
            told = f"{self._shapes[obj.skeleton]}{[leaf.v for leaf in obj.leaves]!r}"
            self._digests[id(obj)] = sha256(told.encode("utf-8", "surrogatepass")).digest()
        return self._digests[id(obj)]

    def _key(self, digest: Any, cluster: ClusterPlan) -> str:
        for path in (*self._paths[cluster.region, cluster.name], *(self._paths.get((cluster.folder,), ()) if cluster.folder else ())):
            digest.update(self.tree.hashes[path].encode())
        for obj in (*(o for _, _, o in objects(self.plan, cluster)), *cluster.syncs):
            digest.update(self._digest(obj))
        digest.update(repr(sorted(cluster.facts.items())).encode())
        return str(digest.hexdigest())

    def _write(self, scratch: Path, clusters: list[ClusterPlan]) -> None:
        roots = tuple(f"overlays/{self.plan.platform}/{c.overlay}/" for c in clusters)
        wanted = [p for p in self.tree if p.startswith("overlays/") and p.endswith(".yaml") and (self._is_shared(p) or p.startswith(roots))]
        for folder in sorted({path.rpartition("/")[0] for path in wanted}):
            (scratch / folder).mkdir(parents=True, exist_ok=True)
        for path in wanted:
            (scratch / path).write_text(self.tree[path], encoding="utf-8")

    def _build(self, scratch: Path, cluster: ClusterPlan, part: str) -> list[Diagnostic]:
        overlay = f"overlays/{self.plan.platform}/{cluster.directory(part) if part else cluster.overlay}"
        done = run("kustomize", ["build", overlay], cwd=scratch, env=GO)
        at = self.document.span(cluster.path, key=True)
        if done.rc:
            reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
            return [Diagnostic("SYNC110", f"kustomize cannot build {overlay}: {reason[0]}", at)]
        held = cluster_objects(self.plan, cluster)
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
