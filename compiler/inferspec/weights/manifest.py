"""The object that says a prefix is complete, and the one that says who is filling it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import INCOMPLETE, Refusal

if TYPE_CHECKING:
    from .files import SourceFile

MANIFEST = "inferspec-manifest.json"
"""Written last: a prefix that has it is complete."""
CLAIM = "inferspec-claim.json"
"""Written first: what is being published here, so that a second writer of other content stops before it writes."""
API_VERSION = "inferspec/v1alpha1"
LARGEST = 64 << 20
"""More bytes than any manifest has."""


@dataclass(frozen=True, slots=True)
class Published:
    """An object under the prefix: ``crc32c`` in base64, ``sha256`` hexadecimal, empty where a manifest does not have them."""

    bytes: int
    crc32c: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a complete prefix holds. Readers rely on ``revision``, ``bytes`` and the ``bytes`` of each file alone."""

    source: str
    revision: str
    files: Mapping[str, Published]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())

    def text(self) -> str:
        """The same bytes for the same content."""
        files = {
            name: {"bytes": file.bytes, "crc32c": file.crc32c, **({"sha256": file.sha256} if file.sha256 else {})}
            for name, file in self.files.items()
        }
        said = {"apiVersion": API_VERSION, "kind": "ModelManifest", "source": self.source, "revision": self.revision}
        return json.dumps({**said, "bytes": self.bytes, "files": files}, sort_keys=True, indent=1) + "\n"


def read_manifest(text: bytes, where: str) -> Manifest:
    """A manifest, also one of the form that earlier download Jobs wrote (``repository``, no checksums). Raises Refusal."""
    try:
        said: Any = json.loads(text)
        files = {
            str(name): Published(int(file["bytes"]), str(file.get("crc32c", "")), str(file.get("sha256", "")))
            for name, file in said["files"].items()
        }
        source = str(said["source"]) if "source" in said else f"hf://{said['repository']}"
        found = Manifest(source, str(said["revision"]), files)
        total = int(said.get("bytes", found.bytes))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise Refusal(INCOMPLETE, f"{where}/{MANIFEST} is no manifest: {type(problem).__name__} {problem}") from None
    if total != found.bytes:
        raise Refusal(INCOMPLETE, f"{where}/{MANIFEST} says {total:,} bytes in all, its files are {found.bytes:,}")
    return found


def claim_text(source: str, revision: str, files: list[SourceFile]) -> str:
    """What is to be published, by what the source says of it alone: writers of the same content claim with the same bytes."""
    said = {"apiVersion": API_VERSION, "kind": "ModelClaim", "source": source, "revision": revision}
    listed = {file.name: {"bytes": file.bytes, "identity": file.identity} for file in files}
    return json.dumps({**said, "files": listed}, sort_keys=True, indent=1) + "\n"
