"""Specs with a picker, and what is emitted of it."""

from __future__ import annotations

from typing import Any

import yaml
from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.check.picker_config import faults
from inferspec.diagnostics import Diagnostic
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.plan.objects import FleetPlan, Object
from inferspec.resolve.fleet import Fleet
from ruamel.yaml import YAML

from tests import line

STACKS = ("gie-1.5", "llm-d-router-0.10")
ADAPTERS = {"sql": {"source": "gs://acme-adapters/sql", "revision": "r3", "rank": 16}}

OWN = {
    "featureGates": ["flowControl"],
    "plugins": [
        {"type": "queue-scorer", "name": "on"},
        {
            "type": "session-affinity-scorer", "name": "1e3",
            "parameters": {"strategy": "yes", "deep": {"z": [1, {"b": None, "a": 0.25}], "a": True}},
        },
        {"type": "utilization-detector", "parameters": {"metricsStalenessThreshold": "2s", "kvCacheUtilThreshold": 0.9}},
        {"type": "max-score-picker"},
        {"type": "openai-parser"},
    ],
    "schedulingProfiles": [
        {
            "name": "default",
            "plugins": [{"pluginRef": "on", "weight": 1.5}, {"pluginRef": "1e3", "weight": 2}, {"pluginRef": "max-score-picker"}],
        }
    ],
    "flowControl": {"maxRequests": "1k", "priorityBands": [{"priority": -1, "maxBytes": "500M"}]},
    "requestHandler": {"parsers": [{"pluginRef": "openai-parser"}]},
}  # fmt: skip


def spec(picker: Any, stack: str = "llm-d-router-0.10", service: str = "chat", **more: Any) -> dict[str, Any]:
    """The router spec, its service ``apart`` taken out where the stack knows no halves."""
    made = line.data("router")
    made["stack"] = stack
    if stack == "gie-1.5":
        del made["serving"]["apart"], made["gateways"]["apart"]
    made["serving"][service] |= {**({} if picker is None else {"picker": picker}), **more}
    return made


def found(plan: FleetPlan, kind: str, name: str) -> Object:
    return next(o for facet in plan.facets.values() for o in facet.base if (o.identity.kind, o.identity.name) == (kind, name))


def written(made: dict[str, Any], service: str = "chat") -> str:
    (held,) = found(line.planned(line.written(made)), "ConfigMap", f"{service}-picker").tree()["data"].values()
    return str(held)


def emitted(made: dict[str, Any], service: str = "chat") -> dict[str, Any]:
    """The configuration as both YAML versions read it."""
    held = written(made, service)
    read = yaml.safe_load(held)
    assert YAML(typ="safe").load(held) == read
    return read


def refused(config: dict[str, Any], stack: str) -> list[str]:
    """What the release would not take of an emitted configuration."""
    inside = {key: value for key, value in config.items() if key not in ("apiVersion", "kind")}
    return [fault.message for fault in faults(catalogue().stack(stack), inside)]


def vetted(made: dict[str, Any]) -> list[Diagnostic]:
    document, _ = load_text(line.written(made), "spec.yaml")
    assert document is not None
    platform, wrong = read_platform(document)
    assert platform is not None, wrong
    return [*wrong, *check(Fleet(platform, catalogue()), document, line.TODAY)[1]]
