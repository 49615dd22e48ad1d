"""The endpoint picker's configuration: presets, flow control, and the lines of the spec behind them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec.catalog import catalogue
from inferspec.diagnostics import Severity, SpecPath
from inferspec.plan.provenance import fields, spec_paths

from tests import line
from tests.picking import ADAPTERS, OWN, STACKS, emitted, refused, spec, vetted

PRESETS = ("balanced", "prefix-heavy", "lora-heavy")
LOAD = ("queue-scorer", "kv-cache-utilization-scorer")


def weights(config: dict[str, Any]) -> dict[str, Any]:
    (profile,) = config["schedulingProfiles"]
    assert [plugin["type"] for plugin in config["plugins"]] == [ref["pluginRef"] for ref in profile["plugins"]]
    return {ref["pluginRef"]: ref.get("weight") for ref in profile["plugins"]}


# -- presets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", STACKS)
def test_a_preset_weighs_what_it_is_named_for(stack: str) -> None:
    plain = weights(emitted(spec(None, stack)))
    assert plain == {"queue-scorer": 2, "kv-cache-utilization-scorer": 2, "prefix-cache-scorer": 3, "max-score-picker": None}
    assert weights(emitted(spec({"preset": "balanced"}, stack))) == plain
    prefixes = weights(emitted(spec({"preset": "prefix-heavy"}, stack)))
    assert prefixes["prefix-cache-scorer"] > sum(prefixes[name] for name in LOAD)
    adapters = weights(emitted(spec({"preset": "lora-heavy"}, stack, adapters=ADAPTERS)))
    assert adapters["lora-affinity-scorer"] == max(weight for weight in adapters.values() if weight is not None)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("more", [{"adapters": ADAPTERS}, {"dynamicAdapters": {"source": "gs://acme-adapters/all", "max": 4, "rank": 16}}])
def test_servers_with_adapters_have_the_scorer_that_knows_where_they_are(stack: str, more: dict[str, Any]) -> None:
    plain = weights(emitted(spec(None, stack)))
    assert weights(emitted(spec(None, stack, **more))) == {**plain, "lora-affinity-scorer": 1}
    assert weights(emitted(spec({"preset": "prefix-heavy"}, stack, **more)))["lora-affinity-scorer"] == 1
    assert list(weights(emitted(spec(None, stack, **more))))[-1] == "max-score-picker"


@pytest.mark.parametrize(("stack", "preset", "flow"), list(itertools.product(STACKS, (None, *PRESETS), (False, True))))
@pytest.mark.parametrize("adapted", [False, True])
def test_the_release_takes_what_is_made(stack: str, preset: str | None, flow: bool, adapted: bool) -> None:
    """Our own configurations are held to what those of a spec are."""
    picker = {"preset": preset} if preset else {}
    if flow:
        picker |= {"flowControl": {"ttl": "30s", "fairness": "round-robin", "ordering": "slo"}, "saturation": {"queueDepth": 8}}
    made = spec(picker, stack, **({"adapters": ADAPTERS} if adapted else {}))
    assert refused(emitted(made), stack) == []


def test_the_halves_keep_what_they_need() -> None:
    plain = emitted(spec(None), "apart")
    assert [profile["name"] for profile in plain["schedulingProfiles"]] == ["prefill", "decode"]
    assert refused(plain, "llm-d-router-0.10") == []
    flowing = emitted(spec({"flowControl": {}}, service="apart"), "apart")
    assert refused(flowing, "llm-d-router-0.10") == []
    assert flowing["schedulingProfiles"] == plain["schedulingProfiles"]
    assert [p for p in flowing["plugins"] if p["type"] != "utilization-detector"] == plain["plugins"]


def test_a_catalogue_of_a_team_changes_one_preset(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "catalog/stacks").mkdir(parents=True)
    (tmp_path / "specs/platform.yaml").write_text(line.written(spec({"preset": "prefix-heavy"})), encoding="utf-8")
    own = "presets: {prefix-heavy: {source: measured, plugins: [{plugin: no-hit-lru-scorer, weight: 5}, {plugin: max-score-picker}]}}\n"
    (tmp_path / "catalog/stacks/llm-d-router-0.10.yaml").write_text(f'kind: stack\nasOf: "2026-11-01"\n{own}', encoding="utf-8")
    why = line.inferspec("why", "ConfigMap/chat-picker", "data", cwd=tmp_path).stdout
    assert "no-hit-lru-scorer" in why and "kv-cache" not in why
    plain = line.inferspec("why", "ConfigMap/code-picker", "data", cwd=tmp_path).stdout
    assert "kv-cache-utilization-scorer" in plain


def test_the_page_has_the_weights_of_the_catalogue() -> None:
    page = (line.ROOT / "docs/routing.md").read_text(encoding="utf-8")
    scorers = ("queue-scorer", "kv-cache-utilization-scorer", "prefix-cache-scorer", "lora-affinity-scorer")
    for stack in map(catalogue().stack, STACKS):
        for name, preset in stack.presets.items():
            held = {ref.plugin: str(ref.weight) for ref in preset.plugins}
            cells = [held.get(scorer, f"{stack.adapter_scorer.weight} with adapters") for scorer in scorers]
            (row,) = [row for row in page.splitlines() if row.startswith(f"| `{name}` |")]
            assert row.endswith(f"| {' | '.join(cells)} |")


@pytest.mark.parametrize("stack", STACKS)
def test_what_the_page_shows_is_accepted(stack: str) -> None:
    page = (line.ROOT / "docs/routing.md").read_text(encoding="utf-8").partition("## How the picker chooses")[2]
    shown = [yaml.safe_load(part.partition("```")[0]) for part in page.split("```yaml\n")[1:]]
    assert len(shown) == 2
    for picker in (shown[0]["serving"]["chat"]["picker"], shown[1]["picker"]):
        if stack == "gie-1.5":
            picker.get("flowControl", {}).pop("coldStartTtl", None)
        assert [d.message for d in vetted(spec(picker, stack)) if d.severity is Severity.ERROR] == []


# -- flow control ------------------------------------------------------------------------------------------------------


def test_flow_control_as_the_router_reads_it() -> None:
    made = spec(
        {
            "flowControl": {
                "ttl": "30s", "coldStartTtl": "10m", "maxRequests": 1000, "maxBytes": "1Gi", "fairness": "round-robin", "ordering": "slo"
            },
            "saturation": {"queueDepth": 8, "kvCache": 85, "staleness": "1500ms"},
        }
    )  # fmt: skip
    config = emitted(made)
    assert config["featureGates"] == ["flowControl"]
    assert config["plugins"][-3:] == [
        {
            "type": "utilization-detector",
            "parameters": {"queueDepthThreshold": 8, "kvCacheUtilThreshold": 0.85, "metricsStalenessThreshold": "1500ms"},
        },
        {"type": "round-robin-fairness-policy"},
        {"type": "slo-deadline-ordering-policy"},
    ]
    limits = {"maxBytes": "1Gi", "maxRequests": "1000"}
    band = {**limits, "fairnessPolicyRef": "round-robin-fairness-policy", "orderingPolicyRef": "slo-deadline-ordering-policy"}
    assert config["flowControl"] == {
        **limits,
        "defaultRequestTTL": "30s",
        "noEndpointRequestTTL": "10m",
        "priorityBands": [{"priority": 100, **band}, {"priority": 0, **band}],
    }


@pytest.mark.parametrize("stack", STACKS)
def test_flow_control_alone_never_trusts_the_staleness_of_the_release(stack: str) -> None:
    config = emitted(spec({"flowControl": {}}, stack))
    assert config["plugins"][-1] == {"type": "utilization-detector", "parameters": {"metricsStalenessThreshold": "1s"}}
    assert config["flowControl"] == {"priorityBands": [{"priority": 100}, {"priority": 0}]}
    full = emitted(spec({"saturation": {"queueDepth": 3}}, stack))
    assert full["plugins"][-1] == {"type": "utilization-detector", "parameters": {"queueDepthThreshold": 3}}
    assert "flowControl" not in full and "featureGates" not in full


def test_bands_are_the_priorities_that_requests_can_have() -> None:
    made = spec({"flowControl": {}})
    made["objectives"] |= {"background": -10, "unused": 7}
    chat = made["serving"]["chat"]["expose"]
    made["gateways"]["second"] = {**made["gateways"]["public"], "host": "second.acme.example"}
    chat.append({"gateway": "second", "as": "qwen3-32b", "objective": "background"})
    assert [band["priority"] for band in emitted(made)["flowControl"]["priorityBands"]] == [100, 0, -10]


# -- origins -----------------------------------------------------------------------------------------------------------


def origins(picker: Any, **more: Any) -> set[SpecPath]:
    plan = line.planned(line.written(spec(picker, **more)))
    cluster = next(c for c in plan.clusters if c.name == "usc1-prod")
    mine = [field for field in fields(plan, cluster) if str(field.object.identity) == "ConfigMap search-llm/chat-picker"]
    (held,) = [field for field in mine if field.pointer.startswith("/data/")]
    assert held.value is not None
    return set(spec_paths(held.value.origin))


@pytest.mark.parametrize(
    ("picker", "more", "paths"),
    [
        ({"preset": "prefix-heavy"}, {}, [("preset",)]),
        ({"flowControl": {}}, {}, [("flowControl",)]),
        ({"flowControl": {"ttl": "5s"}, "saturation": {"staleness": "2s"}}, {}, [("flowControl", "ttl"), ("saturation", "staleness")]),
        ({"config": OWN}, {}, [("config", "plugins", 1, "parameters", "deep", "z", 1, "a"), ("config", "featureGates", 0)]),
    ],
)  # fmt: skip
def test_every_key_is_an_origin(picker: Any, more: dict[str, Any], paths: list[SpecPath]) -> None:
    assert {("serving", "chat", "picker", *path) for path in paths} <= origins(picker, **more)


def test_objectives_and_adapters_are_origins_too() -> None:
    assert ("objectives", "interactive") in origins({"flowControl": {}})
    assert origins(None, adapters=ADAPTERS) == {("serving", "chat", "adapters", "sql")}
    assert origins(None) == set()


def test_why_and_trace_find_the_line(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    made = spec({"preset": "prefix-heavy", "flowControl": {"ttl": "30s"}})
    (tmp_path / "specs/platform.yaml").write_text(json.dumps(made), encoding="utf-8")
    why = line.inferspec("why", "ConfigMap/chat-picker", "data", cwd=tmp_path).stdout
    assert "'prefix-heavy' from the spec: serving.chat.picker.preset" in why
    assert "'30s' from the spec: serving.chat.picker.flowControl.ttl" in why
    for path in ("serving.chat.picker.preset", "serving.chat.picker.flowControl.ttl", "serving.chat.picker"):
        traced = line.inferspec("trace", path, cwd=tmp_path).stdout
        assert "ConfigMap search-llm/chat-picker /data/default-plugins.yaml" in traced
        assert "Deployment search-llm/chat-picker /spec/template/metadata/annotations/inferspec.dev~1config" in traced
    told = line.inferspec("explain", "serving.chat.expose", cwd=tmp_path).stdout.splitlines()
    assert "  public   https://llm.acme.example  qwen3-32b" in told
    rows = [row.split(maxsplit=2) for row in told if row.startswith("  x-llm-d")]
    assert rows[0] == ["x-llm-d-inference-objective", "chat-interactive", "interactive: priority 100"]
    assert [row[0] for row in rows] == ["x-llm-d-inference-objective", "x-llm-d-inference-objective", "x-llm-d-inference-fairness-id"]


def test_explain_says_the_names_of_the_stack_and_nothing_without_a_spec(tmp_path: Path) -> None:
    assert "what clients" not in line.inferspec("explain", "serving.chat", cwd=tmp_path).stdout
    made = spec({"flowControl": {"ordering": "slo"}}, "gie-1.5", adapters=ADAPTERS)
    (tmp_path / "old.yaml").write_text(json.dumps(made), encoding="utf-8")
    told = line.inferspec("explain", "serving.chat", "-f", "old.yaml", cwd=tmp_path).stdout
    assert "x-gateway-inference-objective" in told and "x-gateway-inference-fairness-id" in told and "qwen3-32b, sql" in told
    assert "x-slo-ttft-ms" in told
    assert "what clients" not in line.inferspec("explain", "serving.chat.scale", "-f", "old.yaml", cwd=tmp_path).stdout
    lost = line.inferspec("explain", "serving.chta", "-f", "old.yaml", cwd=tmp_path)
    assert lost.returncode == 3 and "did you mean chat?" in lost.stderr
