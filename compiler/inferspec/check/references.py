"""Names that lead somewhere: every key that names another entry of the spec, or a row of the catalogue."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath, format_path
from ..model.serving import Service
from .context import Context


def references(context: Context) -> tuple[list[Diagnostic], dict[str, Service]]:
    """Findings, and the services that can be resolved: without the exposures that lead nowhere."""
    found: list[Diagnostic] = []
    sound: dict[str, Service] = {}
    for name, service in context.platform.serving.items():
        own = list(_service(context, name, service))
        found += own
        wrong = [d.path[2:] for d in own if d.severity is Severity.ERROR]
        if all(path[:1] == ("expose",) for path in wrong):
            lost = {path[1] for path in wrong}
            kept = tuple(e for i, e in enumerate(service.expose) if i not in lost)
            sound[name] = service.model_copy(update={"expose": kept}) if lost else service
    found += _places(context)
    found += _models(context)
    return found, sound


def _names(context: Context, path: SpecPath, name: str, section: str, known: Iterable[str] | None = None) -> Iterator[Diagnostic]:
    """``name``, written at ``path``, is a key of ``section``."""
    keys = context.written(section) if known is None else set(known)
    if name not in keys:
        near = difflib.get_close_matches(name, sorted(keys), 1)
        help = f"did you mean '{near[0]}'?" if near else f"{section} has {', '.join(sorted(keys)) or 'no entries'}"
        yield context.finding("SPC006", f"{format_path(path)}: there is no '{name}' in {section}", path, help=help)


def _service(context: Context, name: str, service: Service) -> Iterator[Diagnostic]:
    root: SpecPath = ("serving", name)
    yield from _names(context, (*root, "team"), service.team, "teams")
    yield from _form(context, root, service)
    if service.model is None and not all(v.model for v in service.variants.values()):
        yield context.finding("SPC002", f"{format_path(root)} has no model", root, key=True, help="model: MODEL@VERSION of 'models'")
    settings = [
        (root, service),
        *(((*root, "variants", k), v) for k, v in service.variants.items()),
        *(((*root, "overrides", i), o) for i, o in enumerate(service.overrides)),
    ]
    for path, setting in settings:
        if setting.model is not None:
            yield from _version(context, (*path, "model"), setting.model)
    if service.canary is not None:
        yield from _version(context, (*root, "canary", "model"), service.canary.model)
    for path, capacity in [
        ((*root, "capacity"), service.capacity),
        *(((*root, "variants", k, "capacity"), v.capacity) for k, v in service.variants.items()),
    ]:
        if capacity is not None:
            yield from _names(context, path, capacity, "capacityClasses")
            yield from _class(context, path, capacity)
    for i, exposure in enumerate(service.expose):
        yield from _names(context, (*root, "expose", i, "gateway"), exposure.gateway, "gateways")
        if exposure.objective is not None:
            yield from _names(context, (*root, "expose", i, "objective"), exposure.objective, "objectives")
    for i, override in enumerate(service.overrides):
        if override.variant is not None:
            yield from _names(
                context, (*root, "overrides", i, "variant"), override.variant, f"{format_path(root)}.variants", service.variants
            )
    yield from _engine(context, root, service)


def _form(context: Context, root: SpecPath, service: Service) -> Iterator[Diagnostic]:
    """Capacity and where stand in the service or in each variant, never in both."""
    if service.variants:
        for key, value in (("capacity", service.capacity), ("where", service.where)):
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
    missing = list(_names(context, path, model, "models"))
    yield from missing
    spec = context.platform.models.get(model)
    if spec is None:
        if not missing:
            yield _followed(context, path, f"models.{model}")
        return
    yield from _names(context, path, version, f"models.{model}.versions", spec.versions)
    if spec.store not in context.platform.storage:
        yield _followed(context, path, f"storage.{spec.store}")


def _followed(context: Context, path: SpecPath, cause: str) -> Diagnostic:
    """The entry exists but has a mistake of its own: said there, so only noted here."""
    return context.finding("SPC012", f"{format_path(path)} is not checked further until {cause} is right", path, severity=Severity.ERROR)


def _class(context: Context, path: SpecPath, name: str) -> Iterator[Diagnostic]:
    spec = context.platform.capacity_classes.get(name)
    if spec is None:
        if name in context.written("capacityClasses"):
            yield _followed(context, path, f"capacityClasses.{name}")
        return
    for i, shape in enumerate(spec.shape):
        if shape not in context.catalogue.machines:
            written = ("capacityClasses", name, "shape")
            near = context.catalogue.machines.near(shape)
            yield context.finding(
                "CAT001",
                f"no machine type '{shape}' in the catalogue",
                written if len(spec.shape) == 1 else (*written, i),
                help=f"did you mean {' or '.join(near)}?" if near else "add a row to your own catalog/machines.yaml",
            )
        elif not context.catalogue.machines[shape].accelerator:
            yield context.finding("CAT001", f"{shape} has no accelerator: a service needs one", ("capacityClasses", name, "shape"))


def _engine(context: Context, root: SpecPath, service: Service) -> Iterator[Diagnostic]:
    name, _, pinned = service.engine.partition("@")
    engine = context.catalogue.engine(name)
    if pinned and engine.version(pinned) is None:
        known = ", ".join(v.version for v in engine.versions)
        yield context.finding("CAT004", f"the catalogue has no {name} {pinned}", (*root, "engine"), help=f"it has {known}")
        return
    stack = context.catalogue.stack(context.platform.stack)
    for capacity in [service.capacity, *(v.capacity for v in service.variants.values())]:
        spec = context.platform.capacity_classes.get(capacity or "")
        machine = context.catalogue.machines.get(spec.shape[0]) if spec else None
        if machine is None or not machine.accelerator:
            continue
        kind = context.catalogue.accelerators[machine.accelerator].kind
        version = pinned or stack.engine_version(name, kind)
        if service.image is None and (version is None or engine.image(version, kind) is None):
            yield context.finding(
                "CAT004",
                f"the catalogue has no {kind.upper()} image of {name} {version or 'for ' + stack.id}",
                (*root, "engine"),
                help="pin a version that has one, or write image:",
            )


def _places(context: Context) -> Iterator[Diagnostic]:
    seen: dict[str, SpecPath] = {}
    for region, facts in context.platform.regions.items():
        if region not in context.catalogue.regions:
            near = context.catalogue.regions.near(region)
            yield context.finding(
                "CAT003",
                f"there is no region '{region}'",
                ("regions", region),
                key=True,
                help=f"did you mean {near[0]}?" if near else "regions are those of Compute Engine",
            )
        for name, cluster in facts.clusters.items():
            path: SpecPath = ("regions", region, "clusters", name)
            yield from _names(context, (*path, "project"), cluster.project, "projects")
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
    management = context.platform.management
    if management is not None:
        yield from _names(context, ("management", "project"), management.project, "projects")
    if "platform" in context.platform.teams:
        yield context.finding(
            "SPC007", "'platform' is the platform team's own part: no team can be called so", ("teams", "platform"), key=True
        )


def _models(context: Context) -> Iterator[Diagnostic]:
    for name, model in context.platform.models.items():
        yield from _names(context, ("models", name, "store"), model.store, "storage")
        if model.secret is not None:
            yield from _names(context, ("models", name, "secret"), model.secret, "secrets")
        facts = context.catalogue.model(model.source)
        if facts is None and model.architecture is None:
            yield context.finding(
                "CAT002",
                f"the catalogue does not know {model.source}: whether it fits cannot be checked",
                ("models", name, "source"),
                severity=Severity.WARNING,
                help="write its config.json numbers under architecture:, and size:",
            )
        elif facts is not None and facts.gated and model.secret is None and model.source.startswith("hf://"):
            yield context.finding(
                "SEC110",
                f"{model.source} is gated: its download needs a token",
                ("models", name, "source"),
                help="name a secret: under this model",
            )
