"""The whole tree of files that a plan becomes, as text; nothing here touches a disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from ..plan.objects import DASHBOARDS, DNS, ClusterPlan, FleetPlan, Identity, Object, Objects
from ..plan.scalars import refusal
from .kustomize import UP, Overlay, facts_component, facts_name, layer_component, listing
from .layers import FACTS, EmitError, Note, Patch, Stack, Stacks
from .locks import cluster_lock, cluster_lock_path, shared_lock, shared_lock_path
from .names import directories, label, region_label
from .text import ObjectTexts, indented


class Tree(dict[str, str]):
    """POSIX path -> text. ``hashes`` has the SHA-256 of every file, ``notes`` the layers that were left out somewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.hashes: dict[str, str] = {}
        self.notes: tuple[Note, ...] = ()

    def put(self, path: str, text: str) -> str:
        """Add a file; returns its hash."""
        self[path] = text
        digest = self.hashes[path] = sha256(text.encode()).hexdigest()
        return digest


def render_tree(plan: FleetPlan) -> Tree:
    """Everything under ``overlays/<platform>/`` and ``clusters/<platform>/``. Raises EmitError for an impossible plan."""
    return _Renderer(plan).tree()


def cluster_objects(
    plan: FleetPlan, cluster: ClusterPlan, tree: Callable[[ClusterPlan, Object], Any] = lambda cluster, obj: obj.tree(cluster.facts)
) -> dict[str, dict[Identity, Any]]:
    """Part -> the manifests that ``kustomize build`` of its overlay must give. ``tree`` makes one; nobody changes it."""
    found: dict[str, dict[Identity, Any]] = {}
    for part in plan.parts:
        groups = [objects for name, objects in cluster.facets.items() if plan.facets[name].part == part]
        objects = [obj for group in [*groups, cluster.own.get(part, ())] for obj in group]
        if objects:
            found[part] = {obj.identity: tree(cluster, obj) for obj in objects}
            if len(found[part]) != len(objects):
                raise EmitError(f"cluster {cluster.name}: two objects of part {part} have one identity")
    return found


class _Renderer:
    """One rendering of one plan: stacks, texts and overlays that clusters share."""

    def __init__(self, plan: FleetPlan) -> None:
        self.plan = plan
        self.files = Tree()
        self.stacks = Stacks(plan)
        self.texts = ObjectTexts()
        self.root = f"overlays/{label(plan.platform, 'platform')}"
        self.bases = directories((name,) for name in plan.facets)
        self.sharing = _sharing(plan, self.stacks)
        bound = [(name, FACTS) for name, stack in self.stacks.items() if stack.bindings]
        layered = [(*self.sharing[name], layer) for name, stack in self.stacks.items() for layer in stack.layers]
        self.components = directories([*bound, *dict.fromkeys(layered)])
        self._overlays: dict[Any, Overlay] = {}
        self._facets_of = {
            label(part, "part"): [name for name, facet in plan.facets.items() if facet.part == part] for part in plan.parts
        }
        self._check_names()

    def tree(self) -> Tree:
        self._shared()
        for cluster in self.plan.clusters:
            self._cluster(cluster)
        self.files.notes = tuple(self.stacks.notes)
        return self.files

    def _check_names(self) -> None:
        plan = self.plan
        seen: set[tuple[str, str]] = set()
        for cluster in plan.clusters:
            place = region_label(cluster.region), label(cluster.name, "cluster")
            if place in seen:
                raise EmitError(f"cluster {cluster.name} twice in region {cluster.region}")
            seen.add(place)
            self._check_identities([*cluster.facets.values(), *cluster.own.values()], f"cluster {cluster.name}")
            unknown = (cluster.facets.keys() - plan.facets.keys()) | (cluster.own.keys() - set(plan.parts))
            if unknown:
                raise EmitError(f"cluster {cluster.name}: unknown facet or part {sorted(unknown)[0]!r}")
        for name, facet in plan.facets.items():
            if facet.part not in plan.parts:
                raise EmitError(f"facet {name}: unknown part {facet.part!r}")

    def _check_identities(self, groups: list[Objects], where: str) -> None:
        identities = [obj.identity for group in groups for obj in group]
        if len(set(identities)) != len(identities):
            twice = next(identity for identity in identities if identities.count(identity) > 1)
            raise EmitError(f"{where}: {twice} stands in two places")

    def _shared(self) -> None:
        mine = {}
        reserved = {facts_name(part) for part in self.plan.parts}
        for name, facet in self.plan.facets.items():
            for identity in [obj.identity for obj in facet.base]:
                if identity.kind == "ConfigMap" and identity.name in reserved:
                    raise EmitError(f"{identity}: the name is taken by the facts of an overlay")
            base = f"{self.root}/base/{self.bases[name,]}"
            mine[f"{base}/kustomization.yaml"] = listing(["objects.yaml"])
            mine[f"{base}/objects.yaml"] = self.texts.file(facet.base)
        together: dict[Sharing, list[Stack]] = {}
        for name, sharing in self.sharing.items():
            together.setdefault(sharing, []).append(self.stacks[name])
        for (*group, what), directory in self.components.items():
            text = facts_component(self.stacks[group[0]]) if what == FACTS else layer_component(together[tuple(group)], what)
            mine[f"{self.root}/components/{directory}/kustomization.yaml"] = text
        for name, content in self.plan.dashboards.items():
            mine[f"{self.root}/{DASHBOARDS}/{name}"] = _json_file(content, f"dashboard {name}")
        if self.plan.dns:
            mine[f"{self.root}/{DNS}/terraform.tfvars.json"] = _json_file(self.plan.dns, "variables of DNS")
        hashes = {path: self.files.put(path, text) for path, text in mine.items()}
        self.files.put(shared_lock_path(self.plan.platform), shared_lock(self.plan, hashes))

    def _cluster(self, cluster: ClusterPlan) -> None:
        plan, put = self.plan, self.files.put
        place = f"{cluster.region}/{cluster.name}"
        overlay, synced = f"{self.root}/{cluster.overlay}", f"clusters/{plan.platform}/{place}"
        unbindable = self.stacks.unbindable(cluster)
        hashes: dict[str, str] = {}
        parts = []
        try:
            for part in plan.parts:
                facets = [name for name in self._facets_of[part] if name in cluster.facets]
                own = cluster.own.get(part, ())
                if not facets and not own:
                    continue
                parts.append(part)
                path = f"{self.root}/{cluster.directory(part)}/kustomization.yaml"
                hashes[path] = put(path, self._overlay(cluster, part, facets, bool(own), unbindable).text(cluster.facts))
                if own:
                    path = f"{self.root}/{cluster.directory(part)}/objects.yaml"
                    hashes[path] = put(path, self.texts.file(own, cluster.facts))
            if cluster.syncs:
                path = f"{synced}/sync/root-syncs.yaml"
                hashes[path] = put(path, self.texts.file(cluster.syncs, cluster.facts))
        except KeyError as error:
            raise EmitError(f"cluster {cluster.name} has no fact {error}") from None
        if parts and not cluster.folder:
            path = f"{overlay}/kustomization.yaml"
            hashes[path] = put(path, listing(parts))
        if cluster.terraform:
            path = f"{synced}/terraform/terraform.tfvars.json"
            hashes[path] = put(path, _json_file(cluster.terraform, "terraform variables"))
        put(cluster_lock_path(plan.platform, cluster.region, cluster.name), cluster_lock(plan, cluster, hashes))

    def _overlay(self, cluster: ClusterPlan, part: str, facets: list[str], own: bool, unbindable: frozenset[str]) -> Overlay:
        objects = cluster.facets
        key = part, own, unbindable, cluster.layers, *[(name, id(objects[name])) for name in facets]
        found = self._overlays.get(key)
        if found is None:
            found = self._overlays[key] = self._new_overlay(cluster, part, facets, own, unbindable)
        return found

    def _new_overlay(self, cluster: ClusterPlan, part: str, facets: list[str], own: bool, unbindable: frozenset[str]) -> Overlay:
        components: list[tuple[str, ...]] = [(name, FACTS) for name in facets if self.stacks[name].bindings]
        facts = {fact for name in facets for fact in self.stacks[name].bindings}
        layers: dict[Sharing, tuple[str, ...]] = {}
        for group in dict.fromkeys(self.sharing[name] for name in facets):
            together = [name for name in facets if self.sharing[name] == group]
            layers[group] = self.stacks.listed(together, cluster.layers, unbindable)
            components += [(*group, layer) for layer in layers[group]]
        patches: list[Patch] = []
        for name in facets:
            patches += self.stacks[name].residual(layers[self.sharing[name]], cluster.facets[name], unbindable)
        resources = [f"{UP}/base/{self.bases[name,]}" for name in facets] + ["objects.yaml"] * own
        listed = [f"{UP}/components/{self.components[key]}" for key in components]
        return Overlay(part, resources, listed, sorted(facts), unbindable, patches)


Sharing = tuple[str, ...]
"""Facets whose layers stand in the same components."""


def _sharing(plan: FleetPlan, stacks: Stacks) -> dict[str, Sharing]:
    """Facet -> what its components are called after: its part, or itself where a layer changes an object that another facet has too,
    or may have once there are other clusters.

    Two such facets are never in one cluster, and a patch says nothing of the facet it is for.
    """
    held = Counter((facet.part, obj.identity) for facet in plan.facets.values() for obj in facet.base)
    held.update((part, obj.identity) for cluster in plan.clusters for part, own in cluster.own.items() for obj in own)

    def alone(stack: Stack) -> bool:
        return stack.facet.alternative or any(held[stack.facet.part, identity] > 1 for identity in stack.changed)

    return {name: (name,) if alone(stack) else (stack.facet.part, "") for name, stack in stacks.items()}


_refusal = lru_cache(maxsize=10_000)(refusal)
"""Most texts of the variables stand in those of many clusters."""


def _json_file(content: Mapping[str, Any], what: str) -> str:
    def check(node: Any) -> None:
        if isinstance(node, str):
            if problem := _refusal(node):
                raise EmitError(f"{what}: {problem}")
        else:
            for item in node.values() if isinstance(node, Mapping) else node if isinstance(node, list | tuple) else ():
                check(item)

    check(content)
    return indented(content) + "\n"
