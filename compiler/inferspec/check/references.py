"""Names that lead somewhere: every key that names another entry of the spec; rows of the catalogue are in ``rows``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath, format_path
from ..model.places import RegionPlaces
from ..model.platform import Platform
from ..model.serving import Canary, Prefill, Service
from ..nearest import nearest
from .context import Context
from .rows import capacities, engine, known_region, shapes, weights


def references(context: Context) -> tuple[list[Diagnostic], dict[str, Service]]:
    """Findings, and the services that can be resolved: without the exposures that lead nowhere."""
    found = [*_classes(context), *_places(context), *_models(context), *_mirrors(context)]
    unknown = {d.path[1] for d in found if d.code == "CAT001" and d.path[0] == "capacityClasses"}
    sound: dict[str, Service] = {}
    for name, service in context.platform.serving.items():
        own = list(_service(context, name, service))
        found += own
        wrong = [d.path[2:] for d in own if d.severity is Severity.ERROR or d.code == "SPC012"]
        if all(path[:1] == ("expose",) for path in wrong) and unknown.isdisjoint(capacities(service)):
            lost = {path[1] for path in wrong}
            kept = tuple(e for i, e in enumerate(service.expose) if i not in lost)
            sound[name] = service.model_copy(update={"expose": kept}) if lost else service
    return found, sound


def settled_regions(platform: Platform) -> dict[str, RegionPlaces]:
    """Regions with the clusters that can be resolved: without those whose project is not there."""
    kept: dict[str, RegionPlaces] = {}
    for name, region in platform.regions.items():
        sound = {key: cluster for key, cluster in region.clusters.items() if cluster.project in platform.projects}
        kept[name] = region if len(sound) == len(region.clusters) else region.model_copy(update={"clusters": sound})
    return kept


def named(
    context: Context, path: SpecPath, name: str, section: str, known: Iterable[str] | None = None, *, key: bool = False
) -> Iterator[Diagnostic]:
    """``name``, written at ``path``, as a ``key`` itself or not, is a key of ``section``."""
    context.used.add((section, name))
    held = set(getattr(context.platform, _FIELDS[section]) if known is None else known)
    if name in held:
        return
    keys = held | (context.written(section) if known is None else set())
    if name in keys:
        yield followed(context, path, f"{section}.{name}")
        return
    near = nearest(name, sorted(keys))
    help = f"did you mean '{near[0]}'?" if near else f"{section} has {_listed(sorted(keys)) or 'no entries'}"
    message = f"{format_path(path)}: there is no '{name}' in {section}"
    yield context.finding("SPC006", message, path, key=key, help=help, cause=f"{section}.{name}")


def _listed(names: list[str], most: int = 50) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


_FIELDS = {name: name for name in ("projects", "teams", "models", "storage", "secrets", "objectives", "gateways")} | {
    "capacityClasses": "capacity_classes"
}
"""Sections of the spec that names lead into, with the field of the platform that holds them."""


def _service(context: Context, name: str, service: Service) -> Iterator[Diagnostic]:
    root: SpecPath = ("serving", name)
    yield from named(context, (*root, "team"), service.team, "teams")
    yield from _form(context, root, service)
    if service.model is None and not (service.variants and all(v.model for v in service.variants.values())):
        yield context.finding("SPC002", f"{format_path(root)} has no model", root, key=True, help="model: MODEL@VERSION of 'models'")
    settings = [
        (root, service),
        *(((*root, "variants", k), v) for k, v in service.variants.items()),
        *(((*root, "overrides", i), o) for i, o in enumerate(service.overrides)),
    ]
    for path, setting in settings:
        if setting.model is not None:
            yield from _version(context, (*path, "model"), setting.model)
        if setting.speculative.model is not None:
            yield from _version(context, (*path, "speculative", "model"), setting.speculative.model)
    if service.canary is not None and service.canary.model is not None:
        yield from _version(context, (*root, "canary", "model"), service.canary.model)
    for path, capacity in [
        ((*root, "capacity"), service.capacity),
        *(((*root, "variants", k, "capacity"), v.capacity) for k, v in service.variants.items()),
        *(((*path, "prefill", "capacity"), half.capacity) for path, half in _halves(root, service)),
        *([((*root, "canary", "capacity"), service.canary.capacity)] if service.canary is not None else []),
    ]:
        if capacity is not None:
            yield from named(context, path, capacity, "capacityClasses")
    for key, adapter in service.adapters.items():
        if adapter.secret is not None:
            yield from named(context, (*root, "adapters", key, "secret"), adapter.secret, "secrets")
    for i, exposure in enumerate(service.expose):
        yield from named(context, (*root, "expose", i, "gateway"), exposure.gateway, "gateways")
        if exposure.objective is not None:
            yield from named(context, (*root, "expose", i, "objective"), exposure.objective, "objectives")
    partial: list[tuple[SpecPath, str | None]] = [((*root, "overrides", i), o.variant) for i, o in enumerate(service.overrides)]
    if service.canary is not None:
        partial.append(((*root, "canary"), service.canary.variant))
    for path, variant in partial:
        if variant is not None:
            yield from named(context, (*path, "variant"), variant, f"{format_path(root)}.variants", service.variants)
    yield from engine(context, root, service)
    if service.canary is not None and service.canary.engine is not None:
        yield from engine(context, (*root, "canary"), _as_canary(service, service.canary))


def _as_canary(service: Service, canary: Canary) -> Service:
    """The service as its canary would be alone."""
    own: dict[str, object] = {"engine": canary.engine, "image": canary.image, "canary": None}
    beside = service.variants.get(canary.variant or "")
    if canary.capacity is not None or beside is not None:
        own |= {"capacity": canary.capacity or (beside.capacity if beside else None), "variants": {}, "prefill": None}
    return service.model_copy(update=own)


def _halves(root: SpecPath, service: Service) -> list[tuple[SpecPath, Prefill]]:
    """Every block of servers that read prompts, and what it belongs to."""
    own = [(root, service.prefill), *(((*root, "variants", k), v.prefill) for k, v in service.variants.items())]
    return [(path, half) for path, half in own if half is not None]


def _form(context: Context, root: SpecPath, service: Service) -> Iterator[Diagnostic]:
    """Capacity and where stand in the service or in each variant, never in both."""
    if service.variants:
        for key, value in (("capacity", service.capacity), ("where", service.where), ("prefill", service.prefill)):
            if value is not None:
                yield context.finding(
                    "SPC008",
                    f"{format_path(root)} has variants and a {key} of its own",
                    (*root, key),
                    key=True,
                    help=f"each variant says its own {key}; remove this one",
                )
        return
    for key, value in (("capacity", service.capacity), ("where", service.where)):
        if value is None:
            yield context.finding(
                "SPC008",
                f"{format_path(root)} does not say its {key}",
                root,
                key=True,
                help="capacity: CLASS and where: all (or a selector), or variants with one each",
            )


def _version(context: Context, path: SpecPath, reference: str) -> Iterator[Diagnostic]:
    model, _, version = reference.partition("@")
    yield from named(context, path, model, "models")
    spec = context.platform.models.get(model)
    if spec is None:
        return
    yield from named(context, path, version, f"models.{model}.versions", spec.versions)
    if spec.store not in context.platform.storage:
        yield followed(context, path, f"storage.{spec.store}")


def followed(context: Context, path: SpecPath, cause: str) -> Diagnostic:
    """The entry exists but has a mistake of its own: said there, so only noted here."""
    message = f"{format_path(path)} is not checked further until {cause} is right"
    return context.finding("SPC012", message, path, severity=Severity.INFO, help=f"mend {cause} first", cause=cause)


def _classes(context: Context) -> Iterator[Diagnostic]:
    for name, spec in context.platform.capacity_classes.items():
        yield from shapes(context, name, spec)
        for i, team in enumerate(spec.teams or ()):
            yield from named(context, ("capacityClasses", name, "teams", i), team, "teams")


def _mirrors(context: Context) -> Iterator[Diagnostic]:
    for prefix, said in context.platform.images.mirrors.items():
        for region in said if not isinstance(said, str) else ():
            yield from known_region(context, ("images", "mirrors", prefix, region), region, key=True)


def _places(context: Context) -> Iterator[Diagnostic]:
    seen: dict[str, SpecPath] = {}
    for region, facts in context.platform.regions.items():
        yield from known_region(context, ("regions", region), region, key=True)
        for key, held in facts.reservations.items():
            if held.project is not None:
                yield from named(context, ("regions", region, "reservations", key, "project"), held.project, "projects")
        for name, cluster in facts.clusters.items():
            path: SpecPath = ("regions", region, "clusters", name)
            yield from named(context, (*path, "project"), cluster.project, "projects")
            if name in seen:
                yield context.finding(
                    "SPC007",
                    f"two clusters are called '{name}'",
                    path,
                    key=True,
                    related=(context.span(seen[name], "the first one", key=True),),
                    help="a cluster's name is its folder, its fleet membership and its selector: make it unique",
                )
            seen.setdefault(name, path)
    written = {cluster for region in context.platform.regions.values() for cluster in region.clusters}
    for name, project in context.platform.projects.items():
        if project.config_cluster is not None and not context.clusters_left_out:
            yield from named(context, ("projects", name, "configCluster"), project.config_cluster, "clusters", written)
    for name, gateway in context.platform.gateways.items():
        if gateway.dns is not None and gateway.dns.project is not None:
            yield from named(context, ("gateways", name, "dns", "project"), gateway.dns.project, "projects")
    management = context.platform.management
    if management is not None:
        yield from named(context, ("management", "project"), management.project, "projects")
        yield from known_region(context, ("management", "region"), management.region, key=False)
    for name, team in context.platform.teams.items():
        for accelerator in team.max_chips:
            if not context.catalogue.accelerators_named(accelerator):
                near = context.catalogue.accelerators.near(accelerator)
                yield context.finding(
                    "CAT006",
                    f"no accelerator '{accelerator}' in the catalogue: it would limit nothing",
                    ("teams", name, "maxChips", accelerator),
                    key=True,
                    help=f"did you mean {' or '.join(near)}?" if near else f"they are {', '.join(context.catalogue.accelerators)}",
                )
    for name, queue in context.platform.queues.items():
        yield from named(context, ("queues", name, "team"), queue.team, "teams")
        for capacity in queue.quota:
            yield from named(context, ("queues", name, "quota", capacity), capacity, "capacityClasses", key=True)
    for i, extra in enumerate(context.platform.extra_resources):
        yield from named(context, ("extraResources", i, "team"), extra.team, "teams")


def _models(context: Context) -> Iterator[Diagnostic]:
    for name, model in context.platform.models.items():
        yield from weights(context, name, model)
        yield from named(context, ("models", name, "store"), model.store, "storage")
        if model.secret is not None:
            yield from named(context, ("models", name, "secret"), model.secret, "secrets")
