"""An etcd directory with every CRD installed, packed and kept in the cache: installing takes 15 s, unpacking half of one."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gobuild
import real_parts
import yaml

from tests.controlplane import ApiError, ControlPlane

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "compiler" / "inferspec" / "schemas"
REAL = ROOT.parent / "shared" / "crds"  # real CRDs that no Go module provides; absent in a plain clone
ITS_OWN = "apiregistration.k8s.io"
"""A group that the server has without a CRD, and the compiler's schemas must have."""
CRDS_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def crds() -> list[dict[str, Any]]:
    """One CRD a kind: what clusters have ahead of the Go modules, that of a module, the real one of the shared folder where it is there, or
    our own."""
    found: dict[str, dict[str, Any]] = {}
    for path in crd_files():
        for document in documents(path):
            if document["spec"]["group"] != ITS_OWN:
                found.setdefault(document["metadata"]["name"], document)
    return list(found.values())


def crd_files() -> list[Path]:
    """The files that `crds` reads, the ones that win first."""
    paths = [path for folder in (SCHEMAS / "ahead", SCHEMAS / "crds", REAL, SCHEMAS / "own") for path in sorted(folder.glob("*.*"))]
    return [path for path in paths if path.suffix in {".json", ".yaml"} and path.name != "index.json"]


def documents(path: Path) -> list[dict[str, Any]]:
    """The CRDs of one file."""
    if path.suffix == ".json":
        return [json.loads(path.read_bytes())]
    documents = yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader)
    return [d for d in documents if isinstance(d, dict) and d.get("kind") == "CustomResourceDefinition"]


def seed(programs: Path) -> tuple[Path, dict[str, str]]:
    """The packed seed and the CRDs that the server refused (name -> why); made first if the cache has none for these CRDs."""
    key = gobuild.digest(real_parts.ETCD, real_parts.KUBERNETES, Path(__file__), *crd_files())[:20]
    home = gobuild.cache_root() / "seeds" / key
    with gobuild.exclusive(home.with_suffix(".lock")):
        if not (home / "refused.json").is_file():
            wanted = crds()
            gobuild.say(f"installing {len(wanted)} CRDs into a real API server (about 20 s, once)")
            _make(programs, wanted, home)
    return home / "etcd.tar.gz", json.loads((home / "refused.json").read_text())


def _make(programs: Path, wanted: list[dict[str, Any]], home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        plane = ControlPlane(programs, Path(scratch) / "run")
        plane.start()
        try:
            with ThreadPoolExecutor(8) as pool:
                verdicts = list(pool.map(lambda crd: _install(plane, crd), wanted))
            refused = {crd["metadata"]["name"]: why for crd, why in zip(wanted, verdicts, strict=True) if why}
            await_served(plane)
            plane.stop_cleanly()
        finally:
            plane.stop()
        with tarfile.open(home / "etcd.part", "w:gz", compresslevel=1) as archive:
            archive.add(plane.work / "etcd", "etcd")
    (home / "etcd.part").replace(home / "etcd.tar.gz")
    (home / "refused.json").write_text(json.dumps(refused))


def _install(plane: ControlPlane, crd: dict[str, Any]) -> str:
    # A conversion webhook would be called and is not there; each object is read in the version it was written in.
    lean = {**crd, "spec": {k: v for k, v in crd["spec"].items() if k != "conversion"}}
    try:
        plane.request("POST", CRDS_PATH, {k: v for k, v in lean.items() if k != "status"})
    except ApiError as problem:
        return str(problem)
    return ""


def await_served(plane: ControlPlane, timeout: float = 60) -> None:
    """Wait until the server answers for every version of every CRD it holds. `timeout` in seconds. Raises TimeoutError."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        items = plane.request("GET", CRDS_PATH)["items"]
        conditions = [{c["type"]: c["status"] for c in (item.get("status") or {}).get("conditions") or []} for item in items]
        if all(c.get("Established") == "True" for c in conditions):
            break
        time.sleep(0.1)
    specs = [item["spec"] for item in items]
    waiting = {(s["group"], v["name"], s["names"]["kind"]) for s in specs for v in s["versions"] if v["served"]}
    while waiting and time.monotonic() < end:
        for group, version in {(g, v) for g, v, _ in waiting}:
            try:
                served = {r["kind"] for r in plane.request("GET", f"/apis/{group}/{version}")["resources"]}
            except ApiError:
                continue
            waiting -= {(group, version, kind) for kind in served}
        time.sleep(0.02)
    if waiting:
        raise TimeoutError(f"the server does not serve {sorted(waiting)[:5]}")
