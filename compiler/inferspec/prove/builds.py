"""Build overlays with kustomize, several in one process, and compare what comes out with the plan."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cached_property
from queue import SimpleQueue
from typing import NamedTuple

from ..emit.tree import Tree
from ..failures import ToolError
from ..plan.objects import ClusterPlan, FleetPlan, Object, Objects
from ..tools.builds import Built, build, build_line, file_line
from ..values import SENTINEL
from .equality import Difference, compare

WHOLE = 200
"""Objects up to which an overlay is built in one piece."""


class Build(NamedTuple):
    """A build of a cluster, or of one part of a large one; "" is the whole."""

    cluster: ClusterPlan
    part: str


class Verdict(NamedTuple):
    """What was found of a build: why kustomize refuses it, or where it is not the plan."""

    cluster: ClusterPlan
    overlay: str
    error: str
    differences: list[Difference]


@dataclass(eq=False)
class Builds:
    """The overlays of clusters, each in the process that is free next, the largest first."""

    plan: FleetPlan
    tree: Tree
    text: Callable[[ClusterPlan, Object], str]
    clusters: Sequence[ClusterPlan]

    def __post_init__(self) -> None:
        sizes = [(size, i, part) for i, c in enumerate(self.clusters) for part, size in self._units(c).items()]
        wanted = [Build(self.clusters[i], part) for _, i, part in sorted(sizes, key=lambda unit: (-unit[0], *unit[1:]))]
        self.wanted = {self._overlay(one): one for one in wanted}
        self._left = deque(wanted)
        self._deadline = 60 + sum(size for size, _, _ in sizes) / 50
        self._answers: SimpleQueue[Built | Future[None]] = SimpleQueue()
        self._working = 0

    def start(self, pool: Executor, jobs: int) -> None:
        for _ in range(min(jobs, len(self._left))):
            working = pool.submit(build, self._shared, self._following, self._answers.put, sentinel=SENTINEL, deadline=self._deadline)
            working.add_done_callback(self._answers.put)
            self._working += 1

    def stop(self) -> None:
        """What has not begun is left."""
        self._left.clear()

    def verdicts(self) -> Iterator[Verdict]:
        """Of every build, as they come. Raises ToolError."""
        unanswered = len(self.wanted)
        while unanswered:
            answer = self._answers.get()
            if isinstance(answer, Built):
                unanswered -= 1
                yield self._verdict(answer)
            else:
                answer.result()
                self._working -= 1
                if not self._working:
                    raise ToolError(f"kustomize ended before it had built {unanswered} of {len(self.wanted)} overlays")

    def _verdict(self, built: Built) -> Verdict:
        one = self.wanted[built.directory]
        left = [obj for place, obj in enumerate(self._expected(one)) if place not in built.equal]
        faults = [] if built.error else compare(built.rest, {obj.identity: obj.tree(one.cluster.facts) for obj in left})
        return Verdict(one.cluster, built.directory, built.error, faults)

    def _following(self) -> bytes | None:
        """What kustomize reads for the next build: files of the cluster's own, then the objects that must come out."""
        try:
            one = self._left.popleft()
        except IndexError:
            return None
        overlay = self._overlay(one)
        own = [file_line(path, self.tree[path]) for path in self._own[one.cluster.overlay] if path.startswith(f"{overlay}/")]
        return b"".join([*own, build_line(overlay, [self.text(one.cluster, obj) for obj in self._expected(one)])])

    def _overlay(self, one: Build) -> str:
        return f"overlays/{self.plan.platform}/{one.cluster.directory(one.part) if one.part else one.cluster.overlay}"

    def _expected(self, one: Build) -> list[Object]:
        return [obj for part, held in self._groups(one.cluster) if one.part in ("", part) for obj in held]

    def _groups(self, cluster: ClusterPlan) -> Iterator[tuple[str, Objects]]:
        """(part, objects): of the facets in their order, then what is the cluster's own."""
        yield from ((self.plan.facets[name].part, held) for name, held in cluster.facets.items())
        yield from cluster.own.items()

    def _units(self, cluster: ClusterPlan) -> dict[str, int]:
        """Directory of the overlay to build -> its objects: the whole, or each part of a large one, which is what Config Sync builds.

        The cost of a build grows faster than its objects: parts of 900 objects take half the time side by side.
        """
        sizes: Counter[str] = Counter()
        for part, held in self._groups(cluster):
            sizes[part] += len(held)
        return {"": whole} if (whole := sizes.total()) <= WHOLE else sizes

    @cached_property
    def _shared(self) -> list[bytes]:
        return [file_line(path, self.tree[path]) for kind in ("base", "components") for path in self._folders.get(kind, ())]

    @cached_property
    def _own(self) -> dict[str, list[str]]:
        """Overlay of a cluster -> its files."""
        found: dict[str, list[str]] = {cluster.overlay: [] for cluster in self.clusters}
        for kind, paths in self._folders.items():
            for path in paths:
                place = kind if kind in found else "/".join(path.split("/")[2:4])
                if place in found:
                    found[place].append(path)
        return found

    @cached_property
    def _folders(self) -> dict[str, list[str]]:
        """Folder below the platform's -> the YAML files in it."""
        root = f"overlays/{self.plan.platform}/"
        found: dict[str, list[str]] = {}
        for path in self.tree:
            if path.startswith(root) and path.endswith(".yaml"):
                found.setdefault(path.removeprefix(root).partition("/")[0], []).append(path)
        return found
