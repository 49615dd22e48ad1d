"""Getting the weights: the token, the writer's identity, the download Job."""

from __future__ import annotations

import hashlib
import json
import math
from importlib.resources import files
from typing import Any

from ...catalog import Catalogue
from ...model.platform import Platform
from ...resolve.memory import GIB
from ...resolve.naming import writer_name
from ...resolve.weights import Artefact, bucket_value
from ...values import Default, Derived, SpecAt, Value, derive, text
from ..row import Drawn, Row, environment, labels
from .platform import BATCH_PRIORITY
from .server import fuse_annotations

MANIFEST = "inferspec-manifest.json"
"""Object written last: a prefix that has it is complete."""


def identity(platform: Platform, artefact: str, token: str | None, namespace: str) -> list[Drawn]:
    """Service account of the writer, and the token it reads."""
    name = writer_name(artefact)
    own: dict[str, Any] = {"name": name, "namespace": namespace, "labels": labels(platform.name, name, "weights")}
    found: list[Drawn] = [("service-account", Row(**own, automount=False))]
    if token is not None:
        secret = platform.secrets[token]
        at = ("secrets", token)
        resource = text(
            "{}/versions/{}", Value(secret.secret_manager, SpecAt((*at, "secretManager"))), Value(secret.version, SpecAt((*at, "version")))
        )
        listed = derive("the secrets the driver mounts", _yaml_list(str(resource.v)), resource)
        found.append(("secret-provider-class", Row(**own, secrets=listed)))
    return found


def _yaml_list(resource: str) -> str:
    """The driver takes its list as text (Secret Manager add-on documentation, "SecretProviderClass")."""
    return f"- resourceName: {json.dumps(resource)}\n  path: token\n"


def download(platform: Platform, catalogue: Catalogue, artefact: Artefact, namespace: str, region: str) -> Drawn:
    """One Job a version and bucket. A Job is immutable: its name carries the hash of all it does, and it has no TTL."""
    name = writer_name(artefact.key)

    def default(key: str) -> Value:
        return Value(catalogue.default(key), Default(key))

    source, size = artefact.source, artefact.size
    requests = catalogue.default("download.requests")
    margin = catalogue.default("download.storageMargin")
    client = client_image(platform, catalogue)
    scratch = f"{max(10, math.ceil(size * margin / GIB))}Gi"
    row = Row(
        namespace=namespace,
        labels=labels(platform.name, name, "download"),
        pod_labels=labels(platform.name, name, "download"),
        annotations=fuse_annotations(catalogue, text("{}Gi", default("storage.fuseSidecarGiB"))),
        backoff_limit=default("download.backoffLimit"),
        service_account=name,
        priority_class=BATCH_PRIORITY,
        image=Value(client, Derived("the engine's own image: it carries the Hugging Face client, pinned")),
        command=["python3", "-c", files("inferspec.templates").joinpath("download.py").read_text(encoding="utf-8")],
        env=environment(
            MODEL_REPOSITORY=derive("source without its scheme", str(source.v).partition("://")[2], source),
            MODEL_REVISION=artefact.revision,
            MODEL_PREFIX=artefact.folder,
            MANIFEST=MANIFEST,
            HOME="/scratch",
            TMPDIR="/scratch",
        ),
        cpu=Value(requests["cpu"], Default("download.requests")),
        memory=Value(requests["memory"], Default("download.requests")),
        secret_class=name if artefact.secret is not None else None,
        scratch_class=default("download.scratchClass"),
        scratch_size=derive(f"weights {size / GIB:.1f} GiB x {margin}, 10Gi at least", scratch, source),
        bucket=bucket_value(platform, catalogue, artefact.store, region),
        mount_options=default("download.mountOptions"),
    )
    row.name = f"{name}-{artefact.version.replace('.', '-')}-{_content_hash(row)}"
    return "download-job", row


def client_image(platform: Platform, catalogue: Catalogue) -> str:
    """The GPU image of the stack's default vLLM: public, pinned, and huggingface_hub is in it."""
    version = catalogue.stack(platform.stack).engine_version("vllm", "gpu")
    image = catalogue.engine("vllm").image(version or "", "gpu")
    assert image is not None, "the package's stack profiles name a version with an image"
    return image


def _content_hash(row: Row) -> str:
    def plain(item: Any) -> Any:
        if isinstance(item, Value):
            return item.v
        if isinstance(item, dict):
            return {key: plain(value) for key, value in item.items()}
        return [plain(value) for value in item] if isinstance(item, list) else item

    content = json.dumps(plain(vars(row)), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:8]
