"""What a spec brings itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..diagnostics import Diagnostic, SpecPath
from ..resolve.workload import Workload
from .context import Context


def manifests(context: Context) -> Iterator[Diagnostic]:
    """A manifest of one's own is an object of its team's namespace, with a name, and plain values."""
    for i, extra in enumerate(context.platform.extra_resources):
        at: SpecPath = ("extraResources", i)
        team = context.platform.teams.get(extra.team)
        if team is None:
            continue  # check.references says so
        metadata = extra.manifest.get("metadata")
        held = metadata if isinstance(metadata, dict) else {}
        wanted: list[tuple[str, Any]] = [("apiVersion", extra.manifest.get("apiVersion")), ("kind", extra.manifest.get("kind"))]
        wanted += [("metadata.name", held.get("name")), ("metadata.namespace", held.get("namespace"))]
        for key, value in wanted:
            if not isinstance(value, str) or not value:
                yield context.finding(
                    "SPC022",
                    f"the manifest has no {key}",
                    (*at, "manifest"),
                    key=True,
                    help="apiVersion, kind, metadata.name and metadata.namespace",
                )
        if isinstance(held.get("namespace"), str) and held["namespace"] != team.namespace:
            yield context.finding(
                "SPC022",
                f"the manifest is in namespace {held['namespace']}, team {extra.team} has {team.namespace}",
                (*at, "manifest", "metadata", "namespace"),
                help="a team's part holds its own namespace alone",
            )
        for path, value in leaves(extra.manifest, (*at, "manifest")):
            if value is None or isinstance(value, float) or value == {} or value == []:
                what = "a decimal" if isinstance(value, float) else "an empty value"
                yield context.finding(
                    "SPC022", f"{what} cannot stand in an object", path, help="quantities are text: quote it; leave out what is empty"
                )


def selectors(context: Context) -> Iterator[Diagnostic]:
    """A Service or pool of one's own that selects the servers of several workloads mixes models that do not answer alike."""
    for i, extra in enumerate(context.platform.extra_resources):
        spec = extra.manifest.get("spec")
        said = spec.get("selector") if isinstance(spec, dict) else None
        wanted = said.get("matchLabels", said) if isinstance(said, dict) else None
        if extra.manifest.get("kind") not in ("Service", "InferencePool") or not isinstance(wanted, dict) or not wanted:
            continue
        mine = [w for w in context.workloads() if w.service.team == extra.team]
        own = {w.front_name: w for w in mine if wanted.items() <= _pod_labels(w).items()}
        if len(own) > 1:
            models = {w.model_key for w in own.values()}
            yield context.finding(
                "GTW171",
                f"{extra.manifest['kind']} {_name(extra.manifest)} selects the servers of {', '.join(own)}",
                ("extraResources", i, "manifest", "spec", "selector"),
                key=True,
                notes=(f"a request for one model reaches servers of {' and '.join(sorted(models))}",) if len(models) > 1 else (),
                help=f"app: {next(iter(own.values())).name} selects one workload",
            )


def _pod_labels(w: Workload) -> dict[str, str]:
    """Labels of a server's Pods that a selector may name."""
    found = {
        "app": w.name,
        "app.kubernetes.io/name": w.name,
        "app.kubernetes.io/component": "server",
        "app.kubernetes.io/part-of": w.platform.name,
    }
    if w.pooled:
        found[w.stack.labels["engineType"]] = w.engine.engine_label
    if w.half:
        found |= {"inferspec.dev/pool": w.front_name, w.stack.labels["role"]: w.half}
    return found


def _name(manifest: dict[str, Any]) -> str:
    metadata = manifest.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def leaves(node: Any, path: SpecPath) -> Iterator[tuple[SpecPath, Any]]:
    """What holds nothing further, with its path."""
    if isinstance(node, dict) and node:
        for key, item in node.items():
            yield from leaves(item, (*path, key))
    elif isinstance(node, list) and node:
        for i, item in enumerate(node):
            yield from leaves(item, (*path, i))
    else:
        yield path, node
