"""Capacity classes: shapes that agree, sources that exist, teams that may use them."""

from __future__ import annotations

from collections.abc import Iterator

from ..catalog import Machine
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.capacity import CapacityClass
from ..resolve.ladder import shapes as shapes_of
from ..resolve.ladder import sources as sources_of
from .context import Context, clusters

SOLD_AS = {"any-reservation": "reservation"}
"""What a machine must be had by for a source, where it is not the source's own name."""


def unenforced(context: Context) -> Iterator[Diagnostic]:
    """GKE places the nodes of an Autopilot cluster; those of a Standard one stand where Terraform says."""
    zoned = [p for p in context.fleet.places if p.cluster.zones is not None and p.cluster.mode == "autopilot"]
    if zoned:
        yield context.finding(
            "SPC018",
            f"zones of {clusters(zoned)} are known to policies and checks alone: GKE places the nodes of an Autopilot cluster",
            (*zoned[0].path, "zones"),
            severity=Severity.INFO,
            help="zones: of a capacity class choose where its nodes are made",
        )


def shapes(context: Context) -> Iterator[Diagnostic]:
    """One class, one number of chips: tensor parallel size and Pod requests must hold on every shape."""
    for name, spec in context.platform.capacity_classes.items():
        known = machines(context, name, spec)
        if len({m.chips for _, m in known}) > 1:
            path = next(path for path, m in known if m.chips != known[0][1].chips)
            yield context.finding(
                "ACC103",
                f"shapes of capacity class {name} differ in chips",
                path,
                notes=(", ".join(f"{m.id} has {m.chips}" for m in {m.id: m for _, m in known}.values()),),
                help="one class a number of chips: every service of a class must fit each of its shapes",
            )
        for machine in {m.id: m for _, m in known}.values():
            if machine.accelerator and context.catalogue.accelerators[machine.accelerator].kind == "tpu":
                yield from _topology(context, name, spec, machine.id)
            elif spec.topology is not None:
                yield context.finding(
                    "ACC104",
                    f"{machine.id} is no TPU machine, and has no topology",
                    ("capacityClasses", name, "topology"),
                    notes=("a topology is the form of a TPU slice",),
                    help="remove it",
                )


def machines(context: Context, name: str, spec: CapacityClass) -> list[tuple[SpecPath, Machine]]:
    """Every shape that a class names, of its own and of single sources, with its place."""
    root: SpecPath = ("capacityClasses", name)
    asked: list[tuple[SpecPath, str]] = [((*root, "shape"), s) for s in spec.shape]
    asked += [((*root, *at, "shape"), source.shape) for at, source in sources_of(spec) if source.shape is not None]
    return [(path, context.catalogue.machines[s]) for path, s in asked if s in context.catalogue.machines]


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
    elif context.catalogue.topology(machine, spec.topology) is None:
        yield context.finding(
            "ACC104", f"{machine} has no topology {spec.topology}", ("capacityClasses", name, "topology"), help=f"it has {listed}"
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
                notes=("GKE reports NoRuleMatching for every Pod that asks for it",),
                help="baseline: for what is paid for, burst: for what is asked when it is full",
            )
        for at, source in sources_of(spec):
            kind, path = SOLD_AS.get(source.kind, source.kind), ("capacityClasses", name, *at)
            for shape in shapes_of(spec, source):
                machine = context.catalogue.machines.get(shape)
                if machine is not None and kind in machine.doubtful:
                    yield context.finding(
                        "CAP105",
                        f"sources disagree whether {shape} is to be had by {kind}",
                        path,
                        severity=Severity.WARNING,
                        help="check with your account team, or keep another source behind it",
                    )
                elif machine is not None and kind not in machine.consumption:
                    yield context.finding(
                        "CAP104",
                        f"{shape} is not to be had by {kind}",
                        path,
                        notes=("GKE reports RuleMisconfigured for the rule",),
                        help=f"it is sold by {', '.join(machine.consumption)}",
                    )


def teams(context: Context) -> Iterator[Diagnostic]:
    """A class that names its teams serves no other."""
    for service, spec in context.platform.serving.items():
        named: list[tuple[SpecPath, str | None]] = [(("serving", service, "capacity"), spec.capacity)]
        named += [(("serving", service, "variants", k, "capacity"), v.capacity) for k, v in spec.variants.items()]
        for path, name in named:
            allowed = context.platform.capacity_classes[name].teams if name else None
            if allowed is not None and spec.team not in allowed:
                yield context.finding(
                    "CAP108",
                    f"{service} is of team {spec.team}; capacity class {name} is for {', '.join(allowed)}",
                    path,
                    related=(context.span(("capacityClasses", str(name), "teams"), "who may use it"),),
                    help="take another class, or add the team to the class",
                    presumes=("names", "teams"),
                )
