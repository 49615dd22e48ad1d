"""Capacity classes: shapes that agree, sources that exist, durations GKE takes."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath, format_path
from ..model.base import seconds
from ..model.capacity import CapacityClass, CapacitySource
from .context import Context, clusters


def _sources(name: str, spec: CapacityClass) -> Iterator[tuple[SpecPath, CapacitySource]]:
    for rung in ("baseline", "burst"):
        for i, source in enumerate(getattr(spec, rung)):
            yield ("capacityClasses", name, rung, i), source


def shapes(context: Context) -> Iterator[Diagnostic]:
    """One class, one number of chips: tensor parallel size and Pod requests must hold on every shape."""
    for name, spec in context.platform.capacity_classes.items():
        known = [context.catalogue.machines[s] for s in spec.shape if s in context.catalogue.machines]
        if len({m.chips for m in known}) > 1:
            listed = ", ".join(f"{m.id} has {m.chips}" for m in known)
            yield context.finding(
                "ACC103",
                f"shapes of capacity class {name} differ in chips",
                ("capacityClasses", name, "shape"),
                notes=(listed,),
                help="one class a number of chips: every service of a class must fit each of its shapes",
            )
        for machine in known:
            if machine.accelerator and context.catalogue.accelerators[machine.accelerator].kind == "tpu":
                yield from _topology(context, name, spec, machine.id)


def _topology(context: Context, name: str, spec: CapacityClass, machine: str) -> Iterator[Diagnostic]:
    listed = ", ".join(context.catalogue.machines[machine].topologies)
    if spec.topology is None:
        yield context.finding(
            "ACC104",
            f"capacity class {name} has a TPU machine and no topology",
            ("capacityClasses", name),
            key=True,
            help=f"topology: one of {listed}",
        )
    elif (found := context.catalogue.topology(machine, spec.topology)) is None:
        yield context.finding(
            "ACC104", f"{machine} has no topology {spec.topology}", ("capacityClasses", name, "topology"), help=f"it has {listed}"
        )
    elif found.multi_host:
        yield context.finding(
            "ACC105",
            f"{spec.topology} on {machine} is {found.hosts} hosts: multi-host servers are not emitted yet",
            ("capacityClasses", name, "topology"),
            help="take a topology of one host",
        )


def sources(context: Context) -> Iterator[Diagnostic]:
    """At least one source, and only those that the shape is sold by."""
    for name, spec in context.platform.capacity_classes.items():
        if not spec.baseline and not spec.burst:
            yield context.finding(
                "CAP103",
                f"capacity class {name} has no source",
                ("capacityClasses", name),
                key=True,
                help="baseline: for what is paid for, burst: for what is asked when it is full",
            )
        for path, source in _sources(name, spec):
            if source.kind == "future-reservation":
                yield context.finding(
                    "SPC011", f"{format_path(path)}: future reservations are checked but not emitted yet", path, severity=Severity.INFO
                )
                continue
            for shape in spec.shape:
                machine = context.catalogue.machines.get(shape)
                if machine is not None and source.kind not in machine.consumption:
                    yield context.finding(
                        "CAP104", f"{shape} is not to be had by {source.kind}", path, help=f"it is sold by {', '.join(machine.consumption)}"
                    )
                elif machine is not None and source.kind in machine.doubtful:
                    yield context.finding(
                        "CAP105",
                        f"sources disagree whether {shape} is to be had by {source.kind}",
                        path,
                        severity=Severity.WARNING,
                        help="check with your account team, or keep another source behind it",
                    )


def reservations(context: Context) -> Iterator[Diagnostic]:
    """A class names reservations by key; each region that uses the class has one or is told so."""
    for name, spec in context.platform.capacity_classes.items():
        places = [p for p in context.fleet.places if context.fleet.uses_class(name, p)]
        for path, source in _sources(name, spec):
            if source.kind != "reservation":
                continue
            key = str(source.reservation)
            held = {r for r, facts in context.platform.regions.items() if key in facts.reservations}
            if not held:
                yield context.finding("SPC006", f"no region has a reservation '{key}'", path, help="regions.REGION.reservations holds them")
                continue
            lacking = sorted({p.region for p in places} - held)
            if lacking:
                yield context.finding(
                    "CAP101",
                    f"capacity class {name}: {', '.join(lacking)} has no reservation '{key}'",
                    path,
                    severity=Severity.INFO,
                    notes=("clusters there start with the next source of the class",),
                )
            for region in sorted(held):
                shape = context.platform.regions[region].reservations[key].shape
                if shape not in spec.shape:
                    yield context.finding(
                        "CAP102",
                        f"reservation '{key}' in {region} holds {shape}, class {name} asks for {', '.join(spec.shape)}",
                        path,
                        related=(context.span(("regions", region, "reservations", key, "shape"), "the reserved shape"),),
                    )
        if spec.baseline and not spec.burst:
            for place in places:
                if not any(str(s.reservation) in context.platform.regions[place.region].reservations for s in spec.baseline):
                    yield context.finding(
                        "CAP103",
                        f"capacity class {name} has no source in {place.region}",
                        ("capacityClasses", name),
                        key=True,
                        related=(context.span(place.path, "this cluster uses it", key=True),),
                        help="add a burst source, or a reservation of that region",
                    )


def durations(context: Context) -> Iterator[Diagnostic]:
    """Flex-start nodes live 600 to 604,800 s (cluster-autoscaler@7d25050)."""
    for name, spec in context.platform.capacity_classes.items():
        for path, source in _sources(name, spec):
            if source.flex_start is not None and not 600 <= seconds(source.flex_start) <= 604_800:
                yield context.finding(
                    "CAP106",
                    f"flex-start nodes run 10m to 168h, not {source.flex_start}",
                    (*path, "flexStart"),
                    notes=(f"{seconds(source.flex_start):,} s; GKE takes 600 to 604,800",),
                )


def availability(context: Context) -> Iterator[Diagnostic]:
    """Zones change: a shape nobody saw in a region is a warning, never an error."""
    for name, spec in context.platform.capacity_classes.items():
        regions: dict[str, list] = {}
        for place in context.fleet.places:
            if context.fleet.uses_class(name, place):
                regions.setdefault(place.region, []).append(place)
        for region, places in regions.items():
            for shape in spec.shape:
                if shape in context.catalogue.machines and context.catalogue.seen(shape, region) is None:
                    yield context.finding(
                        "CAP107",
                        f"{shape} was not seen in {region}",
                        ("capacityClasses", name, "shape"),
                        severity=Severity.WARNING,
                        notes=(f"used by {clusters(places)}",),
                        help="ask for quota there first, or choose another region or shape",
                    )
