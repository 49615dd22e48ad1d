"""Models in their buckets: the manifest, its revision, and every object it lists."""

from __future__ import annotations

from collections.abc import Iterator

from ..check.context import Context, clusters
from ..diagnostics import Diagnostic
from ..weights.errors import INCOMPLETE, NO_INPUT, USAGE, Refusal
from ..weights.manifest import LARGEST, MANIFEST, read_manifest
from ..weights.verify import faults
from .cloud import Cloud
from .needs import ModelNeed


def models(context: Context, cloud: Cloud, need: ModelNeed) -> Iterator[Diagnostic]:
    """A bucket that cannot be listed says so itself (STO201); here the model is only not known to be there."""
    prefix = cloud.prefix(need.target)
    name = f"{need.artefact.key}@{need.artefact.version}"
    reads = f"{clusters(need.places)} {'reads' if len(need.places) == 1 else 'read'} it"
    try:
        stored = prefix.objects()
        if MANIFEST not in stored or stored[MANIFEST].bytes > LARGEST:
            held = f"{prefix} holds {len(stored)} objects and no manifest" if stored else f"{prefix} is empty"
            yield context.finding("STO207", f"{name} is not complete in {need.bucket}", need.path, notes=(held, reads), help=_way(need))
            return
        manifest = read_manifest(prefix.read(MANIFEST), str(prefix))
    except Refusal as refusal:
        if refusal.code not in (INCOMPLETE, USAGE, NO_INPUT):
            raise
        yield context.finding(
            "STO207", f"{name} is not known to be in {need.bucket}", need.path, notes=(str(refusal), reads), help=_way(need)
        )
        return
    wrong = faults(manifest, stored)
    if manifest.revision != need.artefact.revision.v:
        wrong.insert(0, f"the manifest is of revision {manifest.revision}")
    if wrong:
        yield context.finding(
            "STO208",
            f"{name} in {need.bucket} is not what its manifest says" if manifest.revision == need.artefact.revision.v else
            f"{name} in {need.bucket} is another revision",
            need.path,
            notes=(*wrong[:3], *((f"and {len(wrong) - 3} more",) if len(wrong) > 3 else ()), reads),
            help=f"delete {prefix} once no server reads it, then publish it again",
        )  # fmt: skip


def _way(need: ModelNeed) -> str:
    order = f"inferspec models publish --source {need.artefact.source.v} --revision {need.artefact.revision.v} --to {need.target}"
    return f"the download Job publishes it, or: {order}"
