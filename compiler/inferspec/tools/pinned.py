"""Find a tool in the package and make sure that it is the pinned one."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from ..failures import ToolError

BIN = Path(__file__).parent / "bin"


@cache
def find(name: str) -> Path:
    """The path of a tool of the package, its bytes compared with tools.lock once a process.

    Raises ToolError when the tool is missing or is not the pinned one.
    """
    path = BIN / name
    lock, built = _read("tools.lock"), _read("built.json")
    if name not in lock["tools"]:
        raise ToolError(f"{name} is no tool of this package; it has {', '.join(sorted(lock['tools']))}")
    platform = f"{built['platform']} {built['go']}"
    # A platform without a line in tools.lock was built by its own user, whose build wrote the hash down beside the binary.
    pinned = lock["tools"][name]["sha256"].get(platform) or built["sha256"].get(name)
    try:
        with path.open("rb") as handle, mmap(handle.fileno(), 0, access=ACCESS_READ) as data:
            actual = hashlib.sha256(data).hexdigest()  # in one call: a chunk at a time waits for the other threads after each
    except ValueError:  # nothing can be mapped of an empty file
        actual = hashlib.sha256().hexdigest()
    except OSError as problem:
        raise ToolError(f"{name} is missing from the package ({problem.strerror}): install inferspec again") from None
    if actual != pinned:
        raise ToolError(f"{name} is not the pinned one for {platform}: sha256 {actual}, expected {pinned}; install inferspec again")
    if not os.access(path, os.X_OK):
        raise ToolError(f"{name} is not executable: install inferspec again")
    return path


def versions() -> dict[str, str]:
    """Name -> version of each tool in the package, as pinned. Raises ToolError when the package was not built."""
    lock = _read("tools.lock")
    return {name: _version(entry) for name, entry in sorted(lock["tools"].items())}


def _version(entry: dict[str, Any]) -> str:
    source = f"source {entry['source'][:12]}" if "source" in entry else ""
    return " ".join(filter(None, (entry.get("version", ""), source)))


def _read(name: str) -> dict[str, Any]:
    try:
        return dict(json.loads((BIN / name).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise ToolError(f"{name} is missing from the package: install it again, or in a checkout run ./dev compile") from None
