"""Put the pinned tools, the CRDs and the programs of templates into the package: the build hook's work.

Also run by itself:

    python tools/assemble.py                  fill compiler/inferspec/tools/bin, schemas/crds and templates/prepared.json
    python tools/assemble.py --update-lock    write tools.lock anew from what this machine builds (a maintainer's step)
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import crds
import gobuild

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = (
    gobuild.Program("cue", "cuelang.org/go/cmd/cue", "cuelang.org/go", "v0.17.1", cost="about 60 s on two cores"),
    gobuild.Program("kustomize", ".", version="v5.8.2", source=ROOT / "tools" / "kustomize", cost="about 20 s on two cores"),
    gobuild.Program("objectcheck", ".", source=ROOT / "tools" / "objectcheck", cost="about 90 s on two cores"),
)


def assemble(tell: gobuild.Say = gobuild.say) -> None:
    """Build what is not cached, compare it with tools.lock and copy it into the package. Raises gobuild.BuildError."""
    lock = json.loads((ROOT / "tools.lock").read_text())
    go = gobuild.toolchain()
    package = ROOT / "compiler" / "inferspec"
    built = _build(go, lock["modules"], tell)
    for program in PROGRAMS:
        if program.source and gobuild.digest(*program.sources()) != lock["tools"][program.name]["source"]:
            raise gobuild.BuildError(f"tools.lock is of other sources of {program.name}: python tools/assemble.py --update-lock")
    for name, (_, sha256) in built.items():
        _compare(name, sha256, lock, go, tell)
    for name, (path, sha256) in built.items():
        target = package / "tools" / "bin" / name
        if not target.is_file() or _sha256(target) != sha256:
            gobuild.install(path, target)
    record = {"go": go.version, "platform": go.platform, "sha256": {name: sha256 for name, (_, sha256) in built.items()}}
    _write(package / "tools" / "bin" / "built.json", json.dumps(record, indent=2, sort_keys=True) + "\n")
    _write(package / "tools" / "bin" / "tools.lock", (ROOT / "tools.lock").read_text())
    _copy(crds.pack(go, lock["modules"], tell), package / "schemas" / "crds")
    _write(package / "templates" / "prepared.json", _templates(package))


def _templates(package: Path) -> str:
    """The programs of the templates, made by the package itself."""
    sys.path.insert(0, str(package.parent))
    from inferspec.plan.templates import prepare

    return prepare(package / "templates")


def _build(go: gobuild.Toolchain, sums: dict[str, str], tell: gobuild.Say) -> dict[str, tuple[Path, str]]:
    built = {}
    for number, program in enumerate(PROGRAMS, 1):
        path = gobuild.build(go, program, sums, lambda line, n=number: tell(f"[{n}/{len(PROGRAMS)}] {line}"))
        built[program.name] = (path, _sha256(path))
    return built


def _compare(name: str, sha256: str, lock: dict[str, Any], go: gobuild.Toolchain, tell: gobuild.Say) -> None:
    pinned = lock["tools"][name]["sha256"].get(f"{go.platform} {go.version}")
    if pinned is None:
        tell(f"warning: tools.lock has no hash of {name} for {go.platform} {go.version}; recorded {sha256[:12]} beside the binary")
    elif pinned != sha256:
        raise gobuild.BuildError(f"{name} built as sha256 {sha256}, tools.lock says {pinned}: the build is not the pinned one")


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


def _copy(source: Path, target: Path) -> None:
    """Make target hold what source holds; a file whose bytes are right keeps its time."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = {path.name: path for path in source.iterdir()}
    for path in target.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name, path in wanted.items():
        if not (target / name).is_file() or (target / name).read_bytes() != path.read_bytes():
            shutil.copyfile(path, target / name)


def update_lock() -> None:
    """Write tools.lock from what this machine builds and what the module proxy serves; other platforms' hashes of the same
    sources stay only while the tool's version and Go version are the same."""
    path = ROOT / "tools.lock"
    old = json.loads(path.read_text()) if path.is_file() else {"tools": {}}
    go = gobuild.toolchain()
    sums = {}
    programs = [f"{program.module}@{program.version}" for program in PROGRAMS if program.module]
    for name in programs + [source.name for source in crds.SOURCES]:
        sums[name] = json.loads(go.go("mod", "download", "-json", name))["Sum"]
    tools = {}
    for program in PROGRAMS:
        source = gobuild.digest(*program.sources()) if program.source else ""
        entry = {"source": source} if program.source else {"package": program.package}
        entry |= {"version": program.version} if program.version else {}
        before = old["tools"].get(program.name, {})
        hashes = before.get("sha256", {}) if {k: v for k, v in before.items() if k != "sha256"} == entry else {}
        hashes |= {f"{go.platform} {go.version}": _sha256(gobuild.build(go, program))}
        tools[program.name] = entry | {"sha256": hashes}
    path.write_text(json.dumps({"tools": tools, "modules": sums}, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    try:
        update_lock() if sys.argv[1:] == ["--update-lock"] else assemble()
    except gobuild.BuildError as problem:
        sys.exit(f"inferspec: {problem}")
