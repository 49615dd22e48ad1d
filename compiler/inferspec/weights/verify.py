"""Whether what stands under a prefix is what its manifest says."""

from __future__ import annotations

from collections.abc import Mapping

from . import tensors
from .bucket import Prefix, Stored
from .errors import INCOMPLETE, Refusal
from .manifest import LARGEST, MANIFEST, Manifest, read_manifest


def faults(manifest: Manifest, stored: Mapping[str, Stored]) -> list[str]:
    """Objects that are missing or another, a line each."""
    found = []
    for name, file in sorted(manifest.files.items()):
        there = stored.get(name)
        if there is None:
            found.append(f"{name} is not there")
        elif there.bytes != file.bytes:
            found.append(f"{name} has {there.bytes:,} bytes, not {file.bytes:,}")
        elif file.crc32c and there.crc32c != file.crc32c:
            found.append(f"{name} has CRC32C {there.crc32c}, not {file.crc32c}")
    return found


def verify(prefix: Prefix, revision: str = "") -> tuple[Manifest, list[str]]:
    """The manifest and what is wrong with the objects, safetensors headers read from the bucket. Raises Refusal without one."""
    stored = prefix.objects()
    if MANIFEST not in stored:
        held = f"{len(stored)} objects and no manifest: it is being filled, or was and is not complete" if stored else "nothing"
        raise Refusal(INCOMPLETE, f"{prefix} holds {held}")
    if stored[MANIFEST].bytes > LARGEST:
        raise Refusal(INCOMPLETE, f"{prefix}/{MANIFEST} has {stored[MANIFEST].bytes:,} bytes: it is none of ours")
    manifest = read_manifest(prefix.read(MANIFEST), str(prefix))
    found = faults(manifest, stored)
    if revision and manifest.revision != revision:
        found.insert(0, f"its revision is {manifest.revision}, not {revision}")
    for name in sorted(set(manifest.files) & set(stored)):
        if name.endswith(tensors.INDEX):
            if lost := tensors.missing_shards(name, prefix.read(name), manifest.files):
                found.append(lost)
        elif name.endswith(".safetensors"):
            wrong = tensors.fault(stored[name].bytes, lambda start, count, name=name: prefix.read(name, start, count))  # type: ignore[misc]
            if wrong:
                found.append(f"{name}: {wrong}")
    return manifest, found
