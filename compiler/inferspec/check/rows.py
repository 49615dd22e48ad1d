"""Names of rows of the catalogue: machines, engines, regions, models; and the rows that a spec writes itself."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath, format_path
from ..model.capacity import CapacityClass
from ..model.serving import Service, Variant
from ..model.storage import Model
from ..nearest import nearest
from ..resolve.ladder import sources
from .architecture import contradictions
from .context import Context

CUSTOM = "custom"
"""The engine that is a container of the spec's own."""


def shapes(context: Context, name: str, spec: CapacityClass) -> Iterator[Diagnostic]:
    """Machines of the catalogue, with an accelerator where a service is served from the class."""
    root: SpecPath = ("capacityClasses", name)
    serves = any(name in capacities(service) for service in context.platform.serving.values())
    asked = [((*root, "shape", i), shape) for i, shape in enumerate(spec.shape)]
    asked += [((*root, *at, "shape"), source.shape) for at, source in sources(spec) if source.shape is not None]
    for path, shape in asked:
        if shape not in context.catalogue.machines:
            yield unknown_machine(context, path, shape)
        elif serves and not context.catalogue.machines[shape].accelerator:
            yield context.finding(
                "CAT001",
                f"{shape} has no accelerator: a service needs one",
                path,
                help="a machine type with GPUs or TPU chips, such as g2-standard-8",
            )
        elif spec.where is None and not serves and not context.catalogue.machines[shape].accelerator:
            yield context.finding(
                "CAT001",
                f"{shape} has no accelerator, and no cluster has class {name}",
                path,
                help="where: names the clusters that have the class for Pods that are not of this spec",
            )


def unknown_machine(context: Context, path: SpecPath, shape: str) -> Diagnostic:
    near = context.catalogue.machines.near(shape)
    return context.finding(
        "CAT001",
        f"no machine type '{shape}' in the catalogue",
        path,
        notes=("GKE reports MachineTypeNotFound",),
        help=f"did you mean {' or '.join(near)}?" if near else "add a row to your own catalog/machines.yaml",
    )


def engine(context: Context, root: SpecPath, service: Service) -> Iterator[Diagnostic]:
    name, _, pinned = service.engine.partition("@")
    if name not in context.catalogue.engines():
        near = nearest(name, context.catalogue.engines())
        known = ", ".join(context.catalogue.engines())
        yield context.finding(
            "CAT007",
            f"the catalogue has no engine '{name}'",
            (*root, "engine"),
            help=f"did you mean '{near[0]}'?" if near else f"it has {known}; engine: custom takes any container",
        )
        return
    if (name == CUSTOM) != (service.container is not None) or (name == CUSTOM and service.image is None):
        yield context.finding(
            "SRV120",
            f"{format_path(root)} has engine {name} and "
            + ("a container of its own" if name != CUSTOM else "no container" if service.container is None else "no image"),
            (*root, "container") if service.container is not None and name != CUSTOM else (*root, "engine"),
            key=service.container is not None and name != CUSTOM,
            help="engine: custom comes with image: and container:, every other engine without a container",
        )
        return
    if name == CUSTOM:
        return
    row = context.catalogue.engine(name)
    if pinned and row.version(pinned) is None:
        known = ", ".join(v.version for v in row.versions)
        way = f"it has {known}" if known else f"it has no version of {name}: engine: {name}, with image: of your own"
        yield context.finding("CAT004", f"the catalogue has no {name} {pinned}", (*root, "engine"), help=way)
        return
    stack = context.catalogue.stack(context.platform.stack)
    made = sorted({kind for version in row.versions for kind in version.images})
    for capacity in capacities(service):
        spec = context.platform.capacity_classes.get(capacity or "")
        machine = context.catalogue.machines.get(spec.shape[0]) if spec else None
        if machine is None or not machine.accelerator:
            continue
        kind = context.catalogue.accelerators[machine.accelerator].kind
        newest = row.newest(kind)
        version = pinned or stack.engine_version(name, kind) or (newest.version if newest is not None else None)
        if service.image is not None or (version is not None and row.image(version, kind) is not None):
            continue
        missing = f"{kind.upper()} image of {name}"
        if kind in made:
            message, way = f"{missing} {version or 'for ' + stack.id}", "pin a version that has one, or write image:"
        else:
            others = f"its images are for {' and '.join(made).upper()}" if made else f"there is no image of {name} in the catalogue"
            message, way = missing, f"{others}; write image: if you have one"
        yield context.finding("CAT004", f"the catalogue has no {message}", (*root, "engine"), help=way)


def known_region(context: Context, path: SpecPath, region: str, *, key: bool) -> Iterator[Diagnostic]:
    if region not in context.catalogue.regions:
        near = context.catalogue.regions.near(region)
        yield context.finding(
            "CAT003",
            f"there is no region '{region}'",
            path,
            key=key,
            help=f"did you mean {near[0]}?" if near else "regions are those of Compute Engine",
        )


def capacities(service: Service) -> list[str | None]:
    own: list[Service | Variant] = [service, *service.variants.values()]
    beside = [service.canary.capacity] if service.canary is not None else []
    return [*(s.capacity for s in own), *(s.prefill.capacity for s in own if s.prefill is not None), *beside]


def weights(context: Context, name: str, model: Model) -> Iterator[Diagnostic]:
    """A model whose size is known, and whose download may be let in."""
    if model.architecture is not None:
        yield from contradictions(context, name, model.architecture, model.size)
    facts = context.catalogue.model(model.source)
    if facts is None and model.architecture is None and model.source.startswith("hf://"):
        unsized = model.size is None
        yield context.finding(
            "CAT002",
            f"the catalogue does not know {model.source}: whether it fits cannot be checked",
            ("models", name, "source"),
            severity=Severity.ERROR if unsized else Severity.WARNING,
            notes=("without a size there is no file cache, no memory request and no start-up budget to derive",) if unsized else (),
            help=f"write {'the bytes of its weights under size:, and ' if unsized else ''}its config.json numbers under architecture:",
        )
    elif facts is not None and facts.gated and model.secret is None and model.source.startswith("hf://"):
        yield context.finding(
            "SEC110",
            f"{model.source} is gated: its download needs a token",
            ("models", name, "source"),
            help="name a secret: under this model",
        )
