"""Names that would meet: namespaces, objects and directories that two entries of the spec would share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..diagnostics import Diagnostic, SpecPath, format_path
from ..resolve.naming import GATEWAY_NAMESPACE, objective_name, writer_name
from ..resolve.scaling import HPA, KEDA
from ..resolve.settings import WorkloadKey, canary_of
from .context import Context

_TAKEN = re.compile(r"default|kube-.*|gke-.*|gmp-.*|config-management-.*|istio-.*|resource-group-system|cnrm-.*")
"""Namespaces of Kubernetes, GKE and Config Sync (Config Sync refuses to manage its own: KNV1034)."""

Claim = tuple[str, str, str]
"""(what it is, its namespace or "", its name)."""


def namespaces(context: Context) -> Iterator[Diagnostic]:
    """A team's namespace is its own: it is declared once, and every object of the team is in it."""
    first: dict[str, str] = {}
    for name, team in context.platform.teams.items():
        path: SpecPath = ("teams", name, "namespace")
        if name == "platform":
            message = "'platform' is the platform team's own part: no team can be called so"
            yield context.finding("SPC007", message, ("teams", name), key=True, help="choose another name")
        if name == "management" and context.platform.management is not None:
            message = "'management' is the part of the management cluster: no team can be called so"
            yield context.finding("SPC007", message, ("teams", name), key=True, help="choose another name")
        if team.namespace == GATEWAY_NAMESPACE or _TAKEN.fullmatch(team.namespace):
            yield context.finding("SPC007", f"namespace {team.namespace} is not a team's to have", path, help="choose another name")
        elif (other := first.setdefault(team.namespace, name)) != name:
            yield context.finding(
                "SPC007",
                f"teams {other} and {name} have one namespace, {team.namespace}",
                path,
                related=(context.span(("teams", other, "namespace"), "the first one"),),
                notes=("Config Sync refuses an object that two RootSyncs declare (KNV1060)",),
                help="give each team its own",
            )


def projects(context: Context) -> Iterator[Diagnostic]:
    """An id and a number are of one project each; one key of two projects may be copied from the other."""
    first: dict[tuple[str, str | int], SpecPath] = {}
    for name in sorted(context.platform.projects, key=lambda name: context.span(("projects", name), key=True).line):
        project = context.platform.projects[name]
        for key, value in (("id", project.id), ("number", project.number)):
            path: SpecPath = ("projects", name, key)
            other = first.setdefault((key, value), path)
            if other != path:
                yield context.finding(
                    "SPC032",
                    f"projects {other[1]} and {name} have one {key}, {value}",
                    path,
                    related=(context.span(other, "the first one"),),
                    notes=("grants of Workload Identity are made of the number, everything else of the id; a project has one of each",),
                    help=f"the {key} that 'gcloud projects describe' prints, or one entry for both",
                )
                break


def collisions(context: Context) -> Iterator[Diagnostic]:
    """Two entries whose objects or directories would have one name: one would silently replace the other."""
    first: dict[Claim, SpecPath] = {}
    told: set[tuple[SpecPath, SpecPath]] = set()
    for claim, path in _claims(context):
        other = first.setdefault(claim, path)
        if other != path and (other, path) not in told:
            told.add((other, path))
            what, namespace, name = claim
            owner = "the platform" if len(other) == 1 else format_path(other)
            yield context.finding(
                "SPC007",
                f"{owner} and {format_path(path)} both make {what} {namespace + '/' if namespace else ''}{name}",
                path,
                key=True,
                related=(context.span(other, "the first one", key=True),),
                help="rename one of them",
            )


def _claims(context: Context) -> Iterator[tuple[Claim, SpecPath]]:
    """What each entry makes, as plan.facets and the views name it."""
    platform = context.platform
    yield ("directory", "", "platform"), ("name",)
    if platform.gateways:
        yield ("directory", "", "gateway-namespace"), ("gateways",)
    for section, prefix, entries in (
        ("teams", "namespace", platform.teams),
        ("capacityClasses", "class", platform.capacity_classes),
        ("gateways", "gateway", platform.gateways),
        ("queues", "queue", platform.queues),
        ("queues", "local-queue", platform.queues),
        ("capacityClasses", "flavor", [c for c in platform.capacity_classes if any(c in q.quota for q in platform.queues.values())]),
    ):
        for name in entries:
            yield ("directory", "", f"{prefix}-{name}"), (section, name)
    for key in context.fleet.workload_keys:
        yield from _of_workload(context, key)
    for download in context.fleet.downloads:
        name, path = writer_name(download.artefact.key), download.artefact.path
        yield ("directory", "", name), path
        yield ("ServiceAccount", download.namespace, name), path


def _of_workload(context: Context, key: WorkloadKey) -> Iterator[tuple[Claim, SpecPath]]:
    workload = context.fleet.workload(key, context.fleet.base)
    name, namespace, path = workload.name, workload.namespace, workload.path
    yield ("directory", "", name), path
    yield ("ServiceAccount", namespace, name), path
    for by, suffix in ((HPA, "autoscaling"), (KEDA, "keda")):
        if context.fleet.ever_scaled_by(by, key):
            yield ("directory", "", f"{name}-{suffix}"), path
    if context.fleet.ever_buffered(key):
        yield ("directory", "", f"{name}-buffer"), path
    if workload.service.alerts.fallback is not None:
        yield ("directory", "", f"{name}-fallback"), path
    if key in context.fleet.with_placeholders:
        yield ("directory", "", f"{name}-placeholder"), path
    if key.prefill:
        return
    if workload.service.expose:
        yield ("directory", "", f"{name}-{'pool' if workload.pooled else 'backend'}"), path
        yield ("GCPBackendPolicy", namespace, name), path
    if workload.pooled:
        yield ("ServiceAccount", namespace, f"{name}-picker"), path
    for exposure in workload.service.expose:
        if exposure.gateway in context.fleet.config_clusters:
            yield ("directory", "", f"{name}-pool-exported"), path
            yield ("directory", "", f"{name}-import-{exposure.gateway}"), path
            yield ("GCPBackendPolicy", namespace, f"{name}-import"), path
        if key.canary:
            continue
        yield ("directory", "", f"{name}-route-{exposure.gateway}"), path
        if canary_of(context.platform, key) is not None:
            yield ("directory", "", f"{name}-route-{exposure.gateway}-canary"), path
        yield ("HTTPRoute", namespace, f"{name}-{exposure.gateway}"), path
        if exposure.objective is not None:
            # Variants that share no cluster share the name.
            yield ("InferenceObjective", namespace, objective_name(context.fleet.called(key), exposure.objective)), ("serving", key.service)
