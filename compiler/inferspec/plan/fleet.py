"""The objects of every cluster: what the facets hold for the fleet, for a layer, for a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from ..diagnostics import SpecPath
from ..model.platform import Platform
from ..model.serving import Patch
from ..resolve.dns import has_own_address
from ..resolve.fleet import Fleet
from ..resolve.layers import Layer, Subject, layer_subject
from ..resolve.naming import address_fact, own_address
from ..resolve.places import Place, selects
from ..values import Scalar
from .dns import dns_variables
from .drawing import Drawing
from .facets import platform_drawings, team_drawings
from .management import PART, management
from .objects import ClusterPlan, Facet, FleetPlan, Holder, Objects
from .patches import Problem, apply_patches, manifest
from .skeleton import Skeletons
from .terraform import variables
from .views import scaling, screening, sync, weights
from .volumes import volume_drawings


@dataclass
class Planner:
    """``clusters`` can be had before the rest, and ``tell`` has objects as soon as they are drawn: what a proof of them needs."""

    fleet: Fleet
    skeletons: Skeletons
    tell: Callable[[Holder | ClusterPlan, Objects], None] = lambda holder, objects: None
    drawn: dict[tuple[str, Subject], Objects] = field(default_factory=dict)
    hits: set[SpecPath] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    cohorts: dict[Any, dict[str, Objects]] = field(default_factory=dict)

    @cached_property
    def drawings(self) -> list[Drawing]:
        """Of every facet that some cluster has."""
        fleet = self.fleet
        made = [*platform_drawings(fleet), *volume_drawings(fleet), *team_drawings(fleet), *_extra_drawings(self)]
        return [d for d in made if any(d.present(place) for place in fleet.places)]

    @cached_property
    def clusters(self) -> tuple[ClusterPlan, ...]:
        """Every cluster; last the one of Config Connector, if there is one."""
        made = [_cluster(self, self.drawings, place) for place in self.fleet.places]
        if connected := management(self.fleet, self.skeletons):
            made.append(connected)
            for held in connected.own.values():
                self.tell(connected, held)
        return tuple(made)

    def plan(self) -> tuple[FleetPlan, list[Problem]]:
        fleet, base = self.fleet, self.fleet.base
        clusters = self.clusters
        facets = {d.name: _facet(self, d, base) for d in self.drawings}
        parts = [p for p in ("platform", *fleet.platform.teams) if any(f.part == p for f in facets.values())]
        made = FleetPlan(
            platform=fleet.platform.name,
            parts=(*parts, *([PART] if fleet.platform.management else [])),
            facets=facets,
            clusters=clusters,
            dashboards=_dashboards(fleet),
            dns=dns_variables(fleet),
        )
        return made, self.told()

    def composed(self, here: list[Drawing], subject: Subject, holder: Holder) -> dict[str, Objects]:
        """The objects of each facet; clusters of one cohort share the map."""
        key = (subject, tuple(d.name for d in here))
        if key not in self.cohorts:
            held = self.cohorts[key] = {}
            for drawing in here:
                held[drawing.name] = self.objects(drawing, subject)
                self.tell(holder, held[drawing.name])
        return self.cohorts[key]

    def objects(self, drawing: Drawing, subject: Subject) -> Objects:
        """Each (facet, subject) is drawn once; clusters of one cohort share the tuple itself."""
        key = (drawing.name, drawing.narrowed(subject))
        if key not in self.drawn:
            objects = drawing.fixed or tuple(self.skeletons.object(template, row) for template, row in drawing.draw(key[1]))
            objects, found = apply_patches(self.skeletons, objects, self._patches(key[1]), self.hits)
            self.problems += found
            self.drawn[key] = objects
        return self.drawn[key]

    def _patches(self, subject: Subject) -> list[tuple[SpecPath, Patch]]:
        serving = self.fleet.platform.serving
        return [(("serving", s, kind, i), serving[s].patches[i]) for s, kind, i in subject.entries if kind == "patches"]

    def told(self) -> list[Problem]:
        """What is wrong with patches: one finding a field, in however many objects."""
        found: dict[SpecPath, Problem] = {}
        for problem in (*self.problems, *self.misses()):
            found.setdefault(problem.path, problem)
        return list(found.values())

    def misses(self) -> list[Problem]:
        """Patches that found no object in any cluster that they are for."""
        found = []
        for service, spec in self.fleet.platform.serving.items():
            for i, patch in enumerate(spec.patches):
                path: SpecPath = ("serving", service, "patches", i)
                if path not in self.hits:
                    named = f"{patch.target} {patch.name}" if patch.name else patch.target
                    inside = f" with a container {patch.container}" if patch.container else ""
                    found.append(
                        Problem(
                            "SPC020",
                            path,
                            f"{service} has no {named}{inside}: the patch hits nothing",
                            "inferspec trace serving." + service + " lists its objects",
                        )
                    )
        return found


def plan(fleet: Fleet, skeletons: Skeletons | None = None) -> tuple[FleetPlan, list[Problem]]:
    """Every object of every cluster, and the patches that cannot be applied. Reads nothing but the fleet and the templates."""
    return Planner(fleet, skeletons or Skeletons()).plan()


def patch_problems(fleet: Fleet) -> list[Problem]:
    """What is wrong with patches, from the objects of patched services alone: of each distinct cluster, and of the base."""
    planner = Planner(fleet, Skeletons())
    patched = {name for name, service in fleet.platform.serving.items() if service.patches}
    for drawing in [*volume_drawings(fleet), *team_drawings(fleet)]:
        places = [place for place in fleet.places if drawing.services & patched and drawing.present(place)]
        for subject in dict.fromkeys([*([fleet.base] if places else []), *map(fleet.subject, places)]):
            planner.objects(drawing, subject)
    return planner.told()


def _dashboards(fleet: Fleet) -> dict[str, Any]:
    if not fleet.platform.observability.dashboards:
        return {}
    from .dashboards import dashboards

    return dashboards(fleet)


def _facet(planner: Planner, drawing: Drawing, base: Subject) -> Facet:
    """With every layer that concerns it, whichever clusters there are: a cluster comes and goes without a change of what others share."""
    relevant = [layer for layer in planner.fleet.layers if _concerns(layer, drawing)]
    return Facet(
        drawing.name,
        drawing.part,
        planner.objects(drawing, base),
        {layer.name: planner.objects(drawing, layer_subject(base, layer)) for layer in relevant},
        drawing.alternative,
    )


def _concerns(layer: Layer, drawing: Drawing) -> bool:
    return layer.region is not None or bool(layer.services & drawing.services)


def _cluster(planner: Planner, drawings: list[Drawing], place: Place) -> ClusterPlan:
    fleet = planner.fleet
    here = [d for d in drawings if d.present(place)]
    parts = list(dict.fromkeys(d.part for d in here))
    holder = Holder(place.name, cluster_facts(fleet, place))
    own = _own(planner, place)
    for held in own.values():
        planner.tell(holder, held)
    return ClusterPlan(
        name=place.name,
        region=place.region,
        facts=holder.facts,
        facets=planner.composed(here, fleet.subject(place), holder),
        layers=tuple(layer.name for layer in fleet.layers_of(place)),
        own=own,
        syncs=tuple(
            planner.skeletons.object(*sync.root_sync(fleet.platform, fleet.catalogue, place, part))
            for part in _ordered(fleet.platform, parts)
        ),
        terraform=variables(fleet, place),
    )


def _ordered(platform: Platform, parts: list[str]) -> list[str]:
    return [p for p in ("platform", *platform.teams) if p in parts]


def cluster_facts(fleet: Fleet, place: Place) -> dict[str, Scalar]:
    """What a cluster is. A base holds sentinels in their place."""
    project = fleet.platform.projects[place.cluster.project]
    own = {address_fact(name): own_address(name, place.name) for name, spec in fleet.platform.gateways.items() if has_own_address(spec)}
    return {"cluster": place.name, "region": place.region, "project": project.id, **own, **scaling.facts(fleet, place)}


def _own(planner: Planner, place: Place) -> dict[str, Objects]:
    """What no base can hold: Jobs of the buckets and volumes this cluster writes, whose names carry a hash, and what names its project
    and region within a longer text."""
    fleet = planner.fleet
    own: dict[str, list[Any]] = {}
    for job in fleet.downloads:
        if job.writer is place:
            row = weights.download(fleet.platform, fleet.catalogue, job)
            own.setdefault(job.team, []).append(planner.skeletons.object(*row))
    for filling in fleet.fillings:
        if filling.writer is place:
            row = weights.hydrate(fleet.platform, fleet.catalogue, filling.volume, filling.artefact, place.region)
            own.setdefault(filling.volume.team, []).append(planner.skeletons.object(*row))
    for name, gateway in fleet.platform.gateways.items():
        if gateway.model_armor is not None and fleet.carries(name, place) and fleet.led_names(name, place):
            own.setdefault("platform", []).append(planner.skeletons.object(*screening.screening(fleet, name, place)))
    return {part: tuple(objects) for part, objects in own.items()}


def _extra_drawings(planner: Planner) -> list[Drawing]:
    """Manifests that the spec brings itself, a facet each."""
    made = []
    for i, extra in enumerate(planner.fleet.platform.extra_resources):
        objects = (planner.skeletons.fold("extraResources", manifest(extra.manifest, ("extraResources", i, "manifest"))),)
        made.append(Drawing(f"extra-{i}", extra.team, lambda _: [], partial(selects, extra.where), fixed=objects))
    return made
