"""Gather the CustomResourceDefinitions that the wheel carries from pinned Go modules."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gobuild
import yaml


@dataclass(frozen=True)
class Source:
    """Folders of a Go module that hold CRDs. The first source, and the first of its folders, that has a kind gives it."""

    module: str
    version: str
    folders: tuple[str, ...] = ("config/crd/bases",)

    @property
    def name(self) -> str:
        """The module as Go names it: path@version."""
        return f"{self.module}@{self.version}"


SOURCES = (
    # GKE installs the standard channel: the experimental one gives only the kinds that standard lacks.
    Source("sigs.k8s.io/gateway-api", "v1.6.3", ("config/crd/standard", "config/crd/experimental")),
    Source("sigs.k8s.io/gateway-api-inference-extension", "v1.6.0"),
    # InferenceObjective and InferenceModelRewrite left the module after this version.
    Source("sigs.k8s.io/gateway-api-inference-extension", "v1.5.0"),
    Source("sigs.k8s.io/lws", "v0.9.0"),
    Source("sigs.k8s.io/kueue", "v0.19.2", ("config/components/crd/bases",)),
    Source("sigs.k8s.io/jobset", "v0.12.0", ("config/components/crd/bases",)),
    Source("github.com/ray-project/kuberay/ray-operator", "v1.6.0"),
    Source("github.com/kedacore/keda/v2", "v2.21.0"),
    Source("github.com/GoogleCloudPlatform/prometheus-engine", "v0.17.2", ("charts/operator/crds",)),
    Source("github.com/GoogleCloudPlatform/gke-gateway-api", "v1.3.0", ("config/crd",)),
    Source("sigs.k8s.io/secrets-store-csi-driver", "v1.4.8"),
    Source("github.com/kubernetes-csi/external-snapshotter/client/v8", "v8.4.0", ("config/crd",)),
)


def pack(go: gobuild.Toolchain, sums: dict[str, str], tell: gobuild.Say = gobuild.say) -> Path:
    """A cached folder with one JSON file a CRD and index.json (`group/Kind` -> file). Raises gobuild.BuildError."""
    key = gobuild.digest(json.dumps([[s.name, *s.folders, sums.get(s.name, "")] for s in SOURCES]), Path(__file__))[:20]
    home = gobuild.cache_root() / "crds" / key
    with gobuild.exclusive(home.with_suffix(".lock")):
        if home.is_dir():
            return home
        tell(f"gathering CustomResourceDefinitions from {len(SOURCES)} Go modules (about 20 s, once)")
        folders = gobuild.modules(go, [s.name for s in SOURCES], sums)
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            gathered = Path(scratch) / "crds"
            gathered.mkdir()
            _write(gathered, folders)
            shutil.move(gathered, home)
    return home


def _write(target: Path, folders: dict[str, Path]) -> None:
    index: dict[str, str] = {}
    for source in SOURCES:
        for folder in source.folders:
            for path in sorted((folders[source.name] / folder).glob("*.yaml")):
                for document in yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader):
                    if not document or document.get("kind") != "CustomResourceDefinition":
                        continue
                    spec = document["spec"]
                    kind = f"{spec['group']}/{spec['names']['kind']}"
                    if kind in index:
                        continue
                    index[kind] = f"{document['metadata']['name']}.json"
                    text = json.dumps(_lean(document), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
                    (target / index[kind]).write_text(text + "\n", encoding="utf-8")
    (target / "index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


def _lean(document: dict[str, Any]) -> dict[str, Any]:
    """The CRD without status and prose. Annotations stay: the server asks for api-approved.kubernetes.io in *.k8s.io groups."""
    metadata = {k: v for k, v in document["metadata"].items() if k in {"name", "annotations"}}
    spec = dict(document["spec"])
    spec["versions"] = [
        {**version, "schema": {"openAPIV3Schema": _without_prose(version["schema"]["openAPIV3Schema"])}}
        for version in spec["versions"]
    ]
    return {"apiVersion": document["apiVersion"], "kind": document["kind"], "metadata": metadata, "spec": spec}


def _without_prose(schema: Any) -> Any:
    """A schema without descriptions: they are two thirds of it. A property that is named `description` stays."""
    if isinstance(schema, list):
        return [_without_prose(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    lean = {}
    for key, value in schema.items():
        if key in {"description", "example", "externalDocs"}:
            continue
        if key in {"properties", "patternProperties", "definitions"}:
            lean[key] = {name: _without_prose(child) for name, child in value.items()}
        elif key in {"default", "enum", "x-kubernetes-validations"}:
            lean[key] = value
        else:
            lean[key] = _without_prose(value)
    return lean
