"""Specs of the tests as data, and the line run on them inside this process: no policies, no proof, nothing on disk."""

from __future__ import annotations

import atexit
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.diagnostics import Severity
from inferspec.emit.tree import Tree, render_tree
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.plan.fleet import plan
from inferspec.plan.objects import FleetPlan
from inferspec.resolve.fleet import Fleet

ROOT = Path(__file__).resolve().parent.parent
TODAY = date(2026, 11, 21)
SPECS = {
    **{name: ROOT / f"specs/{name}.yaml" for name in ("quickstart", "platform", "reference")},
    **{
        name: ROOT / f"tests/specs/{name}.yaml"
        for name in ("fleet", "router", "engines", "volumes", "capacity", "managed", "scaling", "queues", "crossregion")
    },
}


@cache
def text(name: str) -> str:
    return SPECS[name].read_text(encoding="utf-8")


def data(name: str) -> Any:
    """The spec as plain data of the caller's own."""
    return copy.deepcopy(_data(name))


@cache
def _data(name: str) -> Any:
    return yaml.safe_load(text(name))


def clusters(name: str) -> list[tuple[str, str]]:
    """Region and name of every cluster."""
    return [(region, cluster) for region, facts in _data(name)["regions"].items() for cluster in facts["clusters"]]


def synced(name: str) -> list[str]:
    """Names of the clusters, and of the management cluster."""
    return [*[cluster for _, cluster in clusters(name)], *([held["cluster"]] if (held := _data(name).get("management")) else [])]


def written(spec: Any) -> str:
    """Data as a spec: JSON is YAML."""
    return json.dumps(spec, ensure_ascii=False, indent=1)


def resolved(spec: str) -> Fleet:
    """The settled fleet of a spec that must be without errors."""
    document, found = load_text(spec, "spec.yaml")
    assert document is not None, found
    platform, more = read_platform(document)
    assert platform is not None, more
    fleet, last = check(Fleet(platform, catalogue()), document, TODAY)
    errors = [f"{d.code} {d.span.line}: {d.message}" for d in (*found, *more, *last) if d.severity is Severity.ERROR]
    assert not errors, errors
    return fleet


def planned(spec: str) -> FleetPlan:
    return _planned(resolved(spec))


def _planned(fleet: Fleet) -> FleetPlan:
    made, problems = plan(fleet)
    assert not problems, problems
    return made


def tree_of(spec: Any) -> Tree:
    """The tree of a spec given as text or as data."""
    return render_tree(planned(spec if isinstance(spec, str) else written(spec)))


@cache
def fleet(name: str) -> Fleet:
    return resolved(text(name))


@cache
def fleet_plan(name: str) -> FleetPlan:
    return _planned(fleet(name))


@cache
def tree(name: str) -> Tree:
    return render_tree(fleet_plan(name))


def inferspec(*arguments: str, cwd: Path, environment: dict[str, str] | None = None, umask: int = -1) -> subprocess.CompletedProcess[str]:
    """The command itself, in a process of its own, with nothing of this one's environment but what it needs."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=surroundings(environment),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        umask=umask,
        stdin=subprocess.DEVNULL,
    )


def start(*arguments: str, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """The command, running; with a process group of its own, so that what it starts can be ended with it."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=surroundings(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


COMMAND = [sys.executable, "-m", "inferspec"]


def surroundings(more: dict[str, str] | None = None) -> dict[str, str]:
    """A small environment; builds proven by an earlier test stay proven for the session."""
    kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT") if key in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT / "compiler"), "XDG_CACHE_HOME": _cache(), "LC_ALL": "C.UTF-8", **(more or {})}


@cache
def _cache() -> str:
    """A folder for this session, taken away with it."""
    folder = tempfile.mkdtemp(prefix="inferspec-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
