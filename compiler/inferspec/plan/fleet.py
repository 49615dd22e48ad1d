"""The objects of every cluster: which facets exist, what they hold for the fleet, for a layer, for a cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..catalog import Catalogue
from ..diagnostics import SpecPath
from ..model.platform import Platform
from ..model.serving import Patch
from ..resolve.dns import global_access, has_own_address
from ..resolve.fleet import Fleet
from ..resolve.layers import Layer, Subject, layer_subject
from ..resolve.naming import GATEWAY_NAMESPACE, address_fact, own_address, writer_name
from ..resolve.places import Place, selects
from ..resolve.scaling import HPA, KEDA
from ..resolve.settings import WorkloadKey, canary_of
from ..values import Scalar
from .dns import dns_variables
from .drawing import Drawing
from .management import PART, management
from .objects import ClusterPlan, Facet, FleetPlan, Objects
from .patches import Problem, apply_patches, manifest
from .row import Drawn
from .skeleton import Skeletons
from .terraform import variables
from .views import alerts, capacity, class_teams, fleet_alerts, processor, routing, scaling, screening, server, sync, weights
from .views import platform as platform_views
from .volumes import volume_drawings

SCALERS = ((HPA, "-autoscaling", scaling.autoscaler), (KEDA, "-keda", scaling.scaled_object))
"""Who moves replicas, the facet, its view. A cluster has one of them: Config Sync prunes what it no longer has."""


@dataclass(slots=True)
class Planner:
    fleet: Fleet
    skeletons: Skeletons
    drawn: dict[tuple[str, Subject], Objects] = field(default_factory=dict)
    hits: set[SpecPath] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    cohorts: dict[Any, tuple[dict[str, Objects], dict[str, tuple[str, ...]]]] = field(default_factory=dict)

    def composed(
        self, here: list[Drawing], subject: Subject, applying: tuple[Layer, ...]
    ) -> tuple[dict[str, Objects], dict[str, tuple[str, ...]]]:
        """The objects and the layers of each facet; clusters of one cohort share both maps."""
        key = (subject, applying, tuple(d.name for d in here))
        if key not in self.cohorts:
            self.cohorts[key] = (
                {d.name: self.objects(d, subject) for d in here},
                {d.name: tuple(layer.name for layer in applying if _concerns(layer, d)) for d in here},
            )
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
    planner = Planner(fleet, skeletons or Skeletons())
    base = fleet.base
    drawings = [*_platform_drawings(fleet), *volume_drawings(fleet), *_team_drawings(fleet), *_extra_drawings(planner)]
    used = [d for d in drawings if any(d.present(place) for place in fleet.places)]
    facets = {d.name: _facet(planner, d, base) for d in used}
    parts = ("platform", *fleet.platform.teams)
    connected = management(fleet, planner.skeletons)
    made = FleetPlan(
        platform=fleet.platform.name,
        parts=(*[p for p in parts if any(f.part == p for f in facets.values())], *([PART] if connected else [])),
        facets=facets,
        clusters=(*[_cluster(planner, used, place) for place in fleet.places], *([connected] if connected else [])),
        dashboards=_dashboards(fleet),
        dns=dns_variables(fleet),
    )
    return made, list(dict.fromkeys([*planner.problems, *planner.misses()]))


def _dashboards(fleet: Fleet) -> dict[str, Any]:
    if not fleet.platform.observability.dashboards:
        return {}
    from .dashboards import dashboards

    return dashboards(fleet)


def _facet(planner: Planner, drawing: Drawing, base: Subject) -> Facet:
    relevant = [layer for layer in planner.fleet.layers if _concerns(layer, drawing)]
    return Facet(
        drawing.name,
        drawing.part,
        planner.objects(drawing, base),
        {layer.name: planner.objects(drawing, layer_subject(base, layer)) for layer in relevant},
    )


def _concerns(layer: Layer, drawing: Drawing) -> bool:
    return layer.region is not None or bool(layer.services & drawing.services)


def _cluster(planner: Planner, drawings: list[Drawing], place: Place) -> ClusterPlan:
    fleet = planner.fleet
    here = [d for d in drawings if d.present(place)]
    facets, layers = planner.composed(here, fleet.subject(place), fleet.layers_of(place))
    parts = list(dict.fromkeys(d.part for d in here))
    return ClusterPlan(
        name=place.name,
        region=place.region,
        facts=cluster_facts(fleet, place),
        facets=facets,
        layers=layers,
        own=_own(planner, place),
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
        if gateway.model_armor is not None and fleet.has_gateway(name, place) and fleet.led_names(name, place):
            own.setdefault("platform", []).append(planner.skeletons.object(*screening.screening(fleet, name, place)))
    return {part: tuple(objects) for part, objects in own.items()}


def _extra_drawings(planner: Planner) -> list[Drawing]:
    """Manifests that the spec brings itself, a facet each."""
    made = []
    for i, extra in enumerate(planner.fleet.platform.extra_resources):
        objects = (planner.skeletons.fold("extraResources", manifest(extra.manifest, ("extraResources", i, "manifest"))),)
        made.append(Drawing(f"extra-{i}", extra.team, lambda _: [], partial(selects, extra.where), fixed=objects))
    return made


def _platform_drawings(fleet: Fleet) -> list[Drawing]:
    platform, catalogue = fleet.platform, fleet.catalogue
    made = [Drawing("platform", "platform", lambda _: platform_views.priorities(platform, catalogue), lambda _: True)]
    made.append(Drawing("sync-alerts", "platform", lambda _: fleet_alerts.sync_alerts(platform, catalogue), lambda _: True))
    idle = partial(fleet_alerts.reservation_alerts, platform, catalogue)
    made.append(Drawing("reservation-alerts", "platform", idle, fleet.watches_reservations))
    for team in platform.teams:
        made.append(Drawing(f"namespace-{team}", "platform", partial(_team_namespace, platform, team), partial(fleet.serves_team, team)))
    if platform.gateways:
        made.append(
            Drawing(
                "gateway-namespace",
                "platform",
                partial(_gateway_namespace, platform),
                lambda place: any(fleet.has_gateway(g, place) for g in platform.gateways),
            )
        )
    for name in platform.capacity_classes:
        made.append(Drawing(f"class-{name}", "platform", partial(_class, platform, catalogue, name), partial(fleet.uses_class, name)))
    for name in platform.gateways:
        has = partial(fleet.has_gateway, name)
        made.append(Drawing(f"gateway-{name}", "platform", partial(_gateway, fleet, name), has))
        if fleet.leads_by_model(name):
            made.append(Drawing(f"gateway-{name}-models", "platform", partial(processor.processor, platform, catalogue, name), has))
    return made


def _identity(fleet: Fleet, artefact: str, secret: str | None, namespace: str, _: Subject) -> list[Drawn]:
    return weights.identity(fleet.platform, artefact, secret, namespace)


def _team_namespace(platform: Platform, team: str, _: Subject) -> list[Drawn]:
    return platform_views.team_namespace(platform, team)


def _gateway_namespace(platform: Platform, _: Subject) -> list[Drawn]:
    return [platform_views.namespace(platform, GATEWAY_NAMESPACE, "gateway", "restricted")]


def _class(platform: Platform, catalogue: Catalogue, name: str, subject: Subject) -> list[Drawn]:
    return [capacity.compute_class(platform, catalogue, name, subject), *class_teams.limits(platform, catalogue, name)]


def _gateway(fleet: Fleet, name: str, _: Subject) -> list[Drawn]:
    found = [platform_views.gateway(fleet.platform, fleet.catalogue, name)]
    if platform_views.redirects(fleet.platform, name):
        found.append(platform_views.redirect(fleet.platform, name))
    return [*found, platform_views.global_access(fleet.platform, name)] if global_access(fleet, name) else found


def _leads(fleet: Fleet, key: WorkloadKey, gateway: str, shared: bool, place: Place) -> bool:
    """Whether the cluster has the route that shares requests with a canary, or the one that does not."""
    return fleet.is_exposed(key, gateway, place) and fleet.has_canary(key, place) == shared


def _team_drawings(fleet: Fleet) -> list[Drawing]:
    made: list[Drawing] = []
    for key in fleet.workload_keys:
        service = key.service
        spec = fleet.platform.serving[service]
        name = fleet.workload(key, fleet.base).name
        placed = partial(fleet.is_placed, key)

        def add(
            suffix: str,
            view: Callable[..., list[Drawn]],
            present: Callable[[Place], bool],
            *more: Any,
            key: Any = key,
            name: str = name,
            team: str = spec.team,
            service: str = service,
        ) -> None:
            made.append(
                Drawing(name + suffix, team, lambda subject: view(fleet.workload(key, subject), *more), present, frozenset({service}))
            )

        add("", server.server, placed)
        for by, suffix, view in SCALERS:
            if fleet.ever_scaled_by(by, key):
                add(suffix, view, partial(fleet.is_scaled_by, by, key))
        if fleet.ever_buffered(key):
            add("-buffer", scaling.buffer, partial(fleet.is_buffered, key))
        if fleet.workload(key, fleet.base).engine.metrics_path:
            add("-alerts", alerts.alerts, placed)
        if key.prefill:
            continue
        if spec.expose and fleet.workload(key, fleet.base).pooled:
            add("-pool", routing.pool, placed, fleet.called(key))
        elif spec.expose:
            add("-backend", routing.backend, placed)
        for exposure in spec.expose if not key.canary else ():
            by_model = fleet.leads_by_model(exposure.gateway)
            for shared, suffix in ((False, ""), (True, "-canary")):
                shown = partial(_leads, fleet, key, exposure.gateway, shared)
                if not shared or canary_of(fleet.platform, key) is not None:
                    add(f"-route-{exposure.gateway}{suffix}", routing.route, shown, exposure.gateway, by_model, shared)
    teams = Counter(artefact for artefact, _, _, _ in fleet.written)
    for artefact, secret, team, namespace in fleet.written:
        name = writer_name(artefact)
        made.append(
            Drawing(
                name if teams[artefact] == 1 else f"{name}-{team}",
                team,
                partial(_identity, fleet, artefact, secret, namespace),
                partial(fleet.writes, artefact, team),
            )
        )
    return made
