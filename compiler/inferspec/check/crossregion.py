"""Cross-regional gateways: the fleet they stand in, the network they ask through, when they change and where requests may go."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..resolve.crossregion import asks_from, fleets, targets
from ..resolve.places import Place
from .context import USED, Context, agreeing, by_region, clusters

REFUSED = {
    "address": "its addresses are whichever is free in each region",
    "cloud_armor": "no source says that it takes a Cloud Armor policy",
    "dns": "its addresses are whichever is free in each region, and records need reserved ones",
    "model_armor": "Model Armor is a service of one region",
    "tls": "no source says how it takes a certificate",
}
"""Fields that other classes take -> why this one does not."""
ALONE = {"balancing": "regional gateways lead to one cluster", "residency": "dns.residency says it of the records of a regional gateway"}
"""Fields of this class alone -> why others do not take them."""
KEYS = {"cloud_armor": "cloudArmor", "model_armor": "modelArmor"}


def written(context: Context) -> Iterator[Diagnostic]:
    """Each key stands where its class takes it."""
    for name, gateway in context.platform.gateways.items():
        crossing = name in context.fleet.config_clusters
        for field, why in (REFUSED if crossing else ALONE).items():
            if getattr(gateway, field) is not None:
                key = KEYS.get(field, field)
                yield context.finding(
                    "GTW140",
                    f"gateway {name} is {gateway.class_}, which takes no {key}: {why}",
                    ("gateways", name, key),
                    key=True,
                    related=(context.span(("gateways", name, "class"), "its class"),),
                    help=f"remove {key}" + (", or class: regional-internal in each region, with dns" if crossing else ""),
                )


def config_clusters(context: Context) -> Iterator[Diagnostic]:
    """The fleet of a cross-regional gateway says which of its clusters has it."""
    places = {place.name: place for place in context.fleet.places}
    for project, spec in context.platform.projects.items():
        said = places.get(spec.config_cluster or "")
        if said is not None and said.cluster.project != project:
            yield context.finding(
                "GTW136",
                f"{said.name} is a cluster of project {said.cluster.project}: it cannot hold the gateways of the fleet of {project}",
                ("projects", project, "configCluster"),
                related=(context.span((*said.path, "project"), "its project"),),
                help=f"clusters of {project}: {clusters(_of(context, project)) or 'none'}",
            )
    for name in context.fleet.config_clusters:
        for project in fleets(context.fleet, name)[:1]:
            if context.platform.projects[project].config_cluster is None:
                yield context.finding(
                    "GTW136",
                    f"gateway {name}: project {project} does not say which cluster holds the gateways of its fleet",
                    ("gateways", name, "class"),
                    related=(context.span(("projects", project), "the project", key=True),),
                    notes=("one Gateway leads to all of its clusters: it stands in the config cluster, which may serve too",),
                    help=f"projects: {{{project}: {{configCluster: {(_of(context, project))[0].name}}}}}, or another of its clusters",
                )


def _of(context: Context, project: str) -> list[Place]:
    return [place for place in context.fleet.places if place.cluster.project == project]


def one_fleet(context: Context) -> Iterator[Diagnostic]:
    """A multi-cluster Gateway balances within one fleet and one VPC network: both are the project's."""
    for name in context.fleet.config_clusters:
        projects = fleets(context.fleet, name)
        if len(projects) < 2:
            continue
        led = [place for place in context.fleet.places if context.fleet.has_gateway(name, place)]
        held = {project: clusters([place for place in led if place.cluster.project == project]) for project in projects}
        yield context.finding(
            "GTW137",
            f"gateway {name} leads to clusters of {len(projects)} projects, and each is a fleet with a network of its own",
            ("gateways", name, "where"),
            related=tuple(context.span(("projects", project), f"the fleet of {found}", key=True) for project, found in held.items()),
            notes=("; ".join(f"{project}: {found}" for project, found in held.items()),),
            help="narrow where to the clusters of one project, or a gateway for each, with a host of its own",
        )


def _within_a_fleet(context: Context) -> Iterator[str]:
    """Gateways that one_fleet has nothing to say of: what rests on its mistake is not said again."""
    return (name for name in context.fleet.config_clusters if len(fleets(context.fleet, name)) == 1)


def subnets(context: Context) -> Iterator[Diagnostic]:
    """Each purpose has a proxy-only subnet of its own, and a region of the spec has the range of one."""
    crossing = [name for name in _within_a_fleet(context) if not any(_mixed(context, name))]
    for other, gateway in context.platform.gateways.items():
        if other in context.fleet.config_clusters or not _purpose(context, other):
            continue
        stands = [place for place in context.fleet.places if context.fleet.has_gateway(other, place)]
        met = {name: shared for name in crossing if (shared := [p for p in stands if asks_from(context.fleet, name, p)])}
        if not met:
            continue
        notes = [
            f"{name} asks through {_purpose(context, name)}, {other} through {_purpose(context, other)}: {', '.join(by_region(shared))}"
            f" of project {shared[0].cluster.project}"
            for name, shared in met.items()
        ]
        yield context.finding(
            "GTW138",
            f"gateways {other} and {', '.join(met)} need a proxy-only subnet each in one region, and the spec has the range of one",
            ("gateways", other, "where"),
            related=tuple(context.span(("gateways", name, "where"), f"{name} leads there") for name in met),
            notes=(*notes, "a subnet has one purpose, and proxySubnet of a region is one subnet"),
            help="narrow where of one of them: the gateways of a region are all cross-regional or all regional"
            + (f", or class: {gateway.class_} for all, with dns" if gateway.class_ == "regional-internal" else ""),
        )


def _purpose(context: Context, gateway: str) -> str:
    """Of the subnet that its proxies ask from; none of a global one."""
    return context.catalogue.stack(context.platform.stack).gateway_classes[context.platform.gateways[gateway].class_].proxy_subnet


def waves(context: Context) -> Iterator[Diagnostic]:
    """What leads to pools changes after them."""
    revisions = [wave.revision for wave in context.platform.delivery.waves]
    for name in _within_a_fleet(context):
        config = context.fleet.config_clusters[name]
        if config is None or config.wave < 0:
            continue
        early = [p for p in targets(context.fleet, name) if p is not config and p.wave >= config.wave]
        held = [p for p in early if revisions[p.wave] is not None or revisions[config.wave] is not None]
        if not held:
            continue
        path: SpecPath = ("delivery", "waves", config.wave, "where")
        when = f"{config.name} is in wave {config.wave + 1}, {held[0].name} in wave {held[0].wave + 1}"
        yield context.finding(
            "GTW144",
            f"gateway {name}: its config cluster {config.name} does not change after {clusters(held)}, where its pools are",
            path,
            related=(context.span(("projects", config.cluster.project, "configCluster"), "the config cluster"),),
            notes=(f"{when}: a route would lead to what is not there yet",),
            help=f"a wave of its own, the last: {{where: {{cluster: {config.name}}}, revision: …}}, and no wave before that selects it",
        )


def residencies(context: Context) -> Iterator[Diagnostic]:
    """Requests go to any cluster that has room: all of them are of one residency."""
    for name in _within_a_fleet(context):
        own = context.platform.gateways[name].residency
        for label, path, held in _mixed(context, name):
            several = len(held) > 1
            yield context.finding(
                "GTW139",
                f"gateway {name} leads requests across residencies: it balances over clusters of {len(held)} values of {label}"
                if several
                else f"gateway {name}: whether requests stay in their residency cannot be told: "
                f"{agreeing(held[''], 'has', 'have')} no label {own}",
                ("gateways", name, "where"),
                related=(context.span(path, "the label of residency"),),
                notes=(
                    "; ".join(f"{value or 'no ' + label}: {clusters(found)}" for value, found in held.items()),
                    "a lost or full cluster's requests go to the others, and an import cannot be parted by label",
                ),
                help=f"where: {{label: {{{label}: VALUE}}}}; for the others class regional-internal, or a service of their own"
                if several
                else f"labels: {{{label}: …}} of each cluster",
            )


def _mixed(context: Context, gateway: str) -> Iterator[tuple[str, SpecPath, dict[str, list[Place]]]]:
    """Labels of residency that requests of the gateway would not keep to, where each is said, and the clusters by its values."""
    own = context.platform.gateways[gateway].residency
    said: dict[str, SpecPath] = {}
    for other, spec in context.platform.gateways.items():
        if spec.dns is not None and spec.dns.residency is not None:
            said.setdefault(spec.dns.residency, ("gateways", other, "dns", "residency"))
        if spec.residency is not None:
            said.setdefault(spec.residency, ("gateways", other, "residency"))
    for label, path in said.items() if own is None else [(own, ("gateways", gateway, "residency"))]:
        held: dict[str, list[Place]] = {}
        for place in targets(context.fleet, gateway):
            held.setdefault(place.cluster.labels.get(label, ""), []).append(place)
        if len(held) > 1 or (own is not None and "" in held):
            yield label, path, held


def lost(context: Context) -> Iterator[Diagnostic]:
    """Servers in one region alone: the class gives nothing that regional-internal does not."""
    for name in context.fleet.config_clusters:
        found = by_region(list(targets(context.fleet, name)))
        if len(found) == 1:
            yield context.finding(
                "GTW145",
                f"gateway {name}: nothing takes over when a region is lost: it leads to {next(iter(found))} alone",
                ("gateways", name, "where"),
                severity=Severity.INFO,
                help="a second region that runs the service, or class: regional-internal",
                presumes=USED,
            )
