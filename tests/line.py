"""Specs of the tests as data, and the line run on them inside this process: no policies, no proof, nothing on disk."""

from __future__ import annotations

import copy
import json
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
SPECS = {"quickstart": ROOT / "specs/quickstart.yaml", "fleet": ROOT / "tests/specs/fleet.yaml", "router": ROOT / "tests/specs/router.yaml"}


@cache
def text(name: str) -> str:
    return SPECS[name].read_text(encoding="utf-8")


def data(name: str) -> Any:
    """The spec as plain data of the caller's own."""
    return copy.deepcopy(_data(name))


@cache
def _data(name: str) -> Any:
    return yaml.safe_load(text(name))


def written(spec: Any) -> str:
    """Data as a spec: JSON is YAML."""
    return json.dumps(spec, ensure_ascii=False, indent=1)


def resolved(spec: str) -> Fleet:
    """The settled fleet of a spec that must be without errors."""
    document, found = load_text(spec, "spec.yaml")
    assert document is not None, found
    platform, more = read_platform(document)
    assert platform is not None, more
    fleet, last = check(Fleet(platform, catalogue()), document)
    errors = [f"{d.code} {d.span.line}: {d.message}" for d in (*found, *more, *last) if d.severity is Severity.ERROR]
    assert not errors, errors
    return fleet


def planned(spec: str) -> FleetPlan:
    return plan(resolved(spec))


def tree_of(spec: Any) -> Tree:
    """The tree of a spec given as text or as data."""
    return render_tree(planned(spec if isinstance(spec, str) else written(spec)))


@cache
def fleet(name: str) -> Fleet:
    return resolved(text(name))


@cache
def fleet_plan(name: str) -> FleetPlan:
    return plan(fleet(name))


@cache
def tree(name: str) -> Tree:
    return render_tree(fleet_plan(name))
