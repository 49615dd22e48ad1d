"""The endpoint picker's configuration: what a spec says of it is what the release reads, and every line of it has an origin."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.check.picker_config import faults
from inferspec.diagnostics import Diagnostic, Severity, SpecPath
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.plan.objects import FleetPlan, Object
from inferspec.plan.provenance import fields, spec_paths
from inferspec.plan.views.picker_text import text
from inferspec.resolve.fleet import Fleet
from ruamel.yaml import YAML

from tests import line

STACKS = ("gie-1.5", "llm-d-router-0.10")
PRESETS = ("balanced", "prefix-heavy", "lora-heavy")
ADAPTERS = {"sql": {"source": "gs://acme-adapters/sql", "revision": "r3", "rank": 16}}
LOAD = ("queue-scorer", "kv-cache-utilization-scorer")
EVENTS = '{"enable_kv_cache_events": true, "publisher": "zmq", "endpoint": "tcp://*:5561"}'


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


def weights(config: dict[str, Any]) -> dict[str, Any]:
    (profile,) = config["schedulingProfiles"]
    assert [plugin["type"] for plugin in config["plugins"]] == [ref["pluginRef"] for ref in profile["plugins"]]
    return {ref["pluginRef"]: ref.get("weight") for ref in profile["plugins"]}


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
    page = (line.ROOT / "docs/routing.md").read_text(encoding="utf-8")
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


# -- a configuration of one's own --------------------------------------------------------------------------------------

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


def test_what_is_written_is_what_the_picker_reads() -> None:
    head = {"apiVersion": "llm-d.ai/v1alpha1", "kind": "EndpointPickerConfig"}
    assert emitted(spec({"config": OWN})) == {**head, **OWN}


def test_the_order_of_keys_changes_nothing() -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    assert written(spec({"config": turned(OWN)})) == written(spec({"config": OWN}))


def test_an_alpha_plugin_is_allowed_and_no_other_picker_is_told() -> None:
    def arguments(picker: Any) -> list[str]:
        deployment = found(line.planned(line.written(spec(picker))), "Deployment", "chat-picker").tree()
        return list(deployment["spec"]["template"]["spec"]["containers"][0]["args"])

    assert arguments({"config": OWN}) == [*arguments(None), "--allow-experimental-plugins=true"]
    assert arguments({"config": {"plugins": [{"type": "queue-scorer"}]}}) == arguments(None)


def test_a_changed_configuration_restarts_the_picker() -> None:
    def digest(picker: Any) -> str:
        deployment = found(line.planned(line.written(spec(picker))), "Deployment", "chat-picker").tree()
        return str(deployment["spec"]["template"]["metadata"]["annotations"]["inferspec.dev/config"])

    assert len({digest(picker) for picker in (None, {"preset": "prefix-heavy"}, {"flowControl": {}}, {"config": OWN})}) == 4


def test_servers_let_the_picker_follow_their_events() -> None:
    """Engine, picker, network policy: the port of the events is one."""
    producer = {"type": "precise-prefix-cache-producer", "parameters": {"tokenProcessorConfig": {"blockSize": 64}}}
    tokens = {"type": "token-producer", "parameters": {"modelName": "qwen3-32b", "vllm": {"url": "http://chat.search-llm:8000"}}}
    config = {
        "plugins": [tokens, producer, {"type": "prefix-cache-scorer"}, {"type": "endpoint-notification-source"}],
        "dataLayer": {"sources": [{"pluginRef": "endpoint-notification-source", "extractors": [{"pluginRef": producer["type"]}]}]},
    }
    made = spec({"config": config}, flags={"block-size": 64, "kv-events-config": EVENTS})
    assert [d for d in vetted(made) if d.code == "GTW116"] == []
    plan = line.planned(line.written(made))
    rules = found(plan, "NetworkPolicy", "chat").tree()["spec"]["ingress"]
    (mine,) = [rule for rule in rules if rule["from"] == [{"podSelector": {"matchLabels": {"app": "chat-picker"}}}]]
    assert [port["port"] for port in mine["ports"]] == [5561, 8000]
    assert refused(emitted(made), "llm-d-router-0.10") == []


def test_metrics_on_a_port_of_their_own_are_read_there() -> None:
    def triton(*more: dict[str, Any]) -> dict[str, Any]:
        made = line.data("engines")
        made["stack"] = "llm-d-router-0.10"
        made["serving"]["triton"]["picker"] = {"config": {"plugins": [{"type": "queue-scorer"}, *more]}}
        return made

    source = {"type": "metrics-data-source", "parameters": {"port": 8002}}
    assert emitted(triton(), "triton")["plugins"] == [{"type": "queue-scorer"}, source]
    assert emitted(triton(source), "triton")["plugins"] == [{"type": "queue-scorer"}, source]
    for wrong in ({"type": "metrics-data-source"}, {**source, "parameters": {"port": 8000}}):
        (one,) = [d for d in vetted(triton(wrong)) if d.code == "GTW116"]
        assert "are on 8002" in one.message and one.path[:6] == ("serving", "triton", "picker", "config", "plugins", 1)


@pytest.mark.parametrize(
    "broken", ["text", 5, [], [1], {"pluginRef": 3}, {"sources": 1}, {"sources": [{"extractors": "x"}]}, {"priorityBands": [[]]}]
)
@pytest.mark.parametrize("section", ["dataLayer", "flowControl", "requestHandler", "saturationDetector", "parser"])
def test_no_form_of_a_section_is_more_than_a_finding(section: str, broken: Any) -> None:
    vetted(spec({"config": {"featureGates": ["flowControl"], "plugins": [{"type": "queue-scorer"}], section: broken}}))


def test_a_finding_stands_where_the_mistake_is() -> None:
    parameters = {"queueDepthTreshold": 5}
    made = spec({"config": {"plugins": [{"type": "queue-scorer"}, {"type": "utilization-detector", "parameters": parameters}]}})
    (one,) = [d for d in vetted(made) if d.code == "GTW113"]
    assert one.path == ("serving", "chat", "picker", "config", "plugins", 1, "parameters", "queueDepthTreshold")
    shown = line.written(made).splitlines()[one.span.line - 1]
    assert shown[one.span.column - 1 : one.span.end_column - 1] == '"queueDepthTreshold"'
    assert one.help == "did you mean 'queueDepthThreshold'?" and one.severity is Severity.ERROR


# -- origins and text --------------------------------------------------------------------------------------------------


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
    (tmp_path / "old.yaml").write_text(json.dumps(spec({"flowControl": {}}, "gie-1.5", adapters=ADAPTERS)), encoding="utf-8")
    told = line.inferspec("explain", "serving.chat", "-f", "old.yaml", cwd=tmp_path).stdout
    assert "x-gateway-inference-objective" in told and "x-gateway-inference-fairness-id" in told and "qwen3-32b, sql" in told
    assert "what clients" not in line.inferspec("explain", "serving.chat.scale", "-f", "old.yaml", cwd=tmp_path).stdout
    lost = line.inferspec("explain", "serving.chta", "-f", "old.yaml", cwd=tmp_path)
    assert lost.returncode == 3 and "did you mean chat?" in lost.stderr


_WORDS = st.text("abyno1e.:-#'\"{}[], \\té", max_size=8)
_SCALARS = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.sampled_from([0.25, 1.5, -2.0, 1e-7, 1e20]) | _WORDS
_KEYS = st.text("abyno1.", min_size=1, max_size=4)
_NODES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8)


@given(st.dictionaries(_KEYS, _NODES, min_size=1, max_size=4))
def test_every_reader_reads_the_text_as_it_was_meant(document: dict[str, Any]) -> None:
    assert YAML(typ="safe").load(text(document)) == document
    assert yaml.safe_load(text(document)) == document
