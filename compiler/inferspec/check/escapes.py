"""What a spec brings itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..diagnostics import Diagnostic, SpecPath
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
