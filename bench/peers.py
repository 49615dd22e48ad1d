"""The tools that the bench compares with: built once at pinned versions into the cache, outside the repository.

    python bench/peers.py    build them and print where they are
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import gobuild  # noqa: E402

_HELM, _JSONNET = "helm.sh/helm/v3", "github.com/google/go-jsonnet"
PROGRAMS = (
    gobuild.Program("helm", f"{_HELM}/cmd/helm", _HELM, "v3.22.0", cost="about a minute on two cores"),
    gobuild.Program("jsonnet", f"{_JSONNET}/cmd/jsonnet", _JSONNET, "v0.22.0", cost="about 20 s on two cores"),
)
SUMS = {
    f"{_HELM}@v3.22.0": "h1:n1if5iQgHYsujPAcO5oonH/KiSNUmqmUF0iGVjSF3AU=",
    f"{_JSONNET}@v0.22.0": "h1:o0bOAIE+9SIfRZ7FXQPuta0mHLLE0AwbY/L5GTH5CH8=",
}
KUSTOMIZE = ROOT / "compiler" / "inferspec" / "tools" / "bin" / "kustomize"


def folder() -> Path:
    """Named by everything that decides the programs, so that a bench finds them without running Go."""
    return gobuild.cache_root() / "peers" / gobuild.digest(repr(PROGRAMS), json.dumps(SUMS, sort_keys=True), sys.platform)[:20]


def paths(tell: gobuild.Say = gobuild.say) -> dict[str, Path]:
    """Tool -> executable; builds what is missing. Raises BuildError, also where a binary is not the one that was built first."""
    home = folder()
    found = {program.name: home / program.name for program in PROGRAMS}
    if not all(path.exists() for path in found.values()):
        go = gobuild.toolchain()
        home.mkdir(parents=True, exist_ok=True)
        for program in PROGRAMS:
            built = gobuild.build(go, program, SUMS, tell)
            found[program.name].unlink(missing_ok=True)
            found[program.name].symlink_to(built)
    _unchanged(home / "sha256.json", found)
    if not KUSTOMIZE.exists():
        raise gobuild.BuildError("kustomize is missing from the package: ./dev compile builds it")
    return {**found, "kustomize": KUSTOMIZE}


def _unchanged(record: Path, found: dict[str, Path]) -> None:
    hashes = {name: _sha256(path) for name, path in found.items()}
    if not record.exists():
        record.write_text(json.dumps(hashes, indent=2) + "\n", encoding="utf-8")
    elif changed := [name for name, value in json.loads(record.read_text(encoding="utf-8")).items() if hashes.get(name) != value]:
        raise gobuild.BuildError(f"{', '.join(changed)}: not what was built here first; delete {record.parent} to build again")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    try:
        for name, path in paths().items():
            print(f"{name:10} {path}")
    except gobuild.BuildError as problem:
        sys.exit(f"bench: {problem}")
