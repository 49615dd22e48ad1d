"""Getting the weights: the token, the writer's identity, the download Job."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from ...catalog import Catalogue
from ...model.platform import Platform
from ...programs import MANIFEST, source
from ...resolve.fleet import Download
from ...resolve.images import client_image
from ...resolve.memory import GIB
from ...resolve.naming import writer_name
from ...resolve.volumes import Volume
from ...resolve.weights import Artefact, bucket_holding
from ...values import Default, SpecAt, Value, derive, text
from ..row import Drawn, Row, environment, labels
from .claims import fill_class, fill_name, snapshot_class
from .platform import BATCH_PRIORITY
from .volumes import PROGRAMS, fuse_annotations

TOKEN = "/var/run/secrets/hugging-face/token"
"""Where the download Job mounts the token of a gated source."""


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


def download(platform: Platform, catalogue: Catalogue, job: Download) -> Drawn:
    """One Job a version and bucket. A Job is immutable: its name carries the hash of all it does, and it has no TTL."""
    artefact = job.artefact
    name = writer_name(artefact.key)

    def default(key: str) -> Value:
        return Value(catalogue.default(key), Default(key))

    said = artefact.source
    requests = catalogue.default("download.requests")
    margin = catalogue.default("download.storageMargin")
    publisher = platform.images.models is not None
    at = Value(job.bucket, SpecAt(("storage", artefact.store, "buckets", job.location)))
    bucket = derive(f"bucket of location {job.location}", job.bucket, at)
    scratch = f"{max(10, math.ceil(artefact.stored * margin / GIB))}Gi"
    row = Row(
        namespace=job.namespace,
        labels=labels(platform.name, name, "download"),
        pod_labels=labels(platform.name, name, "download"),
        annotations=None if publisher else fuse_annotations(catalogue, text("{}Gi", default("storage.fuseSidecarGiB"))),
        backoff_limit=default("download.backoffLimit"),
        service_account=name,
        priority_class=BATCH_PRIORITY,
        image=client_image(platform, catalogue, job.writer.region),
        command=None if publisher else ["python3", "-c", source("download.py")],
        args=["publish"] if publisher else None,
        env=_order(artefact, bucket) if publisher else _order_of_script(artefact),
        cpu=Value(requests["cpu"], Default("download.requests")),
        memory=Value(requests["memory"], Default("download.requests")),
        secret_class=name if artefact.secret is not None else None,
        scratch_class=default("download.scratchClass"),
        scratch_size=derive(f"{artefact.accounted} x {margin}, 10Gi at least", scratch, said),
        bucket=None if publisher else bucket,
        mount_options=default("download.mountOptions"),
    )
    row.name = f"{name}-{artefact.version.replace('.', '-')}-{_content_hash(row)}"
    return "download-job", row


def _order(artefact: Artefact, bucket: Value) -> list[dict[str, Any]]:
    """What ``inferspec models publish`` reads of its environment (docs/models.md)."""
    said, revision = artefact.source, artefact.revision
    named = {"MODEL_REVISION": revision}
    if str(said.v).startswith("kaggle://"):
        said, named = text("{}/{}", said, revision), {}
    elif str(said.v).startswith("https://"):
        named = {"MODEL_SHA256": revision}
    token = {"MODEL_TOKEN_FILE": TOKEN} if artefact.secret is not None else {}
    target = text("gs://{}/{}", bucket, artefact.folder)
    return environment(MODEL_SOURCE=said, **named, MODEL_TARGET=target, **token, MODEL_SCRATCH="/scratch/models")


def _order_of_script(artefact: Artefact) -> list[dict[str, Any]]:
    return environment(
        MODEL_REPOSITORY=derive("source without its scheme", str(artefact.source.v).partition("://")[2], artefact.source),
        MODEL_REVISION=artefact.revision,
        MODEL_PREFIX=artefact.folder,
        MANIFEST=MANIFEST,
        HOME="/scratch",
        TMPDIR="/scratch",
    )


def hydrate(platform: Platform, catalogue: Catalogue, volume: Volume, artefact: Artefact, region: str) -> Drawn:
    """Fills a volume from the bucket, once its folder there is complete. What Pods read only is then kept as a snapshot."""
    name = writer_name(artefact.key)
    bucket = bucket_holding(platform, catalogue, artefact, region)
    requests = catalogue.default("weights.hydrate")
    kept: dict[str, Value | str] = {}
    if volume.read == "hyperdisk-ml":
        kept = {"SNAPSHOT": volume.name, "SNAPSHOT_CLASS": snapshot_class(platform, volume.store), "CLAIM": fill_name(volume)}
    row = Row(
        namespace=volume.namespace,
        labels=labels(platform.name, name, "hydrate"),
        pod_labels=labels(platform.name, name, "hydrate"),
        backoff_limit=Value(catalogue.default("download.backoffLimit"), Default("download.backoffLimit")),
        service_account=name,
        token=bool(kept),
        node_selector={"cloud.google.com/compute-class": fill_class(platform, volume, region)} if kept else None,
        priority_class=BATCH_PRIORITY,
        image=client_image(platform, catalogue, region),
        command=["python3", "/programs/hydrate.py"],
        args=[text("gs://{}/{}", bucket, artefact.folder), text("/volume/{}", artefact.folder)],
        env=environment(NAMESPACE=volume.namespace, **kept),
        cpu=Value(requests["cpu"], Default("weights.hydrate")),
        memory=Value(requests["memory"], Default("weights.hydrate")),
        programs=PROGRAMS,
        claim=fill_name(volume) if kept else volume.name,
    )
    row.name = f"{name}-fill-{_content_hash(row)}"
    return "hydrate-job", row


def keeper(platform: Platform, volume: Volume) -> list[Drawn]:
    """What lets the Job that fills a volume keep it as a snapshot."""
    assert volume.artefact is not None
    own = {"name": fill_name(volume), "namespace": volume.namespace, "labels": labels(platform.name, volume.name, "hydrate")}
    rules = [{"apiGroups": ["snapshot.storage.k8s.io"], "resources": ["volumesnapshots"], "verbs": ["create", "get"]}]
    bound = Row(**own, role=own["name"], service_account=writer_name(volume.artefact.key), account_namespace=volume.namespace)
    return [("role", Row(**own, rules=rules)), ("role-binding", bound)]


def programs(platform: Platform, namespace: str) -> Drawn:
    """The programs of ``gate`` and ``hydrate``; a change of them starts no Pod anew."""
    texts = {name: source(name) for name in ("bucket.py", "gate.py", "hydrate.py")}
    return "config-map", Row(name=PROGRAMS, namespace=namespace, labels=labels(platform.name, PROGRAMS, "weights"), data=texts)


def _content_hash(row: Row) -> str:
    def plain(item: Any) -> Any:
        if isinstance(item, Value):
            return item.v
        if isinstance(item, dict):
            return {key: plain(value) for key, value in item.items()}
        return [plain(value) for value in item] if isinstance(item, list) else item

    content = json.dumps(plain(vars(row)), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:8]
