"""The peers' fleet in each tool's own form, from one description with a mark wherever a value of the cluster stands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from peer_objects import Values, fields, marked, objects

_MARK = re.compile(r"XX([a-z]+)XX")


class _Dumper(yaml.SafeDumper):
    """Block style as `kubectl` and kustomize write it; the C dumper would give the same bytes."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(tree: Any) -> str:
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, width=1 << 20)


def file_name(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"


def measure() -> dict[str, int]:
    """What one cluster amounts to: a wrong fixture shows here."""
    texts = [dump(manifest) for manifest in objects(fields(0))]
    patched = [ops for manifest in marked() if (ops := list(_marks(manifest)))]
    return {
        "objects": len(texts),
        "patched objects": len(patched),
        "values": sum(map(len, patched)),
        "bytes": sum(map(len, texts)),
        "lines": sum(text.count("\n") for text in texts),
    }


def _marks(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """JSON pointer and text of every leaf with a mark."""
    if isinstance(node, dict):
        for key, item in node.items():
            yield from _marks(item, f"{path}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _marks(item, f"{path}/{index}")
    elif isinstance(node, str) and _MARK.search(node):
        yield path, node


def _filled(text: str, values: Values) -> Any:
    whole = _MARK.fullmatch(text)
    return values[whole[1]] if whole else _MARK.sub(lambda found: str(values[found[1]]), text)


def write_helm(root: Path, clusters: int) -> None:
    """A chart of 25 templates and a file of values for each cluster."""
    put(root / "chart/Chart.yaml", "apiVersion: v2\nname: fleet\nversion: 1.0.0\n")
    for manifest in marked():
        put(root / "chart/templates" / file_name(manifest), _MARK.sub(r"{{ .Values.\1 }}", dump(manifest)))
    for i in range(clusters):
        put(root / f"values/c{i:05d}.yaml", dump(fields(i)))


def write_kustomize(root: Path, clusters: int) -> None:
    """Cluster 0 as the base, and for each cluster an overlay of JSON 6902 patches."""
    first = objects(fields(0))
    for manifest in first:
        put(root / "base" / file_name(manifest), dump(manifest))
    put(root / "base/kustomization.yaml", dump({"resources": [file_name(manifest) for manifest in first]}))
    targets = [(_target(manifest), ops) for manifest in marked() if (ops := list(_marks(manifest)))]
    for i in range(clusters):
        values = fields(i)
        patches = [
            {"target": target, "patch": json.dumps([{"op": "replace", "path": p, "value": _filled(text, values)} for p, text in ops])}
            for target, ops in targets
        ]
        put(root / f"overlays/c{i:05d}/kustomization.yaml", dump({"resources": ["../../base"], "patches": patches}))


def _target(manifest: dict[str, Any]) -> Values:
    group, _, version = manifest["apiVersion"].rpartition("/")
    return {**({"group": group} if group else {}), "version": version, "kind": manifest["kind"], "name": manifest["metadata"]["name"]}


def write_jsonnet(root: Path, clusters: int) -> None:
    """One function of a cluster; `fleet.jsonnet` is for standard output, `files.jsonnet` for `-m`."""
    body = re.sub(r'"(?:[^"\\]|\\.)*"', _jsonnet_text, json.dumps({file_name(m): m for m in marked()}, indent=1))
    put(root / "cluster.libsonnet", f"function(c) {body}\n")
    put(root / "clusters.json", json.dumps([fields(i) for i in range(clusters)]))
    head = "local cluster = import 'cluster.libsonnet';\nlocal clusters = import 'clusters.json';\n"
    put(root / "fleet.jsonnet", head + "{ [c.cluster]: cluster(c) for c in clusters }\n")
    put(root / "files.jsonnet", head + "std.foldl(function(all, c) all + { [c.cluster + '.json']: cluster(c) }, clusters, {})\n")


def _jsonnet_text(found: re.Match[str]) -> str:
    text = json.loads(found[0])
    parts = _MARK.split(text)
    if len(parts) == 1:
        return found[0]
    pieces = [f"c.{part}" if n % 2 else json.dumps(part) for n, part in enumerate(parts) if n % 2 or part]
    return " + ".join(pieces)


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


PEERS: dict[str, Callable[[Path, int], None]] = {"helm": write_helm, "kustomize": write_kustomize, "jsonnet": write_jsonnet}
